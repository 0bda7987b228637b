from copy import copy
from datetime import timedelta

import pytest
from django.utils import timezone

from accounts.tests.factories import make_account
from conftest import sign_in
from devices import pairing, pantacor
from devices.models import Device, PairingSession, PantacorConfig
from devices.tests.factories import claim, make_device
from devices.tests.pantacor_stand_in import TOKEN, PantacorStandIn, fleet_device
from devices.tests.test_ssh_key import KEY

CHANGE = {"name": "Kitchen", "voice": "British Male", "wakeWord": "Hey Mycroft"}


@pytest.fixture
def fleet(httpserver, settings):
    """Pantacor, which knows a device "5f1"."""
    fleet = PantacorStandIn(httpserver)
    fleet.devices["5f1"] = fleet_device()
    settings.PANTACOR_API_BASE_URL, settings.PANTACOR_API_TOKEN = fleet.url, TOKEN
    return fleet


@pytest.fixture
def sync(device_client, device):
    """A function that has the device say who it is at Pantacor."""

    def sync(pantacor_id="5f1", **changes):
        body = {"mycroft_device_id": str(device.pk), "pantacor_device_id": pantacor_id}
        return device_client.post("/v1/device/pantacor", body | changes)

    return sync


def make_config(device, **fields):
    """Save the configuration of a device that Pantacor knows as "5f1"."""
    known = {"pantacor_id": "5f1", "claimed_at": timezone.now()}
    return PantacorConfig.objects.create(device=device, **known | fields)


def stored():
    """Return all configurations, less when they were claimed."""
    rows = list(PantacorConfig.objects.values())
    for row in rows:
        row["is_claimed"] = row.pop("claimed_at") is not None
    return rows


def test_what_pantacor_says_is_stored(sync, fleet, device):
    fleet.devices["5f1"] = fleet_device(
        channel="myc200_beta", **{"user-meta": {"pvr-sdk.authorized_keys": KEY}}
    )

    response = sync()

    assert (response.status_code, response.content) == (200, b"")
    assert stored() == [
        {
            "device_id": device.pk,
            "pantacor_id": "5f1",
            "ip_address": "192.168.1.7",
            "auto_update": True,
            "release_channel": "myc200_beta",
            "ssh_public_key": KEY,
            "deployment_id": "",
            "is_claimed": True,
        }
    ]
    assert fleet.told == []


def test_with_manual_updates_the_one_that_waits_is_stored(sync, fleet):
    fleet.devices["5f1"] = fleet_device(update_policy="manual")
    fleet.pending["5f1"] = ["newer", "older"]

    sync()

    config = PantacorConfig.objects.get()
    assert (config.auto_update, config.deployment_id) == (False, "newer")


def test_a_second_sync_takes_what_changed(sync, fleet, device):
    make_config(device, pantacor_id="before", deployment_id="d-1", auto_update=False)

    sync()

    config = PantacorConfig.objects.get()
    assert (config.pantacor_id, config.auto_update, config.deployment_id) == ("5f1", True, "")


@pytest.mark.parametrize("pantacor_id", ["5f2", "../x", "5f1/..", "5f1?a=b", ".", "ö" * 100])
@pytest.mark.usefixtures("fleet")
def test_a_device_that_pantacor_does_not_know_is_not_found(sync, pantacor_id):
    response = sync(pantacor_id)

    assert response.status_code == 404
    assert response.json() == {"error": "Pantacor does not know the device"}
    assert stored() == []


@pytest.mark.parametrize("claimed", [{"claimed": False}, {"claimed": None}])
def test_a_device_that_is_not_claimed_there_may_try_again(sync, fleet, claimed):
    fleet.devices["5f1"] = fleet_device(**claimed)

    response = sync()

    assert response.status_code == 428
    assert response.json() == {"error": "Device not yet claimed by Pantacor"}
    assert stored() == []


@pytest.mark.usefixtures("fleet")
def test_a_device_speaks_for_itself_only(sync, api, account):
    other = make_device(account)
    body = {"mycroft_device_id": str(other.pk), "pantacor_device_id": "5f1"}

    answers = [sync(mycroft_device_id=str(other.pk)), api.post("/v1/device/pantacor", body)]

    assert [answer.status_code for answer in answers] == [401, 401]
    assert [answer.json() for answer in answers] == [
        {"error": "device token is not of the device in the body"},
        {"error": "Oauth token not found"},
    ]
    assert stored() == []


def test_both_ids_are_required(device_client):
    response = device_client.post("/v1/device/pantacor", {})

    required = ["This field is required."]
    assert response.status_code == 400
    assert response.json() == {"mycroft_device_id": required, "pantacor_device_id": required}


def test_a_device_in_use_on_another_account_stays_there(sync, fleet):
    theirs = make_device(last_contact_at=timezone.now() - timedelta(days=29))
    make_config(theirs, ssh_public_key=KEY)
    before = stored()

    response = sync()

    assert response.status_code == 404
    assert response.json() == {"error": "Pantacor does not know the device"}
    assert stored() == before


@pytest.mark.parametrize("days", [31, None])
@pytest.mark.usefixtures("fleet")
def test_a_device_that_another_account_uses_no_more_is_taken_along(sync, device, days):
    at = days and timezone.now() - timedelta(days=days)
    make_config(make_device(last_contact_at=at))

    response = sync()

    assert response.status_code == 200
    assert PantacorConfig.objects.get().device == device


@pytest.mark.usefixtures("fleet")
def test_an_activation_takes_nothing_from_another_account(api, account):
    theirs = make_device(last_contact_at=timezone.now())
    make_config(theirs)
    session, token = pairing.issue_code("state")
    claim(account, session.code)

    response = api.post(
        "/v1/device/activate", {"token": token, "state": "state", "pantacor_device_id": "5f1"}
    )

    assert response.status_code == 200
    assert PantacorConfig.objects.get().device == theirs


def test_pantacor_is_asked_nothing_without_a_token(sync):
    response = sync()

    assert (response.status_code, response.json()) == (
        503,
        {"error": "PANTACOR_API_TOKEN is not set"},
    )


def test_a_bad_day_of_pantacor_is_told_and_changes_nothing(
    sync, settings, bad_upstream, account_client, device
):
    settings.PANTACOR_API_BASE_URL, settings.PANTACOR_API_TOKEN = bad_upstream.url, TOKEN
    make_config(device, auto_update=False, deployment_id="d-1")
    before, name = stored(), device.name

    answers = [
        sync(),
        account_client.patch("/api/software-update", {"deploymentId": "d-1"}),
        account_client.patch(f"/api/devices/{device.pk}", CHANGE | {"autoUpdate": True}),
    ]

    error = {"error": f"Pantacor {'timed out' if bad_upstream.status == 504 else 'failed'}"}
    assert [answer.status_code for answer in answers] == [bad_upstream.status] * 3
    assert [answer.json() for answer in answers] == [error] * 3
    assert stored() == before
    device.refresh_from_db()
    assert device.name == name


@pytest.mark.parametrize("status", [400, 401, 403, 429, 500, 503])
def test_a_refusal_of_pantacor_is_none_of_ours(sync, fleet, status):
    fleet.status = status

    response = sync()

    assert (response.status_code, response.json()) == (502, {"error": "Pantacor failed"})


@pytest.mark.parametrize(
    "odd",
    [
        {"channel": "their_own", "device-meta": None, "user-meta": "x"},
        {"channel": [], "device-meta": {"interfaces": [1]}, "user-meta": {}},
        {"channel": None, "device-meta": {"interfaces": {"wlan0.ipv4": "192.168.1.7"}}},
        {"device-meta": {"interfaces": {"wlan0.ipv4": ["?", None, "127.0.0.1"], "a": 1}}},
        {"user-meta": {"pvr-sdk.authorized_keys": ["\u0000"]}},
        {"user-meta": {"pvr-sdk.authorized_keys": "\u0000"}},
    ],
)
def test_what_pantacor_says_oddly_is_as_if_not_said(sync, fleet, odd):
    fleet.devices["5f1"] = fleet_device(**odd)

    response = sync()

    config = PantacorConfig.objects.get()
    assert response.status_code == 200
    assert (config.release_channel, config.ssh_public_key) == ("myc200_stable", "")
    assert config.ip_address in (None, "192.168.1.7")


@pytest.mark.parametrize(
    ("wish", "told", "field", "value"),
    [
        ({"autoUpdate": False}, {"update_policy": "manual"}, "auto_update", False),
        ({"releaseChannel": "LTS"}, {"channel": "myc200_lts"}, "release_channel", "myc200_lts"),
        (
            {"releaseChannel": "myc200_dev_test"},
            {"channel": "myc200_dev_test"},
            "release_channel",
            "myc200_dev_test",
        ),
        (
            {"sshPublicKey": KEY},
            {"user-meta": {"pvr-sdk.authorized_keys": KEY}},
            "ssh_public_key",
            KEY,
        ),
    ],
)
@pytest.mark.usefixtures("shipped")
def test_what_the_owner_wishes_goes_to_pantacor_and_is_stored(
    account_client, device, fleet, wish, told, field, value
):
    make_config(device)

    response = account_client.patch(f"/api/devices/{device.pk}", CHANGE | wish)

    assert response.status_code == 204
    assert fleet.told == [("devices/5f1", told)]
    assert getattr(PantacorConfig.objects.get(), field) == value
    device.refresh_from_db()
    assert device.name == "Kitchen"


@pytest.mark.usefixtures("shipped")
def test_a_name_that_is_taken_is_refused_before_pantacor_is_told(
    account_client, account, device, fleet
):
    make_config(device)
    make_device(account, name="Kitchen")

    response = account_client.patch(f"/api/devices/{device.pk}", CHANGE | {"autoUpdate": False})

    assert response.status_code == 400
    assert response.json() == {"name": ["you have a device of this name"]}
    assert fleet.told == []
    assert PantacorConfig.objects.get().auto_update


@pytest.mark.usefixtures("shipped")
def test_an_ssh_key_that_is_none_is_refused_unless_pantacor_has_it(account_client, device, fleet):
    make_config(device, ssh_public_key="odd, but there")

    same = account_client.patch(
        f"/api/devices/{device.pk}", CHANGE | {"sshPublicKey": "odd, but there"}
    )
    other = account_client.patch(f"/api/devices/{device.pk}", CHANGE | {"sshPublicKey": "odd"})

    assert same.status_code == 204
    assert (other.status_code, other.json()) == (
        400,
        {"sshPublicKey": ["not an OpenSSH public key"]},
    )
    assert fleet.told == []


@pytest.mark.usefixtures("shipped")
def test_what_was_wished_at_the_pairing_is_told_at_the_first_sync(api, account_client, fleet):
    fleet.pending["5f1"] = ["d-1"]
    session, token = pairing.issue_code("state", packaging="pantacor")
    wishes = {"autoUpdate": False, "releaseChannel": "Stable", "sshPublicKey": KEY}
    account_client.post("/api/devices", CHANGE | wishes | {"pairingCode": session.code})
    body = {"token": token, "state": "state"}
    login = api.post("/v1/device/activate", body).json()
    api.credentials(HTTP_AUTHORIZATION=f"Bearer {login['accessToken']}")
    ids = {"mycroft_device_id": login["uuid"], "pantacor_device_id": "5f1"}

    responses = [api.post("/v1/device/pantacor", ids) for _ in range(2)]

    assert [response.status_code for response in responses] == [200, 200]
    assert fleet.told == [
        (
            "devices/5f1",
            {"update_policy": "manual", "user-meta": {"pvr-sdk.authorized_keys": KEY}},
        )
    ]
    assert PairingSession.objects.get().pantacor_wishes is None


def test_the_owner_s_yes_goes_to_pantacor(account_client, device, fleet):
    make_config(device, auto_update=False, deployment_id="d-1")

    response = account_client.patch("/api/software-update", {"deploymentId": "d-1"})

    assert (response.status_code, response.content) == (204, b"")
    assert fleet.told == [("deployments/d-1", {"status": "accepted"})]
    assert PantacorConfig.objects.get().deployment_id == ""


def test_a_yes_is_for_one_s_own_devices(device, fleet):
    make_config(device, auto_update=False, deployment_id="d-1")
    stranger = sign_in(make_account())

    response = stranger.patch("/api/software-update", {"deploymentId": "d-1"})

    assert (response.status_code, response.json()) == (404, {"error": "deployment not found"})
    assert fleet.told == []
    assert PantacorConfig.objects.get().deployment_id == "d-1"


@pytest.mark.parametrize(
    ("body", "reason"),
    [
        ({}, "This field is required."),
        ({"deploymentId": None}, "This field may not be null."),
        ({"deploymentId": ""}, "This field may not be blank."),
        ({"deploymentId": ["a"]}, "Not a valid string."),
    ],
)
def test_a_yes_names_what_it_is_for(account_client, body, reason):
    response = account_client.patch("/api/software-update", body)

    assert (response.status_code, response.json()) == (400, {"deploymentId": [reason]})


@pytest.mark.django_db
def test_a_yes_needs_a_login(api):
    response = api.patch("/api/software-update", {"deploymentId": "d-1"})

    assert response.status_code == 401
    assert response.json() == {"error": "no authentication tokens found"}


def test_an_owner_who_looks_is_shown_what_waits_now(account_client, device, fleet):
    make_config(device, auto_update=False)
    fleet.pending["5f1"] = ["d-2"]

    shown = [account_client.get(f"/api/devices/{device.pk}").json() for _ in range(2)]
    fleet.pending["5f1"] = ["d-3"]  # asked again only after a while
    shown.append(account_client.get(f"/api/devices/{device.pk}").json())

    waiting = [each["pantacorConfig"]["deploymentId"] for each in shown]
    assert waiting == ["d-2", "d-2", "d-2"]
    assert PantacorConfig.objects.get().deployment_id == "d-2"


def test_an_owner_who_looks_while_pantacor_is_away_is_shown_what_was_known(
    account_client, device, fleet
):
    make_config(device, auto_update=False, deployment_id="d-1")
    fleet.status = 500

    response = account_client.get(f"/api/devices/{device.pk}")

    assert response.status_code == 200
    assert response.json()["pantacorConfig"]["deploymentId"] == "d-1"


@pytest.mark.usefixtures("fleet")
def test_a_device_removed_meanwhile_is_not_stored(device):
    device_as_it_was = copy(device)
    device.delete()

    with pytest.raises(Device.DoesNotExist):
        pantacor.sync(device_as_it_was, "5f1")

    assert stored() == []
