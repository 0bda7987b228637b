"""Through the back office: what changes there reaches devices, and who gets to which page."""

import pytest
from django.contrib.auth.models import Group

from accounts.tests.factories import make_account, make_agreement
from accounts.tests.pages import shown_form
from devices import editing, preferences
from devices.models import AccountPreferences
from devices.tests.factories import make_voice
from geography.tests.factories import make_city
from market.tests.factories import install, make_credential, text
from operations import roles

pytestmark = pytest.mark.django_db
BACKEND = "django.contrib.auth.backends.ModelBackend"


@pytest.fixture
def staff_client(client):
    """A browser signed in to the admin."""
    staff = make_account("staff@selene.test", is_staff=True, is_superuser=True)
    client.force_login(staff, backend=BACKEND)
    return client


def sign_in_as(client, role):
    """Sign somebody in who has this role and no other rights."""
    roles.restore()
    person = make_account(f"{role}@selene.test", is_staff=True)
    person.groups.add(Group.objects.get(name=role))
    client.force_login(person, backend=BACKEND)


def device_page(device, **_):
    return f"devices/device/{device.pk}/change/"


def preferences_page(device, **_):
    return f"devices/accountpreferences/{device.account.preferences.pk}/change/"


# Not the wake word: no resource that devices poll tells of it.
CHANGES = {
    "its name": (device_page, "", lambda: {"name": "Attic"}),
    "its room": (device_page, "", lambda: {"placement": "Shelf"}),
    "its place": (
        device_page,
        "/location",
        lambda: {"city": (city := make_city("Elsewhere")).pk, "timezone": city.timezone_id},
    ),
    "its voice": (
        device_page,
        "/setting",
        lambda: {"voice": make_voice("Other", "mimic2", "x").pk},
    ),
    "preferences": (preferences_page, "/setting", lambda: {"time_format": "24 Hour"}),
    "a voice": (
        lambda device, **_: f"devices/voice/{device.voice_id}/change/",
        "/setting",
        lambda: {"setting_name": "another"},
    ),
    "settings of a skill": (
        lambda skill, **_: f"market/deviceskill/{skill.pk}/change/",
        "/skill/settings",
        lambda: {"values": '{"user": "zoe"}'},
    ),
    "a skill removed": (
        lambda skill, **_: f"market/deviceskill/{skill.pk}/delete/",
        "/skill/settings",
        lambda: {"post": "yes"},
    ),
    "preferences removed": (
        lambda device, **_: f"devices/accountpreferences/{device.account.preferences.pk}/delete/",
        "/setting",
        lambda: {"post": "yes"},
    ),
    "another account": (
        lambda device, **_: f"devices/device/{device.pk}/move/",
        "/setting",
        lambda: {"email": make_account("other@selene.test").email},
    ),
}


@pytest.fixture
def skill(device):
    """A skill on a device that has a place, and preferences of its account."""
    city = make_city()
    editing.change(device, city=city, timezone=city.timezone)
    preferences.change(
        device.account, date_format="DD/MM/YYYY", measurement_system="Metric", time_format="12 Hour"
    )
    return install(device, "a|1", text("user", "anon"))


@pytest.mark.parametrize("what", CHANGES)
def test_what_is_changed_on_a_page_reaches_the_device_on_its_next_poll(
    staff_client, device, device_client, skill, what
):
    page, resource, change = CHANGES[what]
    url = f"/admin/{page(device=device, skill=skill)}"
    path = f"/v1/device/{device.pk}{resource}"
    tag = device_client.get(path)["ETag"]
    form = shown_form(staff_client.get(url)) | change()
    assert device_client.get(path, headers={"If-None-Match": tag}).status_code == 304

    response = staff_client.post(url, form)

    assert response.status_code == 302, response.context["errors"]
    polled = device_client.get(path, headers={"If-None-Match": tag})
    assert polled.status_code == 200
    assert polled["ETag"] != tag


@pytest.mark.parametrize("way", ["revoke_tokens", "delete"])
def test_a_device_that_is_cut_off_is_refused_on_its_next_poll(
    staff_client, device, device_client, way
):
    path = f"/v1/device/{device.pk}"
    assert device_client.get(path).status_code == 200

    staff_client.post(f"/admin/devices/device/{device.pk}/{way}/", {"post": "yes"})

    assert device_client.get(path).status_code == 401


SEEN = {
    "accounts/account/": {"support", "operator", "auditor"},
    "accounts/account/add/": {"operator"},
    "accounts/agreement/add/": {"operator"},
    "accounts/subscription/": {"support", "operator", "auditor"},
    "accounts/pendingpayment/": {"support", "operator", "auditor"},
    "accounts/securityevent/": {"support", "operator", "auditor"},
    "accounts/signinsession/": {"support", "operator", "auditor"},
    "devices/device/": {"support", "operator", "auditor"},
    "devices/device/add/": {"support", "operator"},
    "devices/voice/add/": {"operator"},
    "market/skill/": {"support", "operator", "auditor"},
    "market/oauthcredential/": {"operator", "auditor"},
    "market/oauthcredential/add/": {"operator"},
    "geography/city/": {"support", "operator", "auditor"},
}
DONE = {
    "accounts/account/{account}/lock/": {"support", "operator"},
    "accounts/account/{account}/export/": {"operator"},
    "accounts/account/{account}/send_password_reset/": {"support", "operator"},
    "accounts/account/{account}/delete/": {"operator"},
    "devices/device/{device}/move/": {"support", "operator"},
    "devices/device/{device}/revoke_tokens/": {"support", "operator"},
    "devices/device/{device}/delete/": {"support", "operator"},
    "accounts/agreement/{agreement}/delete/": {"operator"},
}


@pytest.mark.parametrize("role", roles.ROLES)
def test_a_role_opens_the_pages_it_is_for_and_no_others(client, device, role):
    agreement = make_agreement()
    make_credential()
    sign_in_as(client, role)
    keys = {"account": device.account_id, "device": device.pk, "agreement": agreement.pk}

    allowed = {}
    for path, who in (SEEN | DONE).items():
        answer = client.get(f"/admin/{path.format(**keys)}").status_code
        assert answer == (200 if role in who else 403), path
        allowed[path] = answer

    assert 403 in allowed.values() or role == "operator"


def test_auditors_see_the_pages_of_a_person_and_can_change_nothing(client, device, skill):
    sign_in_as(client, "auditor")

    account = client.get(f"/admin/accounts/account/{device.account_id}/change/")
    page = client.get(f"/admin/devices/device/{device.pk}/change/")
    sent = client.post(f"/admin/devices/device/{device.pk}/change/", {"name": "Attic"})

    assert (account.status_code, page.status_code, sent.status_code) == (200, 200, 403)
    assert account.context["actions_detail"] == page.context["actions_detail"] == []
    assert "Devices" in {panel["title"] for panel in account.context["panels"]}
    assert AccountPreferences.objects.exists()


def test_support_pairs_a_device_and_sees_no_password_of_a_skill(client, device):
    row = install(device, "b|1", text("pin", "", type="password"), pin="s3cret")
    sign_in_as(client, "support")

    pages = [
        client.get(f"/admin/devices/device/{device.pk}/change/"),
        client.get(f"/admin/market/deviceskill/{row.pk}/change/"),
        client.get("/admin/devices/device/add/"),
    ]

    assert [page.status_code for page in pages] == [200, 200, 200]
    assert "b|1" in pages[0].text
