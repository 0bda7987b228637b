"""Skills, their definitions and their devices on the pages of the back office."""

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from accounts.tests.factories import make_account
from devices import moving
from devices.tests.factories import make_device
from market import definition_preview, skill_settings
from market.models import DeviceSkill, SettingsDefinition
from market.tests.factories import (
    install,
    make_catalogue_entry,
    make_credential,
    make_oauth_token,
    meta,
    text,
)

pytestmark = pytest.mark.django_db


@pytest.fixture
def staff_client(client):
    """A browser signed in to the admin."""
    staff = make_account("staff@selene.test", is_staff=True, is_superuser=True)
    client.force_login(staff, backend="django.contrib.auth.backends.ModelBackend")
    return client


@pytest.fixture
def row(device):
    """A skill with a password, on ``device``."""
    found = install(device, "a|1", text("user"), text("pin", "", type="password"))
    skill_settings.replace(found, {"user": "ada", "pin": "s3cret"})
    return found


def panels_of(page):
    return {panel["title"]: panel["count"] for panel in page.context["panels"]}


def test_the_page_of_a_device_shows_its_skills_and_masks_passwords(staff_client, device, row):
    page = staff_client.get(f"/admin/devices/device/{device.pk}/change/")

    assert panels_of(page)["Skills"] == 1
    assert "user: ada, pin: ********" in page.text
    assert "s3cret" not in page.text
    assert f"/admin/market/deviceskill/{row.pk}/change/" in page.text


def test_the_page_of_a_skill_shows_where_it_is(staff_client, device, row):
    make_catalogue_entry("a|1", title="The A")

    page = staff_client.get(f"/admin/market/skill/{row.skill_id}/change/")

    expected = {"In the catalogue": 1, "Definitions of its settings": 1, "Devices that have it": 1}
    assert panels_of(page) == expected
    assert device.name in page.text
    assert "The A" in page.text


def test_the_page_of_a_skill_costs_the_same_on_one_device_and_on_three(staff_client, row):
    url = f"/admin/market/skill/{row.skill_id}/change/"
    staff_client.get(url)
    with CaptureQueriesContext(connection) as one:
        staff_client.get(url)
    for _ in range(2):
        install(make_device(), "a|1")

    with CaptureQueriesContext(connection) as three:
        staff_client.get(url)

    assert len(three) == len(one)


def test_a_definition_is_shown_as_its_owner_sees_it(staff_client, device):
    options = "Metric|metric;Imperial|imperial"
    install(
        device,
        "a|1",
        {"type": "label", "label": "<b>Hello</b>"},
        text("unit", "imperial", type="select", options=options, label="Units"),
        text("on", "true", type="checkbox"),
        text("pin", "", type="password"),
    )
    definition = SettingsDefinition.objects.get()

    page = staff_client.get(f"/admin/market/settingsdefinition/{definition.pk}/change/")

    assert "&lt;b&gt;Hello&lt;/b&gt;" in page.text
    assert "<option selected>Imperial</option>" in page.text
    assert "<fieldset disabled" in page.text
    assert panels_of(page) == {"Devices that have it": 1}


@pytest.mark.parametrize(
    "field",
    [
        {},
        {"name": "x", "type": "select", "options": "no pairs"},
        {"name": "x", "type": "select", "options": [{"display": 1}, 2]},
        {"name": "x", "type": 5, "value": [1], "label": None},
        {"name": "x", "type": "select"},
    ],
)
def test_whatever_an_author_wrote_can_be_shown(field):
    [section] = definition_preview.sections(meta("a|1", field))

    assert len(section.fields) == 1


def test_devices_are_filtered_by_skill(staff_client, device, row):
    make_device()

    def names(value):
        page = staff_client.get("/admin/devices/device/", {"skill": value})
        return [each.name for each in page.context["cl"].result_list]

    assert names(str(row.skill_id)) == [device.name]
    assert staff_client.get("/admin/devices/device/?skill=nonsense").status_code == 302


@pytest.mark.parametrize("term", ["a|", "Device", "owner"])
def test_skills_on_devices_are_found_by_skill_device_and_account(staff_client, row, term):
    install(make_device(make_account("other@selene.test"), "Attic"), "b|1")
    term = {"Device": row.device.name, "owner": row.device.account.email}.get(term, term)

    page = staff_client.get("/admin/market/deviceskill/", {"q": term})

    assert list(page.context["cl"].result_list) == [row]


def test_a_device_that_moves_forgets_what_its_skills_were_told(device, row):
    moving.move(device, make_account(), name="Hall")

    assert skill_settings.of_device(device).by_skill == {"a|1": {"user": "anon", "pin": ""}}
    assert DeviceSkill.objects.get().secret_settings == ""


def test_a_device_that_goes_on_with_the_same_people_keeps_it(device, row):
    moving.move(device, make_account(), name="Hall", keep=True)

    assert skill_settings.of_device(device).by_skill == {"a|1": {"user": "ada", "pin": "s3cret"}}


def test_the_page_of_a_credential_counts_the_accounts_connected(staff_client, account):
    credential = make_credential()
    make_oauth_token(account, credential)

    page = staff_client.get(f"/admin/market/oauthcredential/{credential.pk}/change/")
    owner = staff_client.get(f"/admin/accounts/account/{account.pk}/change/")

    assert page.context["adminform"].model_admin.connected(credential) == 1
    assert "Accounts connected" in page.text
    assert panels_of(owner)["Connected services"] == 1


def test_lists_lead_to_the_job_that_loads_them(staff_client):
    for path in ("market/skill", "geography/city"):
        assert (
            "/admin/operations/jobrun/?name__exact=load_"
            in staff_client.get(f"/admin/{path}/").text
        )
