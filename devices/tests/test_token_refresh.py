"""GET /v1/auth/token, and how long tokens are good."""

from datetime import timedelta

import pytest
from django.utils import timezone

from accounts.models import SecurityEvent
from devices import contacts, pairing, tokens
from devices.models import Device, DeviceToken
from devices.tests.factories import claim, make_device


@pytest.fixture
def login(device):
    """Tokens that the device has used."""
    issued = tokens.issue(device)
    tokens.recognise(tokens.digest(issued.access))
    return issued


@pytest.fixture
def refresh(api):
    """Return a function that asks for new tokens."""

    def refresh(token, **headers):
        return api.get("/v1/auth/token", headers={"Authorization": f"Bearer {token}", **headers})

    return refresh


@pytest.fixture
def is_good(api, device):
    """Return a function that tells whether an access token is taken."""

    def is_good(token):
        headers = {"Authorization": f"Bearer {token}"}
        return api.get(f"/v1/device/{device.pk}/subscription", headers=headers).status_code == 200

    return is_good


def test_a_refresh_gives_two_new_tokens(refresh, login, device, is_good):
    response = refresh(login.refresh, Device=str(device.pk))

    body = response.json()
    assert response.status_code == 200
    assert sorted(body) == ["accessToken", "expiration", "refreshToken", "uuid"]
    assert (body["uuid"], body["expiration"]) == (str(device.pk), 86400)
    assert {body["accessToken"], body["refreshToken"]}.isdisjoint({login.access, login.refresh})
    assert is_good(body["accessToken"])


def test_the_device_header_may_be_missing(refresh, login):
    assert refresh(login.refresh).status_code == 200


def test_both_old_tokens_are_good_until_a_new_one_is_used(refresh, login, is_good):
    refresh(login.refresh)

    assert is_good(login.access)
    assert refresh(login.refresh).status_code == 200


def test_both_old_tokens_are_refused_once_the_new_access_token_is_used(refresh, login, is_good):
    new = refresh(login.refresh).json()
    assert is_good(new["accessToken"])

    assert not is_good(login.access)
    response = refresh(login.refresh)

    assert (response.status_code, response.content) == (401, b"")


def test_the_old_refresh_token_is_refused_once_the_new_one_is_used(refresh, login):
    new = refresh(login.refresh).json()
    assert refresh(new["refreshToken"]).status_code == 200

    assert refresh(login.refresh).status_code == 401


def test_use_of_a_superseded_refresh_token_is_recorded(refresh, login, device, is_good):
    new = refresh(login.refresh).json()
    is_good(new["accessToken"])

    refresh(login.refresh)

    event = SecurityEvent.objects.get()
    assert (event.kind, event.account) == ("device_refresh_reused", device.account)
    assert event.device_id == device.pk
    assert login.refresh not in str(event.detail)
    assert is_good(new["accessToken"])


def test_two_answers_to_one_refresh_can_both_be_used_the_later_one_last(refresh, login, is_good):
    first = refresh(login.refresh).json()
    second = refresh(login.refresh).json()

    assert is_good(first["accessToken"])
    assert is_good(second["accessToken"])
    assert not is_good(first["accessToken"])


def test_answers_that_are_lost_for_ever_do_not_pile_up(refresh, login):
    for _ in range(20):
        assert refresh(login.refresh).status_code == 200

    assert DeviceToken.objects.count() == tokens.MAX_UNUSED + 1


@pytest.mark.parametrize("token", ["", "nope", "é", "a b"])
def test_an_unknown_token_refreshes_nothing(refresh, login, token):
    response = refresh(token)

    assert (response.status_code, response.content) == (401, b"")
    assert DeviceToken.objects.count() == 1


def test_no_token_refreshes_nothing(api, login, device):
    response = api.get("/v1/auth/token", headers={"Device": str(device.pk)})

    assert (response.status_code, response.content) == (401, b"")


def test_an_access_token_refreshes_nothing(refresh, login):
    assert refresh(login.access).status_code == 401


def test_a_refresh_token_gives_no_access(is_good, login):
    assert not is_good(login.refresh)


def test_a_refresh_token_is_its_devices_only(refresh, login, account):
    other = make_device(account)

    assert refresh(login.refresh, Device=str(other.pk)).status_code == 401
    assert refresh(login.refresh, Device="not a uuid").status_code == 401


def test_tokens_go_with_their_device(refresh, login, device, is_good):
    device.delete()

    assert not is_good(login.access)
    assert refresh(login.refresh).status_code == 401


def test_revoked_tokens_are_refused(refresh, login, device, is_good):
    tokens.revoke(device)

    assert not is_good(login.access)
    assert refresh(login.refresh).status_code == 401


def test_after_revoking_the_device_must_be_paired_anew(api, account):
    session, token = pairing.issue_code("9f0c")
    device = claim(account, session.code)
    body = {"token": token, "state": "9f0c"}
    assert api.post("/v1/device/activate", body).status_code == 200

    tokens.revoke(device)

    assert api.post("/v1/device/activate", body).status_code == 404


def test_an_access_token_outlives_its_expiration(login, is_good, pass_time):
    pass_time(timedelta(seconds=tokens.EXPIRATION, days=5))

    assert is_good(login.access)


def test_an_access_token_unused_for_thirty_days_is_refused(login, device, is_good, pass_time):
    Device.objects.update(last_contact_at=timezone.now())
    pass_time(timedelta(days=30, seconds=1))

    assert not is_good(login.access)


def test_an_access_token_in_use_is_good_for_longer_than_thirty_days(
    login, device, is_good, pass_time
):
    pass_time(timedelta(days=31))
    Device.objects.update(last_contact_at=timezone.now() - timedelta(days=20))

    assert is_good(login.access)


def test_a_contact_that_no_job_has_moved_to_the_row_yet_counts_as_use(
    login, device, is_good, pass_time
):
    pass_time(timedelta(days=29))
    assert is_good(login.access)
    contacts.note(device)
    pass_time(timedelta(days=20))

    assert is_good(login.access)


def test_a_refresh_token_never_expires(refresh, login, pass_time):
    pass_time(timedelta(days=1000))

    assert refresh(login.refresh).status_code == 200


def test_an_operator_can_set_a_hard_limit(login, is_good, settings, pass_time):
    settings.DEVICE_TOKEN_MAX_AGE = timedelta(days=2)
    pass_time(timedelta(days=2, seconds=1))
    Device.objects.update(last_contact_at=timezone.now())

    assert not is_good(login.access)


def test_purging_forgets_what_was_superseded_long_ago(refresh, login, is_good, pass_time):
    is_good(refresh(login.refresh).json()["accessToken"])
    assert tokens.purge() == 0
    pass_time(tokens.SUPERSEDED_KEPT + timedelta(seconds=1))

    assert tokens.purge() == 1
    assert DeviceToken.objects.get().superseded_at is None
