import uuid
from datetime import timedelta

import pytest
from django.utils.timezone import now

from devices import contacts
from devices.models import PantacorConfig
from devices.tests.factories import make_device, make_voice, make_wake_word

NO_PLACE = {
    "country": {"id": None, "name": None, "isoCode": None},
    "region": {"id": None, "name": None, "regionCode": None},
    "city": {
        "id": None,
        "name": None,
        "timezone": None,
        "latitude": None,
        "longitude": None,
    },
    "timezone": {"id": None, "name": None, "gmtOffset": None, "dstOffset": None},
}
NO_PANTACOR = {
    "pantacorId": None,
    "autoUpdate": None,
    "releaseChannel": None,
    "sshPublicKey": None,
    "ipAddress": None,
    "deploymentId": None,
    "claimed": None,
}


def iso(time):
    return time.isoformat().replace("+00:00", "Z")


def make_kitchen(account, city, **fields):
    """Save a device with every field set."""
    return make_device(
        account,
        name="Probe One",
        placement="Kitchen",
        platform="picroft",
        core_version="21.2.1",
        enclosure_version="2.0",
        city=city,
        timezone=city.timezone,
        voice=make_voice("American Male", "mimic2", "kusal"),
        wake_word=make_wake_word("hey mycroft"),
        **fields,
    )


def shown_kitchen(device):
    return {
        "id": str(device.pk),
        "accountId": str(device.account_id),
        "name": "Probe One",
        "placement": "Kitchen",
        "platform": "picroft",
        "coreVersion": "21.2.1",
        "enclosureVersion": "2.0",
        "addTs": iso(device.created_at),
        "lastContactTs": iso(device.last_contact_at),
        "status": "Disconnected",
        "disconnectDuration": "5 hours",
        "country": {
            "id": str(device.city.region.country_id),
            "name": "United States",
            "isoCode": "US",
        },
        "region": {
            "id": str(device.city.region_id),
            "name": "California",
            "regionCode": "US.CA",
        },
        "city": {
            "id": str(device.city_id),
            "name": "San Francisco",
            "timezone": "America/Los_Angeles",
            "latitude": 37.77493,
            "longitude": -122.41942,
        },
        "timezone": {
            "id": str(device.timezone_id),
            "name": "America/Los_Angeles",
            "gmtOffset": -8.0,
            "dstOffset": -7.0,
        },
        "voice": {
            "id": str(device.voice_id),
            "settingName": "kusal",
            "displayName": "American Male",
            "engine": "mimic2",
        },
        "wakeWord": {
            "id": str(device.wake_word_id),
            "name": "Hey Mycroft",
            "engine": "precise",
        },
        "pantacorConfig": NO_PANTACOR,
    }


def test_a_device_is_shown_with_all_it_has(account, account_client, san_francisco):
    last_contact_at = now() - timedelta(hours=5)
    device = make_kitchen(account, san_francisco, last_contact_at=last_contact_at)

    response = account_client.get(f"/api/devices/{device.pk}")

    assert response.status_code == 200
    assert response.json() == shown_kitchen(device)


def test_the_list_shows_each_device_as_its_own_page_does(account, account_client, kansas_city):
    make_kitchen(account, kansas_city, last_contact_at=now() - timedelta(days=40))
    make_device(account, name="Attic")

    response = account_client.get("/api/devices")

    assert response.status_code == 200
    assert [device["name"] for device in response.json()] == ["Attic", "Probe One"]
    for device in response.json():
        assert account_client.get(f"/api/devices/{device['id']}").json() == device


def test_a_device_without_place_and_contact_has_null_values(account_client, device):
    shown = account_client.get(f"/api/devices/{device.pk}").json()

    assert {name: shown[name] for name in NO_PLACE} == NO_PLACE
    assert (shown["lastContactTs"], shown["status"]) == (None, "Disconnected")
    assert shown["disconnectDuration"] == "unknown"
    assert (shown["placement"], shown["coreVersion"]) == ("", "unknown")


def test_a_device_that_calls_is_connected(account_client, device, device_client):
    device_client.get(f"/v1/device/{device.pk}")

    shown = account_client.get(f"/api/devices/{device.pk}").json()

    assert (shown["status"], shown["disconnectDuration"]) == ("Connected", None)
    assert shown["lastContactTs"] == iso(contacts.latest([_again(device)])[device.pk])


def _again(device):
    device.refresh_from_db()
    return device


def test_a_pantacor_device_shows_its_configuration(account_client, device):
    PantacorConfig.objects.create(
        device=device,
        pantacor_id="5f1",
        ip_address="192.168.1.7",
        auto_update=False,
        release_channel="myc200_beta_qa_test",
        ssh_public_key="ssh-rsa AAAA me@host",
        claimed_at=now(),
    )

    shown = account_client.get(f"/api/devices/{device.pk}").json()

    assert shown["pantacorConfig"] == {
        "pantacorId": "5f1",
        "autoUpdate": False,
        "releaseChannel": "Beta QA",
        "sshPublicKey": "ssh-rsa AAAA me@host",
        "ipAddress": "192.168.1.7",
        "deploymentId": None,
        "claimed": True,
    }


def test_an_account_without_devices_has_an_empty_list(account_client):
    make_device()

    response = account_client.get("/api/devices")

    assert (response.status_code, response.json()) == (200, [])


def test_someone_else_s_device_is_not_found(account_client):
    other = make_device()

    response = account_client.get(f"/api/devices/{other.pk}")

    assert (response.status_code, response.json()) == (404, {"error": "device not found"})


@pytest.mark.parametrize("device_id", [uuid.uuid4(), "garbage", "1", "%20", "a/b"])
def test_a_device_that_does_not_exist_is_not_found(account_client, device_id):
    response = account_client.get(f"/api/devices/{device_id}")

    assert response.status_code == 404
    assert list(response.json()) == ["error"]


@pytest.mark.parametrize("number", [1, 3])
def test_the_list_takes_two_queries_however_many_devices(
    account, account_client, san_francisco, django_assert_num_queries, number
):
    for each in range(number):
        device = make_device(
            account, name=f"Device {each}", city=san_francisco, timezone=san_francisco.timezone
        )
        PantacorConfig.objects.create(device=device, pantacor_id=str(each))

    with django_assert_num_queries(2):
        response = account_client.get("/api/devices")

    assert len(response.json()) == number


def test_a_device_takes_two_queries(account_client, device, django_assert_num_queries):
    with django_assert_num_queries(2):
        account_client.get(f"/api/devices/{device.pk}")


@pytest.mark.parametrize(
    "path",
    ["devices", "devices/4c1a9f0e-7d1b-4e0e-9d0a-0d4b4f4f3f11", "device-count", "geographies"],
)
@pytest.mark.django_db
def test_devices_are_shown_to_their_owner_only(api, path):
    response = api.get(f"/api/{path}")

    assert response.status_code == 401
    assert list(response.json()) == ["error"]


@pytest.mark.parametrize("number", [0, 2])
def test_devices_are_counted(account, account_client, number):
    make_device()
    for _ in range(number):
        make_device(account)

    response = account_client.get("/api/device-count")

    assert (response.status_code, response.json()) == (200, {"deviceCount": number})


def test_geographies_are_the_countries_of_the_account_s_devices(
    account, account_client, kansas_city, san_francisco, vancouver
):
    for city in (kansas_city, san_francisco):
        make_device(account, city=city, timezone=city.timezone)
    make_device(city=vancouver, timezone=vancouver.timezone)

    response = account_client.get("/api/geographies")

    assert response.status_code == 200
    country = str(kansas_city.region.country_id)
    assert response.json() == [{"id": country, "name": "United States", "userDefined": True}]


def test_geographies_are_empty_without_devices(account_client):
    response = account_client.get("/api/geographies")

    assert (response.status_code, response.json()) == (200, [])
