import pytest

from accounts.tests.threads import at_once
from devices import editing
from devices.models import Device, DeviceToken, PantacorConfig
from devices.tests.factories import make_device, make_token


def test_a_removed_device_is_gone(account_client, device):
    PantacorConfig.objects.create(device=device, pantacor_id="5f1")
    make_token(device)

    response = account_client.delete(f"/api/devices/{device.pk}")

    assert (response.status_code, response.content) == (204, b"")
    assert not Device.objects.exists()
    assert not DeviceToken.objects.exists()
    assert not PantacorConfig.objects.exists()
    assert account_client.get("/api/device-count").json() == {"deviceCount": 0}


def test_the_tokens_of_a_removed_device_stop_at_once(account_client, device, device_client):
    path = f"/v1/device/{device.pk}/setting"
    known = {"If-None-Match": device_client.get(path)["ETag"]}
    assert device_client.get(path, headers=known).status_code == 304

    account_client.delete(f"/api/devices/{device.pk}")

    response = device_client.get(path, headers=known)
    assert response.status_code == 401
    assert list(response.json()) == ["error"]


def test_a_device_that_is_gone_cannot_be_removed_again(account_client, device):
    account_client.delete(f"/api/devices/{device.pk}")

    response = account_client.delete(f"/api/devices/{device.pk}")

    assert (response.status_code, response.json()) == (404, {"error": "device not found"})


def test_other_devices_of_the_account_stay(account, account_client, device):
    other = make_device(account)

    account_client.delete(f"/api/devices/{device.pk}")

    assert account.devices.get() == other


def test_someone_else_s_device_is_not_found(account_client):
    other = make_device()

    response = account_client.delete(f"/api/devices/{other.pk}")

    assert (response.status_code, response.json()) == (404, {"error": "device not found"})
    assert Device.objects.get() == other


def test_removing_a_device_needs_a_login(api, device):
    response = api.delete(f"/api/devices/{device.pk}")

    assert response.status_code == 401
    assert list(response.json()) == ["error"]
    assert Device.objects.exists()


@pytest.mark.django_db(transaction=True)
def test_a_device_is_removed_once_though_asked_twice_at_once():
    device = make_device()

    removed = at_once(*[lambda: editing.remove(Device.objects.filter(pk=device.pk))] * 2)

    assert sorted(removed) == [0, 1]
    assert not Device.objects.exists()
