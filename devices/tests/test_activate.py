"""POST /v1/device/activate."""

from datetime import timedelta

import pytest
from django.utils import timezone

from devices import pairing
from devices.models import Device, DeviceToken, PairingSession, PantacorConfig
from devices.tests.factories import claim, make_device


@pytest.fixture
def session(db):
    """What a device holds that has asked for a code."""
    session, token = pairing.issue_code("9f0c")
    return {"token": token, "state": "9f0c", "code": session.code}


@pytest.fixture
def claimed(session, account):
    """The device that the account has claimed with the code."""
    return claim(account, session["code"])


@pytest.fixture
def body(session):
    return {"token": session["token"], "state": session["state"]}


def test_a_claimed_device_gets_its_tokens(api, claimed, body):
    versions = {"platform": "mycroft_mark_1", "coreVersion": "21.2.0", "enclosureVersion": "1.4.0"}

    response = api.post("/v1/device/activate", body | versions | {"platform_build": "b9"})

    login = response.json()
    assert response.status_code == 200
    assert sorted(login) == ["accessToken", "expiration", "refreshToken", "uuid"]
    assert (login["uuid"], login["expiration"]) == (str(claimed.pk), 86400)
    assert len(login["accessToken"]) == len(login["refreshToken"]) == 128
    device = Device.objects.get()
    assert (device.platform, device.platform_build) == ("mycroft_mark_1", "b9")
    assert (device.core_version, device.enclosure_version) == ("21.2.0", "1.4.0")


def test_the_tokens_are_good_and_kept_as_digests_only(api, claimed, body):
    login = api.post("/v1/device/activate", body).json()

    api.credentials(HTTP_AUTHORIZATION=f"Bearer {login['accessToken']}")
    assert api.get(f"/v1/device/{claimed.pk}").status_code == 200
    row = str(DeviceToken.objects.values().get())
    assert login["accessToken"] not in row
    assert login["refreshToken"] not in row


@pytest.mark.parametrize("spelling", ["core_version", "coreVersion"])
def test_both_spellings_of_the_core_version_are_read(api, claimed, body, spelling):
    api.post("/v1/device/activate", body | {spelling: "21.2.0"})

    assert Device.objects.get().core_version == "21.2.0"


def test_what_a_device_does_not_know_is_unknown(api, claimed, body):
    api.post("/v1/device/activate", body | {"platform": None, "enclosure_version": None})

    device = Device.objects.get()
    assert (device.platform, device.enclosure_version) == ("unknown", "unknown")
    assert (device.core_version, device.platform_build) == ("unknown", "unknown")


def test_a_mark_ii_brings_its_pantacor_id(api, claimed, body):
    other = make_device(claimed.account)
    PantacorConfig.objects.create(device=other, pantacor_id="pc-1")

    api.post("/v1/device/activate", body | {"pantacor_device_id": "pc-1"})

    assert PantacorConfig.objects.get().device == claimed


def test_a_device_waits_while_nobody_claims_it(api, body):
    response = api.post("/v1/device/activate", body)

    assert (response.status_code, response.content) == (404, b"")
    assert not DeviceToken.objects.exists()


@pytest.mark.parametrize("wrong", [{"token": "x"}, {"state": "x"}])
def test_token_and_state_must_both_be_the_sessions(api, claimed, body, wrong):
    response = api.post("/v1/device/activate", body | wrong)

    assert (response.status_code, response.content) == (404, b"")
    assert not DeviceToken.objects.exists()


def test_a_lost_answer_can_be_asked_for_again(api, claimed, body):
    lost = api.post("/v1/device/activate", body).json()

    again = api.post("/v1/device/activate", body)

    assert again.status_code == 200
    assert again.json()["uuid"] == lost["uuid"]
    api.credentials(HTTP_AUTHORIZATION=f"Bearer {again.json()['accessToken']}")
    assert api.get(f"/v1/device/{claimed.pk}").status_code == 200


def test_after_ten_minutes_nothing_is_given_again(api, claimed, body, pass_time):
    api.post("/v1/device/activate", body)
    pass_time(timedelta(minutes=10, seconds=1))

    response = api.post("/v1/device/activate", body)

    assert (response.status_code, response.content) == (404, b"")


def test_a_code_claimed_in_its_last_second_can_still_be_activated(
    api, session, account, body, pass_time
):
    pass_time(timedelta(days=1, seconds=-5))
    claim(account, session["code"])
    pass_time(timedelta(seconds=10))

    assert api.post("/v1/device/activate", body).status_code == 200


@pytest.mark.parametrize(
    "bad",
    [
        {},
        {"token": "x"},
        {"token": None, "state": None},
        {"token": ["x"], "state": {"x": 1}},
        {"token": "x", "state": "y", "platform": {"a": 1}},
        {"token": "x", "state": "y", "coreVersion": "v" * 101},
        [],
        "text",
    ],
)
def test_a_refusal_is_empty_because_clients_take_any_json_for_a_login(api, db, bad):
    response = api.post("/v1/device/activate", bad)

    assert (response.status_code, response.content) == (400, b"")


@pytest.mark.parametrize(
    "content", [b"{", b'{"token": "\\ud800"}', b'{"token": "\\u0000"}', b"NaN"]
)
def test_what_is_not_json_is_refused_empty(api, db, content):
    response = api.post("/v1/device/activate", content, content_type="application/json")

    assert (response.status_code, response.content) == (400, b"")


def test_other_refusals_are_empty_too(api, db, settings):
    settings.MAX_BODY_BYTES = 10

    too_large = api.post("/v1/device/activate", {"token": "x" * 20, "state": "x"})
    wrong_type = api.post("/v1/device/activate", b"a=b", content_type="text/plain")
    wrong_method = api.get("/v1/device/activate")

    answers = [too_large, wrong_type, wrong_method]
    assert [answer.status_code for answer in answers] == [413, 415, 405]
    assert [answer.content for answer in answers] == [b"", b"", b""]


def test_a_removed_device_cannot_be_activated_again(api, claimed, body):
    api.post("/v1/device/activate", body)
    claimed.delete()

    response = api.post("/v1/device/activate", body)

    assert response.status_code == 404
    assert not PairingSession.objects.exists()


def test_activation_is_remembered(api, claimed, body):
    api.post("/v1/device/activate", body)

    session = PairingSession.objects.get()
    assert timezone.now() - session.activated_at < timedelta(seconds=10)
    assert session.code is None
