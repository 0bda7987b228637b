"""What no call of the account side may choke on or store."""

import pytest

from devices.models import AccountDefaults, AccountPreferences, Device

CALLS = [
    ("post", "/api/defaults"),
    ("patch", "/api/defaults"),
    ("post", "/api/preferences"),
    ("patch", "/api/preferences"),
    ("post", "/api/devices"),
    ("patch", "/api/devices/{device}"),
]
# Valid, but for the field that a test replaces
BODY = {
    "name": "Kitchen",
    "pairingCode": "ACEFHJ",
    "voice": "British Male",
    "wakeWord": "hey mycroft",
    "dateFormat": "DD/MM/YYYY",
    "measurementSystem": "Metric",
    "timeFormat": "12 Hour",
}
ODD_VALUES = [
    *(None, True, 0, -1.5, 10**18, "", " ", "x" * 300_000, "%", "_", "\\", "'", "a\nb"),
    *("\u202e", "😀", "İ", "ß", [], [[]], {}, {"a": 1}, ["x"]),
]


@pytest.fixture
def call(account_client, device):
    """A function that sends a body, as it is, with one of the calls."""

    def send(method, path, body, content_type="application/json"):
        path = path.format(device=device.pk)
        return getattr(account_client, method)(path, body, content_type=content_type)

    return send


@pytest.fixture
def is_unchanged(device):
    """A function that tells whether the database is as it was."""
    before = list(Device.objects.values())

    def look():
        stored = AccountDefaults.objects.exists() or AccountPreferences.objects.exists()
        return not stored and list(Device.objects.values()) == before

    return look


@pytest.mark.parametrize(("method", "path"), CALLS)
@pytest.mark.parametrize(
    "body",
    [
        b"{",
        b"[]",
        b"null",
        b'"text"',
        b"\x00",
        b"\xff",
        b"[" * 100_000,
        b'{"voice": NaN}',
        b'{"voice": "\\ud800"}',
        b'{"voice": "\\u0000"}',
    ],
)
def test_a_body_that_is_no_good_object_is_a_400(call, is_unchanged, method, path, body):
    response = call(method, path, body)

    assert response.status_code == 400
    assert list(response.json()) == ["error"]
    assert is_unchanged()


@pytest.mark.parametrize(("method", "path"), CALLS)
def test_a_body_over_the_limit_is_a_413(call, is_unchanged, method, path):
    response = call(method, path, b'"' + b"x" * 2_000_000 + b'"')

    assert response.status_code == 413
    assert list(response.json()) == ["error"]
    assert is_unchanged()


@pytest.mark.parametrize(("method", "path"), CALLS)
def test_another_media_type_is_a_415(call, is_unchanged, method, path):
    response = call(method, path, b"<voice/>", content_type="text/xml")

    assert response.status_code == 415
    assert list(response.json()) == ["error"]
    assert is_unchanged()


@pytest.mark.parametrize("path", ["voices", "wake-words", "geographies", "device-count"])
def test_a_method_that_is_not_offered_is_a_405(account_client, path):
    response = account_client.post(f"/api/{path}", {})

    assert response.status_code == 405
    assert response["Allow"] == "GET, HEAD, OPTIONS"
    assert list(response.json()) == ["error"]


@pytest.mark.usefixtures("shipped", "kansas_city")
@pytest.mark.parametrize(("method", "path"), CALLS)
def test_an_odd_value_is_stored_or_a_400(account_client, device, method, path):
    path = path.format(device=device.pk)
    place = {"country": "United States", "region": "Missouri", "city": "Kansas City"}
    rest = {"placement": "", "autoUpdate": None, "sshPublicKey": None, "releaseChannel": None}
    body = BODY | place | rest | {"timezone": "America/Chicago"}

    for field in body:
        for value in ODD_VALUES:
            response = getattr(account_client, method)(path, body | {field: value})

            assert response.status_code in (204, 400), (field, value)
            assert response.status_code == 204 or isinstance(response.json(), dict)
