"""GET /v1/device/D/voice: a link for members."""

import pytest

from accounts.tests.factories import make_subscription
from devices.authentication import OF_ANOTHER_DEVICE
from devices.tests.factories import make_device

ARM, X86_64 = "https://voice.test/arm", "https://voice.test/x86_64"


@pytest.fixture(autouse=True)
def _links(settings):
    settings.VOICE_URL_ARM, settings.VOICE_URL_X86_64 = ARM, X86_64


@pytest.mark.parametrize(
    ("query", "link"),
    [("?arch=arm", ARM), ("?arch=x86_64", X86_64), ("?arch=mips", ""), ("?arch=", ""), ("", "")],
)
def test_a_member_gets_the_voice_for_its_machine(account, device, device_client, query, link):
    make_subscription(account)

    response = device_client.get(f"/v1/device/{device.pk}/voice{query}")

    assert (response.status_code, response.json()) == (200, {"link": link})


def test_others_get_none(device, device_client):
    response = device_client.get(f"/v1/device/{device.pk}/voice?arch=arm")

    assert (response.status_code, response.content) == (204, b"")


def test_a_membership_that_has_ended_is_none(account, device, device_client):
    subscription = make_subscription(account)
    account.subscriptions.update(ended_at=subscription.started_at)

    assert device_client.get(f"/v1/device/{device.pk}/voice?arch=arm").status_code == 204


def test_without_a_link_members_get_an_empty_one(account, device, device_client, settings):
    settings.VOICE_URL_ARM = ""
    make_subscription(account)

    response = device_client.get(f"/v1/device/{device.pk}/voice?arch=arm")

    assert (response.status_code, response.json()) == (200, {"link": ""})


def test_what_cannot_be_a_machine_is_refused(device, device_client):
    response = device_client.get(f"/v1/device/{device.pk}/voice?arch=a%00b")

    assert response.status_code == 400
    assert response.json() == {"error": "NUL characters are not allowed"}


def test_another_device_gets_no_voice(account, device_client):
    make_subscription(account)

    response = device_client.get(f"/v1/device/{make_device().pk}/voice?arch=arm")

    assert response.status_code == 401
    assert response.json() == {"error": OF_ANOTHER_DEVICE}


def test_without_a_token_there_is_no_voice(api, device):
    response = api.get(f"/v1/device/{device.pk}/voice?arch=arm")

    assert (response.status_code, response.json()) == (401, {"error": "Oauth token not found"})
