"""GET /api/skills."""

import pytest

from accounts.tests.factories import make_account
from devices.tests.factories import make_device
from market import settings_definitions
from market.models import Skill
from market.tests.factories import install, make_catalogue_entry, make_skill, meta, text


def test_without_skills_the_list_is_empty(account_client):
    response = account_client.get("/api/skills")

    assert response.status_code == 200
    assert response.json() == []


def test_a_family_is_one_row_over_all_devices(account_client, device):
    other = make_device(device.account)
    install(device, "timer|20.08")
    install(device, "homescreen.mark2", text("user"))
    install(other, "timer|21.02", text("user"))
    install(other, f"@{other.pk}|timer")
    ids = {skill.skill_gid: str(skill.pk) for skill in Skill.objects.all()}

    response = account_client.get("/api/skills")

    assert response.json() == [
        {
            "familyName": "homescreen",
            "marketId": None,
            "name": "Timer",
            "hasSettings": True,
            "skillIds": [ids["homescreen.mark2"]],
        },
        {
            "familyName": "timer",
            "marketId": None,
            "name": "Timer",
            "hasSettings": True,
            "skillIds": [ids[f"@{other.pk}|timer"], ids["timer|20.08"], ids["timer|21.02"]],
        },
    ]


def test_the_marketplace_gives_id_and_name(account_client, device):
    make_catalogue_entry("timer|20.08", core_version="20.08", display_name="Old timers")
    newest = make_catalogue_entry("timer|21.02", display_name="Timers")
    skill = install(device, "timer|19.02").skill

    response = account_client.get("/api/skills")

    assert response.json() == [
        {
            "familyName": "timer",
            "marketId": str(newest.pk),
            "name": "Timers",
            "hasSettings": False,
            "skillIds": [str(skill.pk)],
        }
    ]


def test_the_configured_core_version_says_which_catalogue(account_client, device, settings):
    settings.CORE_VERSION = "20.08"
    older = make_catalogue_entry("timer|20.08", core_version="20.08", display_name="Old timers")
    make_catalogue_entry("timer|21.02", display_name="Timers")
    install(device, "timer|19.02")

    response = account_client.get("/api/skills")

    assert [(row["marketId"], row["name"]) for row in response.json()] == [
        (str(older.pk), "Old timers")
    ]


def test_the_name_on_the_device_comes_before_that_of_the_marketplace(account_client, device):
    make_catalogue_entry("timer|21.02", display_name="Timers")
    sent = meta("timer|21.02", text("user"), display_name="Egg timer")
    settings_definitions.store(device, "timer|21.02", sent)

    response = account_client.get("/api/skills")

    assert [row["name"] for row in response.json()] == ["Egg timer"]


def test_a_definition_without_fields_is_no_settings(account_client, device):
    settings_definitions.store(
        device, "a|1", {"display_name": "A", "skillMetadata": {"sections": []}}
    )

    response = account_client.get("/api/skills")

    assert [row["hasSettings"] for row in response.json()] == [False]


def test_skills_are_sorted_by_name_whatever_the_case(account_client, device):
    for gid in ("b|1", "_x|1", "Élan|1", "A|1", "c-d|1", "C|1"):
        install(device, gid)

    response = account_client.get("/api/skills")

    assert [row["name"] for row in response.json()] == ["_x", "A", "b", "C", "c-d", "Élan"]


def test_skills_of_others_are_not_shown(account_client, account):
    install(make_device(make_account()), "a|1")
    make_skill("b|1")

    assert account_client.get("/api/skills").json() == []


def test_who_is_not_signed_in_is_refused(api, db):
    response = api.get("/api/skills")

    assert response.status_code == 401
    assert response.json() == {"error": "no authentication tokens found"}


@pytest.mark.parametrize("number", [1, 3, 20])
def test_the_list_costs_the_same_whatever_its_length(
    account_client, device, django_assert_max_num_queries, number
):
    for each in range(number):
        install(device, f"{each}|1", text("user"))
        make_catalogue_entry(f"{each}|21.02")
    account_client.get("/api/skills")

    with django_assert_max_num_queries(4):
        response = account_client.get("/api/skills")

    assert len(response.json()) == number
