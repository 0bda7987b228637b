"""GET and PUT /v1/device/D/skillJson."""

from datetime import timedelta

import pytest
from django.utils import timezone

from devices.tests.factories import make_device
from market import manifest, registry
from market.models import DeviceSkill, Skill
from market.tests.factories import (
    entry,
    gids,
    install,
    make_catalogue_entry,
    manifest_of,
    meta,
    text,
    version_of,
)

TOO_LONG = "Ensure this field has no more than 300 characters."
# What there is, before the lock and after it; each insert in a savepoint of its own
QUERIES_TO_ADD = 18


def test_a_manifest_comes_back_as_it_was_sent(device, device_client):
    sent = [
        entry("timer|21.02", installed=1553620471.4721162, updated=1600000100.25, beta=True),
        entry("broken|21.02", installation="failed", failure_message="pip error"),
        entry(f"@{device.pk}|mine", origin="non-msm", installed=0, updated=None),
        entry("homescreen.mark2", name="", status="", origin=""),
        entry("weather|21.02", installation="installing", origin="voice"),
    ]

    response = device_client.put(f"/v1/device/{device.pk}/skillJson", manifest_of(*sent))

    assert (response.status_code, response.content) == (200, b"")
    assert device_client.get(f"/v1/device/{device.pk}/skillJson").json() == {"skills": sent}


def test_a_device_without_a_manifest_has_an_empty_one(device, device_client):
    response = device_client.get(f"/v1/device/{device.pk}/skillJson")

    assert response.json() == {"skills": []}


def test_what_a_device_leaves_out_has_a_default(device, device_client):
    device_client.put(f"/v1/device/{device.pk}/skillJson", {"skills": [{"skill_gid": "a|1"}]})

    response = device_client.get(f"/v1/device/{device.pk}/skillJson")

    assert response.json() == {
        "skills": [
            {
                "name": "",
                "origin": "",
                "installation": "installed",
                "failure_message": "",
                "status": "",
                "beta": False,
                "installed": None,
                "updated": None,
                "skill_gid": "a|1",
            }
        ]
    }


def test_a_manifest_adds_updates_and_removes(device, device_client):
    install(device, "stays|1", text("user"), user="zoë")
    install(device, "goes|1", text("user"))
    sent = [
        entry("comes|1"),
        entry("stays|1", installation="failed", failure_message="no disk", updated=1600009999),
    ]

    device_client.put(f"/v1/device/{device.pk}/skillJson", manifest_of(*sent))

    assert device_client.get(f"/v1/device/{device.pk}/skillJson").json() == {"skills": sent}
    settings = device_client.get(f"/v1/device/{device.pk}/skill/settings").json()
    assert settings == {"comes|1": None, "stays|1": {"user": "zoë"}}


def test_the_family_name_is_kept_with_a_new_skill(device, device_client):
    device_client.put(f"/v1/device/{device.pk}/skillJson", manifest_of(entry("timer|21.02")))

    assert Skill.objects.get().family_name == "timer"


def test_an_entry_without_a_gid_is_passed_over(device, device_client):
    sent = manifest_of(
        entry("", installation="nonsense"),
        {"name": "x"},
        entry("a|1") | {"skill_gid": None},
        entry("b|1"),
    )

    response = device_client.put(f"/v1/device/{device.pk}/skillJson", sent)

    assert response.status_code == 200
    assert gids() == {"b|1"}


def test_of_two_entries_for_one_skill_the_last_counts(device, device_client):
    sent = manifest_of(entry("a|1", origin="cli"), entry("a|1", origin="voice"))

    device_client.put(f"/v1/device/{device.pk}/skillJson", sent)

    body = device_client.get(f"/v1/device/{device.pk}/skillJson").json()
    assert body == {"skills": [entry("a|1", origin="voice")]}


def test_the_same_manifest_again_changes_no_version(device, device_client):
    sent = manifest_of(entry("a|1"), entry("b|1", installed=0))
    device_client.put(f"/v1/device/{device.pk}/skillJson", sent)
    before = version_of(device)

    device_client.put(f"/v1/device/{device.pk}/skillJson", sent)

    assert version_of(device) == before


@pytest.mark.parametrize("skills", [[], [entry("a|1"), entry("b|1")]], ids=["removed", "added"])
def test_another_set_of_skills_changes_the_version(device, device_client, skills):
    device_client.put(f"/v1/device/{device.pk}/skillJson", manifest_of(entry("a|1")))
    before = version_of(device)

    device_client.put(f"/v1/device/{device.pk}/skillJson", manifest_of(*skills))

    assert version_of(device) > before


def test_a_device_specific_skill_goes_with_its_last_use(device, device_client):
    other = make_device(device.account)
    gid = f"@{device.pk}|mine"
    install(device, gid, text("user"))
    install(other, gid)

    device_client.put(f"/v1/device/{device.pk}/skillJson", manifest_of())

    assert gids() == {gid}
    manifest.store(other, [])
    assert gids() == set()


def test_a_skill_of_the_catalogue_stays_when_no_device_has_it(device, device_client):
    make_catalogue_entry("timer|21.02")
    install(device, "timer|21.02", text("user"))

    device_client.put(f"/v1/device/{device.pk}/skillJson", manifest_of())

    assert Skill.objects.get().settings_definitions.count() == 0


def test_what_removed_devices_leave_is_cleared_away(device):
    install(device, "a|1", text("user"))
    make_catalogue_entry("b|1")
    install(device, "b|1", text("user"))
    device.delete()

    deleted = registry.purge_unused()

    assert deleted == 3
    assert gids() == {"b|1"}


def test_a_definition_sent_before_the_first_manifest_outlives_it(device, device_client):
    device_client.put(f"/v1/device/{device.pk}/settingsMeta", meta("a|1", text("user")))

    device_client.put(f"/v1/device/{device.pk}/skillJson", manifest_of(entry("b|1")))

    assert device_client.get(f"/v1/device/{device.pk}/skillJson").json() == {
        "skills": [entry("b|1")]
    }
    settings = device_client.get(f"/v1/device/{device.pk}/skill/settings").json()
    assert settings == {"a|1": {"user": "anon"}, "b|1": None}


def test_a_skill_that_no_manifest_names_in_a_day_goes_with_the_next(
    device, device_client, time_machine
):
    device_client.put(f"/v1/device/{device.pk}/settingsMeta", meta("a|1", text("user")))
    time_machine.move_to(timezone.now() + timedelta(hours=25))

    device_client.put(f"/v1/device/{device.pk}/skillJson", manifest_of())

    assert device_client.get(f"/v1/device/{device.pk}/skill/settings").json() == {}


def test_a_skill_that_a_manifest_named_goes_with_the_next_that_does_not(device, device_client):
    device_client.put(f"/v1/device/{device.pk}/settingsMeta", meta("a|1", text("user")))
    device_client.put(f"/v1/device/{device.pk}/skillJson", manifest_of(entry("a|1")))

    device_client.put(f"/v1/device/{device.pk}/skillJson", manifest_of())

    assert device_client.get(f"/v1/device/{device.pk}/skill/settings").json() == {}


def test_skills_of_old_devices_outlive_their_manifests(device, device_client, time_machine):
    device_client.put(f"/v1/device/{device.pk}/skill", meta("a|1", text("user")))
    time_machine.move_to(timezone.now() + timedelta(days=20))

    device_client.put(f"/v1/device/{device.pk}/skillJson", manifest_of({"name": "a"}))

    settings = device_client.get(f"/v1/device/{device.pk}/skill/settings").json()
    assert settings == {"a|1": {"user": "anon"}}


def test_more_than_500_skills_are_refused(device, device_client):
    sent = manifest_of(*(entry(f"{number}|1") for number in range(501)))

    response = device_client.put(f"/v1/device/{device.pk}/skillJson", sent)

    assert response.status_code == 400
    assert response.json() == {"skills": ["a device stores at most 500 skills"]}
    assert DeviceSkill.objects.count() == 0


def test_500_skills_are_stored(device, device_client):
    sent = [entry(f"{number}|1") for number in range(500)]

    device_client.put(f"/v1/device/{device.pk}/skillJson", manifest_of(*sent))

    assert device_client.get(f"/v1/device/{device.pk}/skillJson").json() == {"skills": sent}


@pytest.mark.parametrize(
    ("body", "errors"),
    [
        ({}, {"skills": ["This field is required."]}),
        ({"skills": None}, {"skills": ["This field may not be null."]}),
        ({"skills": 5}, {"skills": {"error": ['Expected a list of items but got type "int".']}}),
        (
            {"skills": [entry("a|1"), entry("b|1", installation="gone")]},
            {"skills": {"1": {"installation": ['"gone" is not a valid choice.']}}},
        ),
        (
            {"skills": [entry("a|1", installed="nan")]},
            {"skills": {"0": {"installed": ["A valid number is required."]}}},
        ),
        (
            {"skills": [entry("a|1", updated=1e308)]},
            {"skills": {"0": {"updated": ["A valid number is required."]}}},
        ),
        (
            {"skills": [entry("a|1") | {"skill_gid": "a" * 301}]},
            {"skills": {"0": {"skill_gid": [TOO_LONG]}}},
        ),
    ],
)
def test_a_malformed_manifest_is_refused_with_its_reason(device, device_client, body, errors):
    install(device, "stays|1")

    response = device_client.put(f"/v1/device/{device.pk}/skillJson", body)

    assert response.status_code == 400
    assert response.json() == errors
    assert gids() == {"stays|1"}


def test_a_manifest_without_a_token_is_refused(device, api):
    response = api.put(f"/v1/device/{device.pk}/skillJson", manifest_of(entry("a|1")))

    assert response.status_code == 401
    assert list(response.json()) == ["error"]
    assert gids() == set()


def test_a_manifest_of_another_device_is_refused(device, device_client):
    other = make_device(device.account)

    response = device_client.put(f"/v1/device/{other.pk}/skillJson", manifest_of(entry("a|1")))

    assert response.status_code == 401
    assert gids() == set()


@pytest.mark.parametrize("number", [1, 3, 60])
def test_a_new_manifest_costs_the_same_whatever_its_size(
    device, django_assert_max_num_queries, number
):
    entries = [manifest.Entry(f"{each}|1") for each in range(number)]

    with django_assert_max_num_queries(QUERIES_TO_ADD):
        manifest.store(device, entries)

    assert device.skills.count() == number


def test_a_manifest_of_500_skills_is_written_in_bulk(device, django_assert_max_num_queries):
    entries = [manifest.Entry(f"{each}|1") for each in range(500)]

    with django_assert_max_num_queries(QUERIES_TO_ADD + 12):  # SQLite takes 999 values at a time
        manifest.store(device, entries)

    assert device.skills.count() == 500


def test_a_manifest_that_is_known_costs_one_query(device, django_assert_num_queries):
    entries = [manifest.Entry(f"{each}|1") for each in range(3)]
    manifest.store(device, entries)

    with django_assert_num_queries(1):
        manifest.store(device, entries)


def test_a_device_removed_meanwhile_stores_nothing(device):
    stale = type(device).objects.get(pk=device.pk)
    device.delete()

    manifest.store(stale, [manifest.Entry("a|1")])

    assert gids() == set()


def test_a_skill_is_deleted_from_the_device(device, device_client):
    gid = f"@{device.pk}|mine/strange|21.02"
    install(device, gid, text("user"))
    install(device, "stays|1")
    before = version_of(device)

    response = device_client.delete(f"/v1/device/{device.pk}/skill/{gid}")

    assert (response.status_code, response.content) == (204, b"")
    assert gids() == {"stays|1"}
    assert version_of(device) > before


def test_deleting_a_skill_that_is_not_there_is_done_already(device, device_client):
    before = version_of(device)

    response = device_client.delete(f"/v1/device/{device.pk}/skill/a%7C1")

    assert response.status_code == 204
    assert version_of(device) == before


def test_only_the_device_itself_deletes_its_skill(device, device_client, api):
    other = make_device(device.account)
    install(other, "a|1")

    responses = [
        client.delete(f"/v1/device/{other.pk}/skill/a|1") for client in (device_client, api)
    ]

    assert [response.status_code for response in responses] == [401, 401]
    assert gids() == {"a|1"}
