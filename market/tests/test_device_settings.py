"""GET /v1/device/D/skill/settings."""

import pytest

from accounts import version_cache
from devices.tests.factories import make_device
from market import skill_settings
from market.tests.factories import install, text


def test_each_skill_is_there_with_its_values(device, device_client):
    row = install(device, "a|1", text("user"), text("pin", "", type="password"))
    skill_settings.replace(row, {"user": "zoë", "pin": "1234"})
    install(device, "b|1")

    response = device_client.get(f"/v1/device/{device.pk}/skill/settings")

    assert response.status_code == 200
    assert response.json() == {"a|1": {"user": "zoë", "pin": "1234"}, "b|1": None}


def test_a_device_without_skills_gets_an_empty_object(device, device_client):
    response = device_client.get(f"/v1/device/{device.pk}/skill/settings")

    assert (response.status_code, response.content) == (200, b"{}")
    assert response.headers["ETag"].startswith('"')


def test_a_known_tag_is_answered_304_until_something_changes(device, device_client):
    row = install(device, "a|1", text("user"))
    url = f"/v1/device/{device.pk}/skill/settings"
    tag = device_client.get(url).headers["ETag"].strip('"')

    known = device_client.get(url, HTTP_IF_NONE_MATCH=tag)
    skill_settings.replace(row, {"user": "zoë"})
    changed = device_client.get(url, HTTP_IF_NONE_MATCH=tag)

    assert (known.status_code, known.content) == (304, b"")
    assert (changed.status_code, changed.json()) == (200, {"a|1": {"user": "zoë"}})


@pytest.mark.fleet
def test_values_are_kept_to_be_sent_again_but_no_secrets(device, device_client):
    install(device, "a|1", text("user"))
    device_client.get(f"/v1/device/{device.pk}/skill/settings")
    assert b"user" in b"".join(_in_redis())

    row = install(device, "b|1", text("pin", "", type="password"))
    skill_settings.replace(row, {"pin": "s3cret"})
    answer = device_client.get(f"/v1/device/{device.pk}/skill/settings")

    assert answer.json()["b|1"] == {"pin": "s3cret"}
    assert b"s3cret" not in b"".join(_in_redis())


def _in_redis():
    client = version_cache.client()
    keys = list(client.scan_iter("*"))
    assert any(b":tag:" in key for key in keys)
    return [client.get(key) for key in keys if client.type(key) == b"string"]


def test_two_devices_keep_their_settings_apart(device, device_client):
    install(device, "a|1", text("user"), user="kitchen")
    install(make_device(device.account), "a|1", text("user"), user="bedroom")

    response = device_client.get(f"/v1/device/{device.pk}/skill/settings")

    assert response.json() == {"a|1": {"user": "kitchen"}}


@pytest.mark.parametrize("number", [1, 3, 30])
def test_the_number_of_skills_costs_no_query(
    device, device_client, django_assert_max_num_queries, number
):
    for each in range(number):
        install(device, f"{each}|1", text("user"), text("pin", "x", type="password"))
    device_client.get(f"/v1/device/{device.pk}/skill/settings")

    with django_assert_max_num_queries(3):
        response = device_client.get(f"/v1/device/{device.pk}/skill/settings")

    assert len(response.json()) == number


@pytest.mark.parametrize("value", [1e22, 2.5e-300, -0.5, 2**63, 1e300, 12345678901234567890])
def test_large_and_small_numbers_come_back(device, device_client, value):
    row = install(device, "a|1", text("n", 0, type="number"))
    skill_settings.replace(row, {"n": value})

    response = device_client.get(f"/v1/device/{device.pk}/skill/settings")

    assert response.json() == {"a|1": {"n": value}}


def test_without_a_token_settings_are_refused(device, api):
    response = api.get(f"/v1/device/{device.pk}/skill/settings")

    assert response.status_code == 401
    assert list(response.json()) == ["error"]


def test_settings_of_another_device_are_refused(device, device_client):
    other = make_device(device.account)

    response = device_client.get(f"/v1/device/{other.pk}/skill/settings")

    assert response.status_code == 401
    assert list(response.json()) == ["error"]
