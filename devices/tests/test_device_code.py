"""GET /v1/device/code."""

import random
import re

import pytest
from django.utils import timezone

from devices import pairing
from devices.models import PairingSession
from devices.tests.factories import make_device

CODE = re.compile("[ACEFHJKLMNPRTUVWXY3479]{6}")


def test_a_device_gets_a_code_to_read_out_and_a_token_to_keep(api, db):
    response = api.get("/v1/device/code?state=9f0c&packaging=core")

    body = response.json()
    assert response.status_code == 200
    assert sorted(body) == ["code", "expiration", "state", "token"]
    assert CODE.fullmatch(body["code"])
    assert re.fullmatch("[0-9a-f]{128}", body["token"])
    assert (body["state"], body["expiration"]) == ("9f0c", 86400)


def test_token_and_state_are_kept_as_digests_only(api, db):
    body = api.get("/v1/device/code?state=state-9f0c").json()

    row = PairingSession.objects.values().get()
    assert row["code"] == body["code"]
    assert body["token"] not in str(row)
    assert "state-9f0c" not in str(row)


def test_the_same_state_again_gets_another_code(api, db):
    first = api.get("/v1/device/code?state=9f0c").json()

    second = api.get("/v1/device/code?state=9f0c").json()

    assert first["code"] != second["code"]
    assert first["token"] != second["token"]


def test_codes_and_tokens_do_not_follow_from_a_seed(api, db):
    def ask():
        random.seed(2026)
        return api.get("/v1/device/code?state=9f0c").json()

    first, second = ask(), ask()

    assert first["code"] != second["code"]
    assert first["token"] != second["token"]


def test_a_dead_token_that_comes_along_does_not_matter(api, db):
    api.credentials(HTTP_AUTHORIZATION="Bearer dead")

    response = api.get("/v1/device/code?state=9f0c")

    assert response.status_code == 200


@pytest.mark.parametrize("query", ["", "?state=", f"?state={'x' * 201}"])
def test_a_state_is_needed(api, db, query):
    response = api.get(f"/v1/device/code{query}")

    assert response.status_code == 400
    assert list(response.json()) == ["state"]
    assert not PairingSession.objects.exists()


def test_a_nul_in_the_state_is_refused(api, db):
    response = api.get("/v1/device/code?state=a%00b")

    assert response.status_code == 400
    assert not PairingSession.objects.exists()


def test_a_lapsed_code_makes_way_for_one_that_meets_it(db, monkeypatch):
    lapsed, _ = pairing.issue_code("old")
    PairingSession.objects.update(expires_at=timezone.now())
    choices = iter(lapsed.code)
    monkeypatch.setattr(pairing.secrets, "choice", lambda letters: next(choices, "A"))

    session, _ = pairing.issue_code("new")

    assert session.code == "AAAAAA"
    assert not PairingSession.objects.filter(pk=lapsed.pk).exists()


@pytest.mark.django_db(transaction=True)
def test_outside_of_a_transaction_a_code_that_is_shown_is_passed_over_too(monkeypatch):
    shown, _ = pairing.issue_code("one")
    choices = iter(shown.code)
    monkeypatch.setattr(pairing.secrets, "choice", lambda letters: next(choices, "A"))

    session, _ = pairing.issue_code("two")

    assert session.code == "AAAAAA"
    assert set(PairingSession.objects.values_list("code", flat=True)) == {shown.code, "AAAAAA"}


@pytest.mark.django_db(transaction=True)
def test_a_code_costs_one_statement(api, django_assert_num_queries):
    with django_assert_num_queries(1):
        api.get("/v1/device/code?state=9f0c")


def test_code_requests_are_throttled_per_client(api, db, limit_rate):
    limit_rate("pairing-code", "2/minute")
    for _ in range(2):
        assert api.get("/v1/device/code?state=9f0c").status_code == 200

    response = api.get("/v1/device/code?state=9f0c")

    assert response.status_code == 429
    assert list(response.json()) == ["error"]
    assert 0 < int(response.headers["Retry-After"]) <= 60
    assert api.get("/v1/device/code?state=9f0c", REMOTE_ADDR="192.0.2.7").status_code == 200


def test_purging_removes_what_lapsed_and_leaves_no_trace_of_a_device(db):
    pairing.issue_code("lapsed")
    PairingSession.objects.update(expires_at=timezone.now())
    live, _ = pairing.issue_code("live")
    device = make_device()

    removed = pairing.purge()

    assert removed == 1
    assert list(PairingSession.objects.all()) == [live]
    device.refresh_from_db()
