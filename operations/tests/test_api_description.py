"""What the API's descriptions promise, held against the server with made-up requests.

schemathesis makes requests of each operation's description, right ones and wrong ones; no answer
may be a server error, or of a status, type or shape that the description does not have.
"""

import base64
import secrets
from contextlib import closing
from types import SimpleNamespace

import pytest
import requests
import schemathesis
from drf_spectacular.drainage import GENERATOR_STATS
from hypothesis import HealthCheck, Phase, assume, settings
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_schema_conformance,
    status_code_conformance,
)

from conftest import _new_live_server
from operations.tests import descriptions, stand_ins

# No 500 is described, so the first of them refuses it.
CHECKS = [
    status_code_conformance,
    content_type_conformance,
    response_schema_conformance,
]
# No limit that a test could meet, and our own broker of OAuth tokens
OURS = {"SELENE_THROTTLE_SCALE": "1000", "OAUTH_BASE_URL": ""}
BOUNDED = settings(
    max_examples=12,
    deadline=None,
    derandomize=True,  # the same requests in each run: CI tells of the change, not of luck
    database=None,
    phases=[Phase.explicit, Phase.generate],
    suppress_health_check=list(HealthCheck),
)


@schemathesis.serializer("audio/x-flac", "audio/flac")
def sound(context, value):
    """Send what was made up as it is."""
    return value if isinstance(value, bytes) else str(value).encode()


@pytest.fixture(scope="module")
def server():
    """A server that calls stand-ins of outside services."""
    with (
        stand_ins.running() as environment,
        closing(_new_live_server(**environment | OURS)) as server,
    ):
        server.start()
        yield server


@pytest.fixture(scope="module")
def owner(server):
    """Somebody who signed up, and has a device."""
    return sign_up(server)


def encoded(text):
    return base64.b64encode(text.encode()).decode()


def sign_up(server):
    email, password = f"{secrets.token_hex(8)}@selene.test", "correct horse battery"
    login = {"email": encoded(email), "password": encoded(password)}
    body = {"termsOfUse": True, "privacyPolicy": True, "login": login}
    assert requests.post(f"{server.url}/api/account", json=body, timeout=10).status_code == 200
    session = requests.Session()
    headers = {"Authorization": f"Basic {encoded(f'{email}:||:{password}')}"}
    session.get(f"{server.url}/api/internal-login", headers=headers, timeout=10)
    return SimpleNamespace(session=session, url=server.url)


def pair(owner):
    state = secrets.token_hex(16)
    code = requests.get(f"{owner.url}/v1/device/code?state={state}", timeout=10).json()
    body = {
        "name": state,
        "pairingCode": code["code"],
        "voice": "British Male",
        "wakeWord": "Hey Mycroft",
    }
    assert owner.session.post(f"{owner.url}/api/devices", json=body, timeout=10).status_code == 204
    body = {"state": state, "token": code["token"]}
    return requests.post(f"{owner.url}/v1/device/activate", json=body, timeout=10).json()


def check(case, response):
    assume(response.status_code != 414)  # a path too long to get past gunicorn
    case.validate_response(response, checks=CHECKS)


@pytest.fixture
def cookies(server):
    """The cookies of somebody whom a test may take everything from."""
    return sign_up(server).session.cookies.get_dict()


@pytest.fixture(scope="module")
def login(owner):
    """The login of a device."""
    return pair(owner)


@pytest.mark.parametrize("path", descriptions.PATHS)
def test_the_generator_understands_all_that_it_describes(path):
    GENERATOR_STATS.reset()

    descriptions.generate(path)

    assert dict(GENERATOR_STATS._warn_cache) == dict(GENERATOR_STATS._error_cache) == {}


@descriptions.account_side.parametrize()
@BOUNDED
def test_the_account_side_answers_as_described(case, server, cookies):
    check(case, case.call(base_url=server.url, cookies=cookies))


@descriptions.device_side.parametrize()
@BOUNDED
def test_the_device_side_answers_as_described(case, server, login):
    if "device_id" in (case.path_parameters or {}):
        case.path_parameters["device_id"] = login["uuid"]
    headers = {"Authorization": f"Bearer {login['accessToken']}"}

    check(case, case.call(base_url=server.url, headers=headers))
