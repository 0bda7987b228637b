"""A service that never answers, many devices that wait for it, and the polls of all the others."""

import base64
import select
import socket
import statistics
import time
from contextlib import ExitStack, closing

import pytest
import requests

from tools.bad_upstreams import BadUpstream

WAITING = 50
PLACE = {
    "country": "United States",
    "region": "Missouri",
    "city": "Kansas City",
    "timezone": "America/Chicago",
}


@pytest.fixture
def dead_service():
    with closing(BadUpstream("slow")) as service:
        yield service


@pytest.fixture
def server(make_live_server, dead_service):
    return make_live_server(
        OWM_KEY="key",
        OWM_URL=dead_service.url,
        WOLFRAM_ALPHA_KEY="key",
        WOLFRAM_ALPHA_URL=dead_service.url,
        SELENE_THREADS="8",
    )


def encode(text):
    return base64.b64encode(text.encode()).decode()


def pair(server):
    """Return the id and the access token of a new device."""
    login = {"email": encode("someone@example.com"), "password": encode("Tricky-Horse-77")}
    account = {"termsOfUse": True, "privacyPolicy": True, "login": login}
    session = requests.get(f"{server.url}/v1/device/code?state=s", timeout=20).json()
    body = PLACE | {
        "name": "Kitchen",
        "pairingCode": session["code"],
        "voice": "American Male",
        "wakeWord": "Hey Mycroft",
    }
    with requests.Session() as owner:
        owner.post(f"{server.url}/api/account", json=account, timeout=20).raise_for_status()
        basic = {"Authorization": f"Basic {encode('someone@example.com:||:Tricky-Horse-77')}"}
        owner.get(f"{server.url}/api/internal-login", headers=basic, timeout=20)
        owner.post(f"{server.url}/api/devices", json=body, timeout=20).raise_for_status()
    activation = {"state": "s", "token": session["token"]}
    answer = requests.post(f"{server.url}/v1/device/activate", json=activation, timeout=20).json()
    return answer["uuid"], answer["accessToken"]


def ask(stack, server, token, path):
    """Send a request and return its connection, not waiting for the answer."""
    connection = socket.create_connection(("127.0.0.1", server.port), timeout=20)
    head = f"GET {path} HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {token}\r\n"
    connection.sendall(f"{head}Connection: close\r\n\r\n".encode())
    return stack.enter_context(connection)


def read_answered(connections, seconds):
    """Return the answers that came within ``seconds`` of the last one."""
    waiting, answers = set(connections), []
    while answered := select.select(list(waiting), [], [], seconds)[0]:
        for connection in answered:
            answers.append(connection.makefile("rb").read().decode())
            waiting.discard(connection)
    return answers


def poll(server, device_id, token):
    """Ask what a device asks each minute; return the answer and the seconds it took."""
    url = f"{server.url}/v1/device/{device_id}/setting"
    begun = time.monotonic()
    answer = requests.get(url, headers={"Authorization": f"Bearer {token}"}, timeout=20)
    return answer, time.monotonic() - begun


def test_polls_are_answered_while_many_requests_wait_for_a_dead_service(server, dead_service):
    device_id, token = pair(server)
    poll(server, device_id, token)  # the first of a process is slower

    with ExitStack() as stack:
        paths = ["/v1/owm/weather?q=", "/v1/wolframAlphaSpoken?i="]
        waiting = [
            ask(stack, server, token, f"{paths[number % 2]}{number}") for number in range(WAITING)
        ]
        polls = [poll(server, device_id, token) for _ in range(20)]
        refused = read_answered(waiting, seconds=1)

    assert {answer.status_code for answer, _ in polls} == {200}
    assert statistics.median(seconds for _, seconds in polls) < 1
    assert max(seconds for _, seconds in polls) < 5  # and not 15, as those that wait
    assert {answer.split()[1] for answer in refused} == {"429"}
    assert all("\r\nretry-after: 1\r\n" in answer.lower() for answer in refused)
    # Half the threads of each process wait, the others answer.
    processes = 1 if server.redis is None else 2
    assert dead_service.requests == WAITING - len(refused)
    assert 4 <= dead_service.requests <= 4 * processes
