"""PUT /v1/device/D/settingsMeta, and what it makes of a device's settings."""

import pytest
from django.conf import settings as project
from django.db import connection

from accounts.tests.factories import make_account
from devices.tests.factories import make_device
from market import settings_definitions, skill_settings
from market.models import DeviceSkill, SettingsDefinition
from market.tests.factories import entry, gids, install, manifest_of, meta, text, version_of

EVERY_TYPE = [
    {"type": "label", "label": "Just text"},
    text("user", "anon"),
    text("mail", "", type="email"),
    text("flag", "true", type="checkbox"),
    text("off", "False", type="checkbox"),
    text("one", "1", type="checkbox"),
    text("num", "7", type="number"),
    text("half", "0.5", type="number"),
    text("five", "5.0", type="number"),
    text("empty", "", type="number"),
    text("list", "[]"),
    text("pick", "1", type="select", options="One|1;Two|2"),
    text("pin", "1234", type="password"),
]
DEFAULTS = {
    "user": "anon",
    "mail": "",
    "flag": True,
    "off": False,
    "one": True,
    "num": 7,
    "half": 0.5,
    "five": 5.0,
    "empty": "",
    "list": [],
    "pick": "1",
    "pin": "1234",
}


def values(device):
    return skill_settings.of_device(device).by_skill


def test_the_first_definition_brings_the_defaults_normalised(device, device_client):
    device_client.put(f"/v1/device/{device.pk}/skillJson", manifest_of(entry("a|1")))

    response = device_client.put(f"/v1/device/{device.pk}/settingsMeta", meta("a|1", *EVERY_TYPE))

    assert (response.status_code, response.content) == (204, b"")
    settings = device_client.get(f"/v1/device/{device.pk}/skill/settings").json()
    assert settings == {"a|1": DEFAULTS}
    kinds = {name: type(value) for name, value in settings["a|1"].items()}
    assert kinds == {name: type(value) for name, value in DEFAULTS.items()}


def test_a_definition_without_settings_leaves_none(device, device_client):
    sent = {"skill_gid": "a|1", "display_name": "Timer"}

    response = device_client.put(f"/v1/device/{device.pk}/settingsMeta", sent)

    assert response.status_code == 204
    assert values(device) == {"a|1": None}


def test_a_definition_is_accepted_before_the_manifest(device, device_client):
    device_client.put(f"/v1/device/{device.pk}/settingsMeta", meta("a|1", text("user")))

    assert values(device) == {"a|1": {"user": "anon"}}
    assert device_client.get(f"/v1/device/{device.pk}/skillJson").json() == {"skills": []}


def test_the_same_definition_again_changes_nothing_and_costs_one_query(
    device, django_assert_num_queries
):
    settings_definitions.store(device, "a|1", meta("a|1", *EVERY_TYPE))
    before = version_of(device)

    with django_assert_num_queries(1):
        settings_definitions.store(device, "a|1", meta("a|1", *EVERY_TYPE))

    assert version_of(device) == before


def test_the_same_definition_keeps_what_the_owner_chose(device, device_client):
    install(device, "a|1", text("user"), user="zoë")

    device_client.put(f"/v1/device/{device.pk}/settingsMeta", meta("a|1", text("user")))

    assert values(device) == {"a|1": {"user": "zoë"}}


def test_a_changed_definition_keeps_adds_and_drops(device, device_client):
    install(device, "a|1", text("stays"), text("goes"), stays="mine", goes="mine")
    before = version_of(device)

    device_client.put(
        f"/v1/device/{device.pk}/settingsMeta",
        meta("a|1", text("stays", "new default"), text("comes", "5", type="number")),
    )

    assert values(device) == {"a|1": {"stays": "mine", "comes": 5}}
    assert version_of(device) > before
    assert SettingsDefinition.objects.count() == 1


def test_one_definition_is_stored_once(device):
    other = make_device()

    for each in (device, other):
        settings_definitions.store(each, "a|1", meta("a|1", text("user")))

    assert SettingsDefinition.objects.count() == 1


def test_a_device_that_changes_its_definition_leaves_the_others_theirs(device):
    other = make_device()
    for each in (device, other):
        settings_definitions.store(each, "a|1", meta("a|1", text("user")))

    settings_definitions.store(device, "a|1", meta("a|1", text("name")))

    assert values(other) == {"a|1": {"user": "anon"}}
    assert SettingsDefinition.objects.count() == 2


def test_settings_start_from_another_device_of_the_account(device):
    other = make_device(device.account)
    install(other, "a|20.08", text("user"), text("half", "0.5", type="number"), half=1.5)

    settings_definitions.store(
        device, "a|21.02", meta("a|21.02", text("user"), text("half", "0.5", type="number"))
    )

    assert values(device) == {"a|21.02": {"user": "anon", "half": 1.5}}


@pytest.mark.parametrize(
    ("family", "name", "chosen"),
    [("b", "user", "zoë"), ("a", "nick", "zoë"), ("a", "user", "old default")],
    ids=["other family", "other fields", "defaults"],
)
def test_settings_start_from_the_defaults_where_nobody_chose_others(device, family, name, chosen):
    other = make_device(device.account)
    install(other, f"{family}|1", text(name, "old default"), **{name: chosen})

    settings_definitions.store(device, "a|1", meta("a|1", text("user", "new default")))

    assert values(device) == {"a|1": {"user": "new default"}}


def test_settings_never_start_from_a_stranger_s_device(device):
    install(make_device(make_account()), "a|1", text("user"), user="zoë")

    settings_definitions.store(device, "a|1", meta("a|1", text("user")))

    assert values(device) == {"a|1": {"user": "anon"}}


def raw_row():
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT settings, secret_settings, definition FROM market_deviceskill"
            " JOIN market_settingsdefinition d ON d.id = settings_definition_id"
        )
        return " ".join(str(part) for part in cursor.fetchone())


def test_passwords_are_encrypted_where_they_are_stored(device):
    settings_definitions.store(
        device, "a|1", meta("a|1", text("pin", "s3cret-d3fault", type="password"), text("user"))
    )

    assert "s3cret" not in raw_row()
    assert values(device) == {"a|1": {"user": "anon", "pin": "s3cret-d3fault"}}


def test_passwords_of_another_device_stay_encrypted_in_the_copy(device):
    other = make_device(device.account)
    fields = (text("pin", "", type="password"), text("user"))
    row = install(other, "a|1", *fields)
    skill_settings.replace(row, {"pin": "s3cret", "user": "zoë"})

    settings_definitions.store(device, "a|1", meta("a|1", *fields))

    assert values(device) == {"a|1": {"pin": "s3cret", "user": "zoë"}}
    assert "s3cret" not in str(DeviceSkill.objects.get(device=device).settings)


def test_a_text_that_becomes_a_password_is_encrypted(device):
    install(device, "a|1", text("pin"), pin="s3cret")

    settings_definitions.store(device, "a|1", meta("a|1", text("pin", "", type="password")))

    assert "s3cret" not in raw_row()
    assert values(device) == {"a|1": {"pin": "s3cret"}}


def test_a_password_that_becomes_a_text_stays_encrypted(device):
    row = install(device, "a|1", text("pin", "", type="password"))
    skill_settings.replace(row, {"pin": "s3cret"})

    settings_definitions.store(device, "a|1", meta("a|1", text("pin", "")))

    assert "s3cret" not in raw_row()
    assert values(device) == {"a|1": {"pin": "s3cret"}}


def test_passwords_under_an_older_key_are_still_read(device, settings):
    settings_definitions.store(device, "a|1", meta("a|1", text("pin", "s3cret", type="password")))

    settings.FIELD_KEYS = ["x" * 43 + "=", *project.FIELD_KEYS]

    assert values(device) == {"a|1": {"pin": "s3cret"}}


def test_without_the_key_a_device_still_gets_its_other_settings(device, settings, caplog):
    settings_definitions.store(
        device, "a|1", meta("a|1", text("pin", "s3cret", type="password"), text("user"))
    )

    settings.FIELD_KEYS = ["x" * 43 + "="]

    assert values(device) == {"a|1": {"user": "anon"}}
    assert "SELENE_FIELD_KEY" in caplog.text
    assert "s3cret" not in caplog.text


def test_a_definition_over_64_kb_is_refused(device, device_client):
    response = device_client.put(
        f"/v1/device/{device.pk}/settingsMeta", meta("a|1", text("user", "x" * 65_536))
    )

    assert response.status_code == 400
    assert response.json() == {"skillMetadata": ["over 64 KB"]}
    assert gids() == set()


def test_settings_that_grow_over_64_kb_are_refused(device, device_client):
    install(device, "a|1", text("user"), user="x" * 40_000)

    response = device_client.put(
        f"/v1/device/{device.pk}/settingsMeta",
        meta("a|1", text("user"), text("more", "x" * 40_000)),
    )

    assert response.status_code == 400
    assert response.json() == {"skillMetadata": ["over 64 KB"]}
    assert list(values(device)["a|1"]) == ["user"]


def test_a_definition_of_a_501st_skill_is_refused(device, device_client):
    skills = [entry(f"{number}|1") for number in range(500)]
    device_client.put(f"/v1/device/{device.pk}/skillJson", manifest_of(*skills))

    response = device_client.put(f"/v1/device/{device.pk}/settingsMeta", meta("a|1", text("user")))

    assert response.status_code == 400
    assert response.json() == {"skill_gid": ["a device stores at most 500 skills"]}
    assert "a|1" not in gids()


@pytest.mark.parametrize(
    ("body", "errors"),
    [
        (
            {},
            {
                "skill_gid": ["This field is required."],
                "display_name": ["This field is required."],
            },
        ),
        (meta(""), {"skill_gid": ["This field may not be blank."]}),
        (meta("a|1", display_name=None), {"display_name": ["This field may not be null."]}),
        (meta("a|1", skillMetadata=[]), {"skillMetadata": ["an object is required"]}),
        (
            meta("a|1", skillMetadata={"sections": {}}),
            {"skillMetadata": ["sections must be a list of objects"]},
        ),
        (
            meta("a|1", skillMetadata={"sections": [{"fields": [5]}]}),
            {"skillMetadata": ["fields must be a list of objects"]},
        ),
        (
            meta("a|1", {"name": 5}),
            {"skillMetadata": ["the name of a field must be a string"]},
        ),
        (
            meta("a|1", {"name": "a", "type": []}),
            {"skillMetadata": ["the type of a field must be a string"]},
        ),
        ([], {"error": "Invalid data. Expected a dictionary, but got list."}),
    ],
)
def test_a_malformed_definition_is_refused_with_its_reason(device, device_client, body, errors):
    response = device_client.put(f"/v1/device/{device.pk}/settingsMeta", body)

    assert response.status_code == 400
    assert response.json() == errors
    assert gids() == set()


@pytest.mark.parametrize(
    "metadata", [None, {}, {"sections": None}, {"sections": []}, {"sections": [{"fields": None}]}]
)
def test_a_definition_may_lack_its_parts(device, device_client, metadata):
    response = device_client.put(
        f"/v1/device/{device.pk}/settingsMeta", meta("a|1", skillMetadata=metadata)
    )

    assert response.status_code == 204
    assert values(device) in ({"a|1": None}, {"a|1": {}})


def test_a_definition_without_a_token_is_refused(device, api):
    response = api.put(f"/v1/device/{device.pk}/settingsMeta", meta("a|1", text("user")))

    assert response.status_code == 401
    assert gids() == set()


def test_a_definition_for_another_device_is_refused(device, device_client):
    other = make_device(device.account)

    response = device_client.put(f"/v1/device/{other.pk}/settingsMeta", meta("a|1", text("user")))

    assert response.status_code == 401
    assert gids() == set()


@pytest.mark.parametrize("number", [1, 3])
def test_a_new_definition_costs_the_same_whatever_else_is_there(
    device, django_assert_max_num_queries, number
):
    for each in range(number):
        other = make_device(device.account)
        install(other, f"a|{each}", text("user"))
        install(device, f"b|{each}", text("user"))

    with django_assert_max_num_queries(20):
        settings_definitions.store(device, "a|1.0", meta("a|1.0", text("user")))
