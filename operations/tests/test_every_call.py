"""What holds for every call of the APIs, whatever it does."""

import json
import re

import pytest

from devices.authentication import OF_ANOTHER_DEVICE
from devices.middleware import LOGIN_PATHS
from devices.tests.factories import make_device
from operations.tests import descriptions

UNKNOWN = "00000000-0000-0000-0000-000000000000"
BODIES = {
    "cut off": b'{"a": ',
    "no JSON": b"{'a': 1}",
    "not UTF-8": b'{"a": "\xff"}',
    "NUL": b'{"a": "\\u0000"}',
    "lone surrogate": b'{"a": "\\ud800"}',
    "infinite": b'{"a": 1e999}',
    "deep": b"[" * 5_000 + b"]" * 5_000,
    "null": b"null",
    "list": b'[{"a": 1}]',
    "string": b'"a"',
    "number": b"1",
    "empty": b"",
    "huge": b'{"a": "' + b"x" * 5_000_000 + b'"}',
}
TAKE_ANYTHING = {"/api/pairing-code/{code}", "/api/ssh-key"}  # Selene UI hangs on a refusal
QUERIES = ("%00", "a=%00", "a=%ED%A0%80&state=%ED%A0%80", "a=%ff&input=%ff", "%", "a=1&a=2", "&=&")


@pytest.fixture(autouse=True)
def _stripe(settings):
    settings.STRIPE_WEBHOOK_SECRET = "a secret"  # without it nobody looks at an event


def calls(side):
    """Return method, path and description of each call of ``side``."""
    return [
        (method.upper(), path, described)
        for path, operations in side.raw_schema["paths"].items()
        for method, described in operations.items()
    ]


ACCOUNT_SIDE, DEVICE_SIDE = (
    calls(side) for side in (descriptions.account_side, descriptions.device_side)
)


def every(chosen):
    """Parametrise a test by the ``chosen`` calls."""
    chosen = [(method, path) for method, path, _ in chosen]
    return pytest.mark.parametrize(
        ("method", "path"), chosen, ids=[f"{method} {path}" for method, path in chosen]
    )


def needs_login(call):
    return {} not in call[2].get("security", [{}])


def takes_json(call):
    return "application/json" in call[2].get("requestBody", {}).get("content", {})


def at(path, device_id=UNKNOWN):
    """Return ``path`` with something in all its places."""
    return re.sub(r"{\w+}", UNKNOWN, path.replace("{device_id}", str(device_id)))


def says_why(response):
    """Tell whether it is a refusal that tells its reason in JSON, or in nothing where it must."""
    if response.request["PATH_INFO"] in LOGIN_PATHS:
        return response.status_code in range(400, 500) and not response.content
    return response.status_code in range(400, 500) and bool(json.loads(response.content))


@every(filter(needs_login, ACCOUNT_SIDE))
def test_a_call_of_the_account_side_needs_a_login(api, db, method, path):
    response = api.generic(method, at(path), b"{}", content_type="application/json")

    assert response.status_code == 401
    assert response.json() == {"error": "no authentication tokens found"}


def test_what_anybody_may_call_is_what_the_contract_says():
    paths = {path.removeprefix("/api/") for _, path, _ in ACCOUNT_SIDE}
    with_login = {call[1].removeprefix("/api/") for call in filter(needs_login, ACCOUNT_SIDE)}

    signing_in = {"internal-login", "validate-federated", "github-token", "validate-email"}
    lost_password = {"password-reset", "validate-token", "password-change"}
    lists = {"countries", "regions", "cities", "timezones", "voices", "memberships"}
    market = {"skills/available", "skills/{market_id}", "skills/status"}
    agreement = {"agreement/{agreement_type}"}
    assert paths - with_login == signing_in | lost_password | lists | market | agreement


@every(filter(needs_login, DEVICE_SIDE))
@pytest.mark.parametrize("header", [None, "Bearer ", "Bearer", "Basic YTpi", "Bearer x", "x"])
def test_a_call_of_the_device_side_needs_a_token(api, device, method, path, header):
    api.credentials(**({} if header is None else {"HTTP_AUTHORIZATION": header}))

    response = api.generic(method, at(path, device.pk), b"{}", content_type="application/json")

    assert response.status_code == 401
    assert response.json().keys() == {"error"}
    assert response.headers["WWW-Authenticate"] == "Bearer"


@every(call for call in DEVICE_SIDE if "{device_id}" in call[1])
def test_a_device_does_not_get_at_another_of_the_account(account, device_client, method, path):
    other = make_device(account, name="Other")

    response = device_client.generic(
        method, at(path, other.pk), b"{}", content_type="application/json"
    )

    assert response.status_code == 401
    assert response.json() == {"error": OF_ANOTHER_DEVICE}


@every(call for call in DEVICE_SIDE if needs_login(call))
def test_a_removed_device_gets_nowhere(device, device_client, method, path):
    device.delete()

    response = device_client.generic(
        method, at(path, device.pk), b"{}", content_type="application/json"
    )

    assert response.status_code == 401
    assert response.json().keys() == {"error"}


@every(filter(takes_json, ACCOUNT_SIDE + DEVICE_SIDE))
def test_a_body_that_makes_no_sense_is_refused_with_a_reason(
    device, account_client, device_client, method, path
):
    client = device_client if path.startswith("/v1/") else account_client

    responses = {
        name: client.generic(method, at(path, device.pk), body, content_type="application/json")
        for name, body in BODIES.items()
    }

    refused = {name for name, response in responses.items() if says_why(response)}
    # Where nothing is required nothing may be sent.
    assert refused | {"empty"} == set(BODIES)
    assert responses["empty"].status_code < 500
    assert responses["huge"].status_code == 413


@every(
    (method, path, described)
    for method, path, described in ACCOUNT_SIDE + DEVICE_SIDE
    # Of an event the signature is looked at, whatever type it is said to be of.
    if "requestBody" in described and not path.endswith("/stripe/webhook")
)
def test_a_body_of_another_type_is_refused_with_a_reason(
    device, account_client, device_client, method, path
):
    client = device_client if path.startswith("/v1/") else account_client

    response = client.generic(method, at(path, device.pk), b"<a/>", content_type="text/xml")

    assert response.status_code == 415
    assert says_why(response)


@every(call for call in ACCOUNT_SIDE + DEVICE_SIDE if call[0] == "GET")
def test_an_odd_query_is_answered(device, account_client, device_client, method, path):
    client = device_client if path.startswith("/v1/") else account_client

    responses = [client.get(f"{at(path, device.pk)}?{query}") for query in QUERIES]

    with_nul = 200 if path in TAKE_ANYTHING else 400
    assert {response.status_code for response in responses[:2]} == {with_nul}
    assert all(response.status_code < 500 or response.status_code == 503 for response in responses)


@every(ACCOUNT_SIDE + DEVICE_SIDE)
def test_a_method_that_is_not_offered_is_refused_and_the_others_told(
    device, account_client, device_client, method, path
):
    client = device_client if path.startswith("/v1/") else account_client

    response = client.generic("PROPFIND", at(path, device.pk))

    assert response.status_code == 405
    assert method in response.headers["Allow"].split(", ")
    assert says_why(response)
