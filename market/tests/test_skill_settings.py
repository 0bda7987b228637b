"""GET and PUT /api/skills/<family>/settings."""

from urllib.parse import quote

import pytest

from accounts.tests.factories import make_account
from devices.tests.factories import make_device
from market import skill_settings
from market.models import DeviceSkill
from market.tests.factories import install, text, version_of

FIELDS = [
    {"type": "label", "label": "Just text"},
    text("user"),
    text("flag", "true", type="checkbox"),
    text("half", "0.5", type="number"),
    text("pick", "1", type="select", options="One|1;Two|2"),
    text("pin", "", type="password"),
]
DEFAULTS = {"user": "anon", "flag": True, "half": 0.5, "pick": "1", "pin": ""}
SHOWN = [
    {"type": "label", "label": "Just text"},
    text("user"),
    text("flag", True, type="checkbox"),
    text("half", 0.5, type="number"),
    text(
        "pick",
        "1",
        type="select",
        options=[{"display": "One", "value": "1"}, {"display": "Two", "value": "2"}],
    ),
    text("pin", "", type="password"),
]
URL = "/api/skills/timer/settings"
NO_LIST = 'Expected a list of items but got type "str".'


def values(device):
    return skill_settings.of_device(device).by_skill


def sections(*fields):
    return {"sections": [{"name": "Main", "fields": list(fields)}]}


def change(names, new, skill_ids=(), **entry):
    entries = [{"deviceNames": names, "settingsValues": new} | entry]
    return {"skillIds": [str(each) for each in skill_ids], "skillSettings": entries}


def at_entry(**reasons):
    return {"skillSettings": {"0": reasons}}


@pytest.fixture
def kitchen(account):
    return make_device(account, name="Kitchen")


@pytest.fixture
def bedroom(account):
    return make_device(account, name="Bedroom")


def test_settings_are_shown_with_their_fields_and_devices(account_client, kitchen):
    install(kitchen, "timer|21.02", *FIELDS)

    response = account_client.get(URL)

    assert response.status_code == 200
    assert response.json() == [
        {
            "settingsDisplay": sections(*SHOWN),
            "settingsValues": DEFAULTS,
            "deviceNames": ["Kitchen"],
        }
    ]


def test_devices_with_the_same_settings_share_an_entry(account_client, kitchen, bedroom):
    install(kitchen, "timer|20.08", text("user"))
    install(bedroom, "timer|21.02", text("user"))

    response = account_client.get(URL)

    assert response.json() == [
        {
            "settingsDisplay": sections(text("user")),
            "settingsValues": {"user": "anon"},
            "deviceNames": ["Bedroom", "Kitchen"],
        }
    ]


def test_devices_with_different_settings_have_entries_of_their_own(
    account_client, kitchen, bedroom
):
    install(kitchen, "timer|21.02", text("user"), text("pin", "", type="password"))
    row = install(bedroom, "timer|21.02", text("user"), text("pin", "", type="password"))
    skill_settings.replace(row, {"user": "anon", "pin": "1"})

    response = account_client.get(URL)

    assert [(each["settingsValues"], each["deviceNames"]) for each in response.json()] == [
        ({"user": "anon", "pin": "1"}, ["Bedroom"]),
        ({"user": "anon", "pin": ""}, ["Kitchen"]),
    ]


def test_a_skill_without_settings_has_empty_ones_never_null(account_client, kitchen):
    install(kitchen, "timer|21.02")

    response = account_client.get(URL)

    assert response.json() == [
        {"settingsDisplay": {"sections": []}, "settingsValues": {}, "deviceNames": ["Kitchen"]}
    ]


def test_an_unknown_family_has_no_entries(account_client):
    response = account_client.get("/api/skills/no-such-family/settings")

    assert response.status_code == 200
    assert response.json() == []


@pytest.mark.parametrize("options", ["One|1;Two", "One", 5, ["One"], "", None])
def test_malformed_options_are_passed_on(account_client, kitchen, options):
    install(kitchen, "timer|21.02", text("pick", type="select", options=options))

    response = account_client.get(URL)

    [field] = response.json()[0]["settingsDisplay"]["sections"][0]["fields"]
    assert field["options"] == options


@pytest.mark.parametrize(
    "family", ["a b", "ä/ö", "100%", "a?b#c", "..", "mycroft-volume.mycroftai"]
)
def test_a_family_may_have_any_name(account_client, kitchen, family):
    install(kitchen, f"{family}|1", text("user"))

    response = account_client.get(f"/api/skills/{quote(family, safe='')}/settings")

    assert [each["deviceNames"] for each in response.json()] == [["Kitchen"]]


def test_the_named_devices_get_the_values(account_client, kitchen, bedroom):
    garage = make_device(kitchen.account, name="Garage")
    for each in (kitchen, bedroom, garage):
        install(each, "timer|21.02", *FIELDS)
    skill = DeviceSkill.objects.first().skill_id
    before = {each.name: version_of(each) for each in (kitchen, bedroom, garage)}
    [entry] = account_client.get(URL).json()
    new = {"user": "zoë", "flag": False, "half": 1.5, "pick": "2", "pin": "s3cret"}

    response = account_client.put(
        URL,
        {
            "skillIds": [str(skill)],
            "skillSettings": [
                entry | {"settingsValues": new, "deviceNames": ["Kitchen", "Bedroom"]}
            ],
        },
    )

    assert (response.status_code, response.content) == (200, b"")
    assert values(kitchen) == values(bedroom) == {"timer|21.02": new}
    assert values(garage) == {"timer|21.02": DEFAULTS}
    after = {each.name: version_of(each) for each in (kitchen, bedroom, garage)}
    assert [name for name in after if after[name] > before[name]] == ["Kitchen", "Bedroom"]
    assert "s3cret" not in str(DeviceSkill.objects.values_list("settings", flat=True))


def test_what_was_read_can_be_written_back_and_changes_nothing(account_client, kitchen, bedroom):
    install(kitchen, "timer|21.02", *FIELDS, text("odd", "many", type="number"))
    install(bedroom, "timer|20.08", text("user"))
    before = version_of(kitchen), version_of(bedroom)
    entries = account_client.get(URL).json()

    response = account_client.put(URL, {"skillIds": [], "skillSettings": entries})

    assert response.status_code == 200
    assert account_client.get(URL).json() == entries
    assert (version_of(kitchen), version_of(bedroom)) == before


def test_two_entries_change_their_own_devices(account_client, kitchen, bedroom):
    for each in (kitchen, bedroom):
        install(each, "timer|21.02", text("user"))
    body = change(["Kitchen"], {"user": "zoë"})
    body["skillSettings"] += change(["Bedroom"], {"user": "joe"})["skillSettings"]

    account_client.put(URL, body)

    assert values(kitchen) == {"timer|21.02": {"user": "zoë"}}
    assert values(bedroom) == {"timer|21.02": {"user": "joe"}}


def test_two_skills_of_one_family_on_a_device_keep_their_own(account_client, kitchen):
    install(kitchen, "timer|21.02", text("user"))
    install(kitchen, f"@{kitchen.pk}|timer", text("user"), text("more"))
    entries = account_client.get(URL).json()
    for entry in entries:
        entry["settingsValues"]["user"] = f"of {len(entry['settingsValues'])}"

    account_client.put(URL, {"skillIds": [], "skillSettings": entries})

    assert values(kitchen) == {
        "timer|21.02": {"user": "of 1"},
        f"@{kitchen.pk}|timer": {"user": "of 2", "more": "anon"},
    }


def test_only_the_skills_meant_are_changed(account_client, kitchen):
    meant = install(kitchen, "timer|21.02", text("user"))
    install(kitchen, f"@{kitchen.pk}|timer", text("user"))

    account_client.put(URL, change(["Kitchen"], {"user": "zoë"}, [meant.skill_id]))

    assert values(kitchen) == {
        "timer|21.02": {"user": "zoë"},
        f"@{kitchen.pk}|timer": {"user": "anon"},
    }


def test_values_without_a_field_are_dropped(account_client, kitchen):
    install(kitchen, "timer|21.02", text("user"))

    response = account_client.put(URL, change(["Kitchen"], {"user": "zoë", "else": 1}))

    assert response.status_code == 200
    assert values(kitchen) == {"timer|21.02": {"user": "zoë"}}


def test_values_that_are_not_sent_stay(account_client, kitchen):
    install(kitchen, "timer|21.02", text("user"), text("more"))

    account_client.put(URL, change(["Kitchen"], {"user": "zoë"}))

    assert values(kitchen) == {"timer|21.02": {"user": "zoë", "more": "anon"}}


@pytest.mark.parametrize(
    ("kind", "sent", "stored"),
    [
        ("checkbox", "false", False),
        ("checkbox", False, False),
        ("number", "1.5", 1.5),
        ("number", 3, 3),
        ("number", "", ""),
        ("number", None, None),
        ("text", [1, 2], [1, 2]),
        ("select", "2", "2"),
        ("password", "s3cret", "s3cret"),
    ],
)
def test_values_are_taken_as_forms_send_them(account_client, kitchen, kind, sent, stored):
    install(kitchen, "timer|21.02", text("it", "5", type=kind))

    response = account_client.put(URL, change(["Kitchen"], {"it": sent}))

    assert response.status_code == 200
    assert values(kitchen) == {"timer|21.02": {"it": stored}}
    assert type(values(kitchen)["timer|21.02"]["it"]) is type(stored)


@pytest.mark.parametrize(
    ("kind", "sent", "reason"),
    [
        ("checkbox", "maybe", "true or false is required"),
        ("checkbox", 5, "true or false is required"),
        ("number", "many", "a number is required"),
        ("number", [], "a number is required"),
        ("number", True, "a number is required"),
    ],
)
def test_values_of_the_wrong_type_are_refused(account_client, kitchen, kind, sent, reason):
    install(kitchen, "timer|21.02", text("it", "7", type=kind), text("user"))
    body = change(["Kitchen"], {"user": "zoë"})
    body["skillSettings"] += change(["Kitchen"], {"it": sent})["skillSettings"]

    response = account_client.put(URL, body)

    assert response.status_code == 400
    assert response.json() == {"skillSettings": {"1": {"settingsValues": {"it": [reason]}}}}
    assert values(kitchen)["timer|21.02"]["user"] == "anon"


def test_values_over_64_kb_are_refused(account_client, kitchen):
    install(kitchen, "timer|21.02", text("user"))

    response = account_client.put(URL, change(["Kitchen"], {"user": "x" * 65_536}))

    assert response.status_code == 400
    assert response.json() == {"skillSettings": {"0": {"settingsValues": ["over 64 KB"]}}}
    assert values(kitchen) == {"timer|21.02": {"user": "anon"}}


def test_a_device_that_is_not_of_the_account_is_refused(account_client, kitchen):
    stranger = make_device(make_account(), name="Attic")
    for each in (kitchen, stranger):
        install(each, "timer|21.02", text("user"))

    response = account_client.put(URL, change(["Kitchen", "Attic"], {"user": "zoë"}))

    assert response.status_code == 400
    reason = "none of your devices is called Attic and has this skill"
    assert response.json() == {"skillSettings": {"0": {"deviceNames": [reason]}}}
    assert values(kitchen) == values(stranger) == {"timer|21.02": {"user": "anon"}}


def test_a_stranger_s_device_of_the_same_name_is_untouched(account_client, kitchen):
    stranger = make_device(make_account(), name="Kitchen")
    for each in (kitchen, stranger):
        install(each, "timer|21.02", text("user"))

    account_client.put(URL, change(["Kitchen"], {"user": "zoë"}))

    assert values(kitchen) == {"timer|21.02": {"user": "zoë"}}
    assert values(stranger) == {"timer|21.02": {"user": "anon"}}


def test_a_skill_that_no_device_of_the_account_has_is_refused(account_client, kitchen):
    install(kitchen, "timer|21.02", text("user"))
    strange = install(make_device(make_account()), "timer|20.08", text("user")).skill_id

    response = account_client.put(URL, change(["Kitchen"], {"user": "zoë"}, [strange]))

    assert response.status_code == 400
    assert response.json() == {"skillIds": ["none of your devices has this skill"]}
    assert values(kitchen) == {"timer|21.02": {"user": "anon"}}


@pytest.mark.parametrize(
    ("body", "errors"),
    [
        ({}, {"skillSettings": ["This field is required."]}),
        (change("Kitchen", {}), at_entry(deviceNames=[NO_LIST])),
        (change([["Kitchen"]], {}), at_entry(deviceNames={"0": ["Not a valid string."]})),
        (change(["Kitchen"], [1]), at_entry(settingsValues=["an object is required"])),
        (
            change(["Kitchen"], {}) | {"skillIds": ["x"]},
            {"skillIds": {"0": ["Must be a valid UUID."]}},
        ),
    ],
)
def test_a_malformed_change_is_refused_with_its_reason(account_client, kitchen, body, errors):
    install(kitchen, "timer|21.02", text("user"))

    response = account_client.put(URL, body)

    assert response.status_code == 400
    assert response.json() == errors
    assert values(kitchen) == {"timer|21.02": {"user": "anon"}}


def test_null_values_change_nothing(account_client, kitchen):
    install(kitchen, "timer|21.02")

    response = account_client.put(URL, change(["Kitchen"], None))

    assert response.status_code == 200
    assert values(kitchen) == {"timer|21.02": None}


@pytest.mark.parametrize("verb", ["get", "put"])
def test_who_is_not_signed_in_is_refused(api, db, verb):
    response = getattr(api, verb)(URL)

    assert response.status_code == 401
    assert response.json() == {"error": "no authentication tokens found"}


@pytest.mark.parametrize("number", [1, 3])
def test_reading_costs_the_same_whatever_the_number(
    account, account_client, django_assert_max_num_queries, number
):
    for each in range(number):
        install(make_device(account), "timer|21.02", text("user"), user=str(each))
    account_client.get(URL)

    with django_assert_max_num_queries(2):
        response = account_client.get(URL)

    assert len(response.json()) == number


@pytest.mark.parametrize("number", [1, 3])
def test_changing_costs_the_same_whatever_the_number(
    account, account_client, django_assert_max_num_queries, number
):
    for each in range(number):
        install(make_device(account, name=str(each)), "timer|21.02", text("user"))
    body = change([str(each) for each in range(number)], {"user": "zoë"})

    with django_assert_max_num_queries(15):
        response = account_client.put(URL, body)

    assert response.status_code == 200
