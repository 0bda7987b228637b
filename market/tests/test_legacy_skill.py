"""GET and PUT /v1/device/D/skill, as devices before 19.08 use them."""

import pytest

from accounts.tests.factories import make_account
from devices.tests.factories import make_device
from market import manifest, skill_settings
from market.models import DeviceSkill, SettingsDefinition, Skill
from market.tests.factories import gids, install, meta, text, version_of

OLD = {
    "name": "probe-old",
    "skill_gid": "probe-old|20.08",
    "display_name": "Probe Old",
    "color": "#fff",
    "skillMetadata": {
        "sections": [
            {
                "name": "S",
                "fields": [
                    {"type": "label", "label": "Text", "value": "shown"},
                    {"name": "k", "type": "text", "label": "K", "value": "v"},
                    {"name": "on", "type": "checkbox", "label": "On", "value": "false"},
                ],
            }
        ]
    },
}


def put(client, device, *fields, gid="a|1"):
    return client.put(f"/v1/device/{device.pk}/skill", meta(gid, *fields))


def values(device):
    return skill_settings.of_device(device).by_skill


def test_what_was_sent_is_answered_with_the_skill_s_id(device, device_client):
    response = device_client.put(f"/v1/device/{device.pk}/skill", OLD)

    assert response.status_code == 200
    assert response.json() == {"uuid": str(Skill.objects.get(skill_gid="probe-old|20.08").pk)}
    assert values(device) == {"probe-old|20.08": {"k": "v", "on": False}}


def test_what_was_sent_is_read_with_values_as_strings(device, device_client):
    uuid = device_client.put(f"/v1/device/{device.pk}/skill", OLD).json()["uuid"]

    response = device_client.get(f"/v1/device/{device.pk}/skill")

    fields = [
        {"type": "label", "label": "Text", "value": "shown"},
        {"name": "k", "type": "text", "label": "K", "value": "v"},
        {"name": "on", "type": "checkbox", "label": "On", "value": "False"},
    ]
    assert response.status_code == 200
    assert response.json() == [
        {
            "uuid": uuid,
            "skill_gid": "probe-old|20.08",
            "identifier": "probe-old|20.08",
            "skillMetadata": {"sections": [{"name": "S", "fields": fields}]},
        }
    ]


@pytest.mark.parametrize(
    ("value", "written"),
    [(True, "True"), ([1, "é"], '[1,"é"]'), (0.5, "0.5"), (5, "5"), ("x", "x"), (None, "")],
)
def test_each_value_is_written_as_a_string(device, device_client, value, written):
    row = install(device, "a|1", text("k"))
    skill_settings.replace(row, {"k": value})

    response = device_client.get(f"/v1/device/{device.pk}/skill")

    [section] = response.json()[0]["skillMetadata"]["sections"]
    assert section["fields"] == [text("k", written)]


def test_an_identifier_of_its_own_is_kept(device, device_client):
    device_client.put(f"/v1/device/{device.pk}/skill", OLD | {"identifier": "4711"})

    response = device_client.get(f"/v1/device/{device.pk}/skill")

    assert response.json()[0]["identifier"] == "4711"


def test_the_identifier_names_a_skill_without_a_gid(device, device_client):
    sent = {key: value for key, value in OLD.items() if key != "skill_gid"}

    device_client.put(f"/v1/device/{device.pk}/skill", sent | {"identifier": "4711"})

    assert gids() == {"4711"}


def test_a_device_without_settings_gets_204(device, device_client):
    install(device, "a|1")

    response = device_client.get(f"/v1/device/{device.pk}/skill")

    assert (response.status_code, response.content) == (204, b"")


def test_a_known_tag_is_answered_304(device, device_client):
    device_client.put(f"/v1/device/{device.pk}/skill", OLD)
    tag = device_client.get(f"/v1/device/{device.pk}/skill").headers["ETag"]

    response = device_client.get(f"/v1/device/{device.pk}/skill", HTTP_IF_NONE_MATCH=tag)

    assert (response.status_code, response.content) == (304, b"")


def test_the_values_reach_the_account_s_other_devices(device, device_client):
    other, stranger = make_device(device.account), make_device(make_account())
    for each in (other, stranger):
        install(each, "a|1", text("user"), text("more"))
    before = version_of(other)

    put(device_client, device, text("user", "zoë"))

    assert values(other) == {"a|1": {"user": "zoë", "more": "anon"}}
    assert values(stranger) == {"a|1": {"user": "anon", "more": "anon"}}
    assert version_of(other) > before


def test_another_device_that_had_no_settings_yet_gets_them_all(device, device_client):
    other = make_device(device.account)
    install(other, "a|1")

    put(device_client, device, text("user", "zoë"), text("pin", "s3cret", type="password"))

    assert values(other) == {"a|1": {"user": "zoë", "pin": "s3cret"}}
    assert "s3cret" not in str(DeviceSkill.objects.get(device=other).settings)


@pytest.mark.parametrize("origin", ["voice", "cli"])
def test_a_skill_installed_by_hand_keeps_its_values(device, device_client, origin):
    other = make_device(device.account)
    install(other, "a|1", text("user"))
    manifest.store(other, [manifest.Entry("a|1", origin=origin)])

    put(device_client, device, text("user", "zoë"))

    assert values(other) == {"a|1": {"user": "anon"}}


def test_a_field_without_a_value_keeps_the_old_one(device, device_client):
    put(device_client, device, text("user", "zoë"), text("more", "old"))

    put(device_client, device, {"name": "user", "type": "text"}, text("more", "new"))

    assert values(device) == {"a|1": {"user": "zoë", "more": "new"}}


def test_the_same_again_changes_no_version(device, device_client):
    other = make_device(device.account)
    install(other, "a|1", text("user"))
    put(device_client, device, text("user", "zoë"))
    before = version_of(device), version_of(other)

    put(device_client, device, text("user", "zoë"))

    assert (version_of(device), version_of(other)) == before


def test_one_definition_is_stored_once_whatever_its_values(device, device_client):
    put(device_client, device, text("user", "zoë"), text("pin", "s3cret", type="password"))
    put(device_client, device, text("user", "joe"), text("pin", "s3cret", type="password"))

    definition = SettingsDefinition.objects.get().definition
    assert definition == {
        "display_name": "Timer",
        "skillMetadata": {
            "sections": [
                {
                    "name": "Main",
                    "fields": [
                        {"name": "user", "type": "text", "label": "user"},
                        {"name": "pin", "type": "password", "label": "pin"},
                    ],
                }
            ]
        },
    }


def test_a_skill_without_a_name_is_refused(device, device_client):
    response = device_client.put(f"/v1/device/{device.pk}/skill", {"name": "x"})

    assert response.status_code == 400
    assert response.json() == {
        "skill_gid": ["skill should have either skill_gid or identifier defined"]
    }


def test_a_definition_over_64_kb_is_refused(device, device_client):
    response = put(device_client, device, text("user", "x" * 65_536))

    assert response.status_code == 400
    assert response.json() == {"skillMetadata": ["over 64 KB"]}
    assert gids() == set()


def test_values_that_another_device_cannot_hold_are_refused_as_a_whole(device, device_client):
    other = make_device(device.account)
    install(other, "a|1", text("user"), text("more"), more="x" * 40_000)

    response = put(device_client, device, text("user", "x" * 40_000))

    assert response.status_code == 400
    assert values(device) == {}


@pytest.mark.parametrize("verb", ["get", "put"])
def test_without_a_token_nothing_is_answered(device, api, verb):
    response = getattr(api, verb)(f"/v1/device/{device.pk}/skill")

    assert response.status_code == 401
    assert list(response.json()) == ["error"]


@pytest.mark.parametrize("verb", ["get", "put"])
def test_another_device_s_token_is_refused(device, device_client, verb):
    other = make_device(device.account)

    response = getattr(device_client, verb)(f"/v1/device/{other.pk}/skill", OLD)

    assert response.status_code == 401
    assert gids() == set()


@pytest.mark.parametrize("number", [1, 3])
def test_reading_costs_the_same_whatever_the_number(
    device, device_client, django_assert_max_num_queries, number
):
    for each in range(number):
        install(device, f"{each}|1", text("user"))
    device_client.get(f"/v1/device/{device.pk}/skill")

    with django_assert_max_num_queries(2):
        device_client.get(f"/v1/device/{device.pk}/skill")
