"""Requests about one account that meet: no deadlock, no 500, and a clear answer to who is gone."""

import itertools
import time
from threading import Event

import pytest

from accounts import deletion
from accounts.models import Account
from accounts.tests.threads import at_once
from conftest import sign_in
from devices import editing, pairing
from devices.models import Device
from devices.tests.factories import claim, make_device, make_token

pytestmark = pytest.mark.django_db(transaction=True)

PREFERENCES = {"dateFormat": "MM/DD/YYYY", "timeFormat": "12 Hour"}


def _until(stop, statuses, call):
    for number in itertools.count():
        if stop.is_set():
            return
        statuses.append(call(number).status_code)


def test_devices_and_their_owner_write_at_once(account, api):
    devices = [make_device(account) for _ in range(3)]
    headers = [{"Authorization": f"Bearer {make_token(device)}"} for device in devices]
    owner = [sign_in(account) for _ in range(3)]
    statuses, stop = [], Event()

    def report(index):
        path = f"/v1/device/{devices[index].pk}"
        return lambda number: api.patch(path, {"coreVersion": str(number)}, headers=headers[index])

    def prefer(number):
        system = ["Metric", "Imperial"][number % 2]
        return owner[0].patch("/api/preferences", PREFERENCES | {"measurementSystem": system})

    def rename(number):
        body = {"name": f"Name {number}", "voice": "British Male", "wakeWord": "hey mycroft"}
        return owner[1].patch(f"/api/devices/{devices[0].pk}", body)

    def end(number):
        time.sleep(3)
        stop.set()

    calls = [*map(report, range(3)), prefer, rename]
    at_once(*[lambda call=call: _until(stop, statuses, call) for call in calls], lambda: end(0))

    assert len(statuses) > 20
    assert set(statuses) == {200, 204}


@pytest.mark.parametrize("attempt", range(3))
def test_a_device_is_removed_while_it_is_activated(account, api, attempt):
    session, token = pairing.issue_code("9f0c")
    device = claim(account, session.code)
    body = {"token": token, "state": "9f0c"}

    *answers, removed = at_once(
        lambda: api.post("/v1/device/activate", body).status_code,
        lambda: api.post("/v1/device/activate", body).status_code,
        lambda: editing.remove(Device.objects.filter(pk=device.pk)),
    )

    assert removed == 1
    assert set(answers) <= {200, 404}
    assert not Device.objects.exists()


@pytest.mark.parametrize("attempt", range(3))
def test_an_account_is_deleted_while_all_that_is_its_calls(account, api, attempt):
    device = make_device(account)
    headers = {"Authorization": f"Bearer {make_token(device)}"}
    session, _ = pairing.issue_code("9f0c")
    claim = {
        "name": "Other",
        "pairingCode": session.code,
        "voice": "British Male",
        "wakeWord": "hey mycroft",
    }
    browsers = [sign_in(account) for _ in range(4)]

    *answers, _ = at_once(
        lambda: api.patch(f"/v1/device/{device.pk}", {"coreVersion": "1"}, headers=headers),
        lambda: api.put(f"/v1/device/{device.pk}/skillJson", {"skills": []}, headers=headers),
        lambda: browsers[0].post("/api/devices", claim),
        lambda: browsers[1].patch("/api/account", {"username": f"name {attempt}"}),
        lambda: browsers[2].post("/api/preferences", PREFERENCES | {"measurementSystem": "Metric"}),
        lambda: browsers[3].post("/api/defaults", {"voice": "British Male"}),
        lambda: deletion.delete(account),
    )

    assert not Account.objects.filter(pk=account.pk).exists()
    assert not Device.objects.exists()
    assert {answer.status_code for answer in answers} <= {200, 204, 401}
