"""What operators do with one device in the back office."""

import pytest
from django.contrib.auth.models import Permission
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils.timezone import now

from accounts.tests.factories import make_account
from devices import moving, pairing, preferences
from devices.admin import filters
from devices.models import CoreInteraction, CoreMetric, Device
from devices.tests.factories import make_device, make_token

pytestmark = pytest.mark.django_db


@pytest.fixture
def staff_client(client):
    """A browser signed in to the admin."""
    staff = make_account("staff@selene.test", is_staff=True, is_superuser=True)
    client.force_login(staff, backend="django.contrib.auth.backends.ModelBackend")
    return client


@pytest.fixture
def viewer_client(client):
    """A browser of staff that may look at devices, and at nothing else."""
    viewer = make_account("viewer@selene.test", is_staff=True)
    viewer.user_permissions.set(Permission.objects.filter(codename="view_device"))
    client.force_login(viewer, backend="django.contrib.auth.backends.ModelBackend")
    return client


@pytest.fixture
def other():
    """The account that a device is moved to."""
    return make_account("other@selene.test")


def page_of(device, action="change"):
    return f"/admin/devices/device/{device.pk}/{action}/"


def found(client, **query):
    page = client.get("/admin/devices/device/", query)
    assert page.status_code == 200
    return {row.name for row in page.context["cl"].result_list}


def test_devices_are_found_by_how_their_names_begin(staff_client):
    make_device(make_account("ada@selene.test"), name="Kitchen 1")
    make_device(name="Old kitchen")

    assert found(staff_client, q="kitc") == {"Kitchen 1"}
    assert found(staff_client, q="ada@") == {"Kitchen 1"}
    assert found(staff_client, q="%") == set()


def test_accounts_are_found_by_their_devices(staff_client):
    make_device(make_account("ada@selene.test"), name="Kitchen")
    make_device(name="Attic")

    page = staff_client.get("/admin/accounts/account/", {"q": "kitch"})

    assert [row.email for row in page.context["cl"].result_list] == ["ada@selene.test"]


def test_devices_are_filtered_by_what_they_say_and_where_they_are(
    staff_client, monkeypatch, kansas_city, vancouver
):
    monkeypatch.setitem(filters.counted, "platform", lambda: ["picroft", "mycroft_mark_2"])
    place = {"city": vancouver, "timezone": vancouver.timezone}
    make_device(name="One", platform="picroft", core_version="21.2.2", **place)
    place = {"city": kansas_city, "timezone": kansas_city.timezone}
    make_device(name="Two", platform="kde", core_version="20.8.1", **place)

    country = {"city__region__country__id__exact": str(vancouver.region.country_id)}
    assert found(staff_client, platform="picroft") == {"One"}
    assert found(staff_client, platform="kde") == {"Two"}
    assert found(staff_client, core_version="20.8.1") == {"Two"}
    assert found(staff_client, **country) == {"One"}
    page = staff_client.get("/admin/devices/device/")
    assert "mycroft_mark_2" in page.text
    assert '"kde"' not in page.text


def test_the_page_shows_what_belongs_to_the_device_and_no_token(staff_client, device):
    access = make_token(device)
    CoreMetric.objects.create(device=device, name="timing", value={})
    CoreInteraction.objects.create(
        device=device, core_id="1", started_at=now(), skill_handler="TimerSkill", stt_seconds=0.5
    )

    page = staff_client.get(page_of(device))

    shown = {panel["title"]: panel["count"] for panel in page.context["panels"]}
    assert (shown["Tokens that may be used"], shown["Interactions"], shown["Metrics"]) == (1, 1, 1)
    assert "TimerSkill" in page.text
    assert access not in page.text
    assert device.tokens.get().access_digest not in page.text


def test_the_page_of_an_account_leads_to_its_devices(staff_client, device):
    page = staff_client.get(f"/admin/accounts/account/{device.account_id}/change/")

    assert page_of(device) in page.text


def test_the_page_costs_the_same_with_one_row_of_a_kind_and_with_three(staff_client, device):
    def add(number):
        make_token(device)
        CoreMetric.objects.create(device=device, name="timing", value={})
        CoreInteraction.objects.create(device=device, core_id=str(number), started_at=now())

    add(1)
    staff_client.get(page_of(device))
    with CaptureQueriesContext(connection) as one:
        staff_client.get(page_of(device))
    add(2)
    add(3)

    with CaptureQueriesContext(connection) as three:
        staff_client.get(page_of(device))

    assert len(three) == len(one)


def test_who_may_only_look_at_devices_moves_none(viewer_client, device, other):
    page = viewer_client.get(page_of(device))

    assert page.context["actions_detail"] == []
    assert page.context["panels"] == []
    for action in ("move", "revoke_tokens"):
        assert viewer_client.get(page_of(device, action)).status_code == 403
        assert (
            viewer_client.post(page_of(device, action), {"email": other.email}).status_code == 403
        )
    assert Device.objects.get().account == device.account


def test_a_device_without_tokens_must_pair_again(staff_client, device, device_client):
    asked = staff_client.get(page_of(device, "revoke_tokens"))
    assert device_client.get(f"/v1/device/{device.pk}").status_code == 200

    response = staff_client.post(page_of(device, "revoke_tokens"), follow=True)

    assert "paired anew" in asked.text
    assert "Its tokens are revoked" in response.text
    assert device_client.get(f"/v1/device/{device.pk}").status_code == 401


def test_a_moved_device_shows_what_its_new_account_prefers(
    staff_client, device, device_client, other
):
    preferences.change(
        other, date_format="DD/MM/YYYY", measurement_system="Metric", time_format="24 Hour"
    )
    path = f"/v1/device/{device.pk}/setting"
    known = {"If-None-Match": device_client.get(path)["ETag"]}

    response = staff_client.post(
        page_of(device, "move"), {"email": "OTHER@selene.test", "name": "Hall"}, follow=True
    )

    assert "Moved to other@selene.test" in response.text
    polled = device_client.get(path, headers=known)
    assert (polled.status_code, polled.json()["dateFormat"]) == (200, "DMY")
    row = Device.objects.get()
    assert (row.account, row.name) == (other, "Hall")


def test_a_moved_device_forgets_whom_it_leaves(device, other):
    CoreMetric.objects.create(device=device, name="timing", value={})
    CoreInteraction.objects.create(device=device, core_id="1", started_at=now())

    moving.move(device, other, name=device.name)

    assert not CoreMetric.objects.exists()
    assert not CoreInteraction.objects.exists()


def test_a_device_that_goes_on_with_the_same_people_keeps_what_it_reported(device, other):
    CoreMetric.objects.create(device=device, name="timing", value={})

    moving.move(device, other, name=device.name, keep=True)

    assert CoreMetric.objects.get().device.account == other


@pytest.mark.parametrize(
    ("form", "reason"),
    [
        ({"email": "nobody@selene.test"}, "no account has this address"),
        ({"email": ""}, "required"),
        ({"email": "other@selene.test", "name": "Kitchen"}, "has a device called Kitchen"),
    ],
)
def test_a_move_that_cannot_be_says_why_and_changes_nothing(
    staff_client, device, other, form, reason
):
    make_device(other, name="Kitchen")

    page = staff_client.post(page_of(device, "move"), form)

    assert page.status_code == 200
    assert reason in page.text
    row = Device.objects.get(pk=device.pk)
    assert (row.account, row.version) == (device.account, device.version)


def test_a_device_moves_to_no_account_that_is_full_and_not_to_its_own(
    staff_client, device, other, settings
):
    settings.MAX_DEVICES = 1
    make_device(other)

    full = staff_client.post(page_of(device, "move"), {"email": other.email})
    own = staff_client.post(page_of(device, "move"), {"email": device.account.email})

    assert "can have 1 devices" in full.text
    assert "already" in own.text
    assert Device.objects.get(pk=device.pk).account == device.account


def test_a_device_that_was_moved_meanwhile_is_not_moved_again(device, other):
    moving.move(device, other, name="Hall")

    with pytest.raises(Device.DoesNotExist):
        moving.move(device, make_account(), name="Hall")

    assert Device.objects.get().account == other


def test_a_name_can_be_taken_at_the_last_moment(device, other):
    make_device(other, name="Kitchen")

    with pytest.raises(pairing.NameTaken):
        moving.move(device, other, name="Kitchen")
