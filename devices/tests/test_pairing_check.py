import pytest
from django.core.cache import cache
from rest_framework.throttling import ScopedRateThrottle

from devices import pairing


@pytest.fixture
def code(db):
    """The code that a device shows now."""
    return pairing.issue_code("state")[0].code


@pytest.mark.parametrize("style", [str, str.lower, "%20".join, "%09{}%20".format])
def test_a_code_that_a_device_shows_is_valid_however_it_is_typed(account_client, code, style):
    response = account_client.get(f"/api/pairing-code/{style(code)}")

    assert (response.status_code, response.json()) == (200, {"isValid": True})


@pytest.mark.parametrize(
    "typed",
    ["000000", "", "a/b", "%0A", "%00", "%ff", "x" * 5000, "%F0%9F%98%80", "..", "?", "'%22"],
)
def test_anything_else_is_not_valid(account_client, code, typed):
    response = account_client.get(f"/api/pairing-code/{typed}")

    assert (response.status_code, response.json()) == (200, {"isValid": False})


@pytest.mark.django_db
def test_checking_a_code_needs_a_login(api):
    response = api.get("/api/pairing-code/000000")

    assert response.status_code == 401
    assert list(response.json()) == ["error"]


def test_codes_cannot_be_tried_out(account_client, code, monkeypatch):
    monkeypatch.setitem(ScopedRateThrottle.THROTTLE_RATES, "pairing-check", "2/minute")
    claim = {"name": "x", "voice": "x", "wakeWord": "x", "pairingCode": "000000"}

    statuses = [
        account_client.get("/api/pairing-code/000000").status_code,
        account_client.post("/api/devices", claim).status_code,
        account_client.post("/api/devices", claim).status_code,
    ]

    assert statuses == [200, 400, 429]
    assert account_client.get("/api/devices").status_code == 200
    refused = account_client.get("/api/pairing-code/000000")
    assert list(refused.json()) == ["error"]
    assert 0 < int(refused["Retry-After"]) <= 60
    cache.clear()
