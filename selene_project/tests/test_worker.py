"""Clients that send or read slowly, on a socket of the real server."""

import http.client
import json
import re
import socket
import time
from contextlib import ExitStack, suppress

import pytest
import requests

pytestmark = pytest.mark.household  # sockets are the same in both shapes

THREADS = 16
HALF_SENT = [
    b"",
    b"GET /livez HTTP/1.1\r\nHost: x\r\n",
    b"POST /api/x HTTP/1.1\r\nHost: x\r\nContent-Length: 500\r\n\r\na",
    b"POST /api/x HTTP/1.1\r\nHost: x\r\nContent-Length: 2000000\r\n\r\na",
    b"POST /api/x HTTP/1.1\r\nHost: x\r\nContent-Length: 500\r\nExpect: 100-continue\r\n\r\n",
    b"POST /api/x HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n5\r\na",
    b"GET /livez HTTP/1.0\r\n\r\n",
    b"\r\n\r\n",
]


@pytest.fixture
def connect(running_server):
    """Return a function that opens a connection and sends what it is given."""
    with ExitStack() as connections:

        def connect(data=b""):
            address = ("127.0.0.1", running_server.port)
            connection = connections.enter_context(socket.create_connection(address, timeout=40))
            connection.sendall(data)
            return connection

        yield connect


def read_answer(connection):
    """Return the status and the body of the answer."""
    response = http.client.HTTPResponse(connection)
    response.begin()
    return response.status, response.read()


def seconds_until_closed(connection):
    begin = time.monotonic()
    with suppress(ConnectionResetError):
        while connection.recv(65_536):
            pass
    return time.monotonic() - begin


@pytest.mark.parametrize("data", HALF_SENT)
def test_half_sent_requests_hold_nobody_up(running_server, connect, data):
    for _ in range(3 * THREADS):
        connect(data)

    begin = time.monotonic()
    for _ in range(20):
        assert requests.get(f"{running_server.url}/livez", timeout=5).status_code == 200

    assert time.monotonic() - begin < 2
    assert "Traceback" not in running_server.output()


def test_a_client_that_stops_in_the_middle_is_told_after_ten_seconds(connect):
    connections = [connect(data) for data in HALF_SENT[1:4]]

    begin = time.monotonic()
    for connection in connections:
        status, body = read_answer(connection)

        assert (status, json.loads(body)) == (408, {"error": "request took too long"})
        assert 9 < time.monotonic() - begin < 13
        assert seconds_until_closed(connection) < 1


@pytest.mark.household  # half a minute of waiting, and no database in it
def test_a_client_that_sends_a_byte_a_second_is_told_after_thirty_seconds(connect):
    connection = connect(b"POST /api/nothing HTTP/1.1\r\nHost: x\r\nContent-Length: 500\r\n\r\n")
    connection.settimeout(1)

    begin = time.monotonic()
    while time.monotonic() - begin < 40:
        connection.sendall(b"a")
        with suppress(TimeoutError):
            status, body = read_answer(connection)
            break

    assert (status, json.loads(body)) == (408, {"error": "request took too long"})
    assert 29 < time.monotonic() - begin < 33


def test_a_slow_device_is_served(connect):
    connection = connect(b"POST /api/nothing HTTP/1.1\r\nHost: x\r\nConte")
    for part in (b"nt-Length: 4\r\n\r\n", b"nu", b"ll"):
        time.sleep(2)
        connection.sendall(part)

    status, body = read_answer(connection)

    assert (status, json.loads(body)) == (404, {"error": "not found"})


def test_requests_sent_in_one_go_are_answered_in_turn(connect):
    head = b"POST /api/%d HTTP/1.1\r\nHost: x\r\nContent-Length: 3\r\n\r\nabc"
    livez = b"GET /livez HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n"
    connection = connect(head % 1 + head % 2 + livez)

    with connection.makefile("rb") as answers:
        statuses = re.findall(rb"HTTP/1.1 (\d+)", answers.read())

    assert statuses == [b"404", b"404", b"200"]


def test_a_client_that_asks_before_it_sends_is_told_to_go_on(connect):
    connection = connect(HALF_SENT[4])

    assert connection.recv(100) == b"HTTP/1.1 100 Continue\r\n\r\n"
    connection.sendall(b"a" * 500)
    assert read_answer(connection)[0] == 404


def test_a_connection_is_kept_for_the_next_request(connect):
    connection = connect()

    for _ in range(3):
        connection.sendall(b"GET /livez HTTP/1.1\r\nHost: x\r\n\r\n")

        assert read_answer(connection)[0] == 200


def test_idle_connections_cost_no_thread(running_server, connect):
    for _ in range(3 * THREADS):
        read_answer(connect(b"GET /livez HTTP/1.1\r\nHost: x\r\n\r\n"))

    begin = time.monotonic()
    answer = requests.get(f"{running_server.url}/livez", timeout=5)

    assert answer.status_code == 200
    assert time.monotonic() - begin < 1


def test_clients_that_do_not_read_hold_a_thread_for_ten_seconds_at_most(running_server, connect):
    get = b"GET /static/drf_spectacular_sidecar/swagger-ui-dist/swagger-ui-bundle.js HTTP/1.1\r\n"
    for _ in range(3 * THREADS):
        connect(get + b"Host: x\r\n\r\n")

    begin = time.monotonic()
    assert requests.get(f"{running_server.url}/livez", timeout=60).status_code == 200
    assert time.monotonic() - begin < 35


MALFORMED = "request is malformed"
TOO_LARGE = "headers are too many or too long"
END = b" HTTP/1.1\r\nHost: x\r\n\r\n"


@pytest.mark.parametrize(
    ("data", "status", "error"),
    [
        ("GET /v1/\u00e9?token=s3cr3t".encode() + END, 400, MALFORMED),
        (b"G\xc3\x89T /livez" + END, 400, MALFORMED),
        (b"GET /v1/a\x00b" + END, 400, MALFORMED),
        (b"hello\r\n\r\n", 400, MALFORMED),
        (b"GET /livez HTTP/9.9\r\n\r\n", 400, MALFORMED),
        (b"GET /livez HTTP/1.1\r\nno colon s3cr3t\r\n\r\n", 400, MALFORMED),
        (b"GET /livez HTTP/1.1\r\nContent-Length: -1\r\n\r\n", 400, MALFORMED),
        (
            b"GET /livez HTTP/1.1\r\nTransfer-Encoding: x\r\n\r\n",
            501,
            "transfer coding is not known",
        ),
        (b"GET /livez HTTP/1.1\r\nExpect: tea\r\n\r\n", 417, "expectation is not known"),
        (b"GET /" + b"a" * 8_190 + END, 414, "request line is too long"),
        (b"GET /livez HTTP/1.1\r\n" + b"a: b\r\n" * 65 + b"\r\n", 431, TOO_LARGE),
        (b"GET /livez HTTP/1.1\r\na: " + b"b" * 8_200 + b"\r\n\r\n", 431, TOO_LARGE),
        (b"GET /livez HTTP/1.1\r\n" + b"a: b\r\n" * 100_000, 431, TOO_LARGE),  # without an end
    ],
)
def test_what_is_no_request_is_refused_in_json_and_not_logged(
    running_server, connect, data, status, error
):
    connection = connect(data)
    response = http.client.HTTPResponse(connection)

    response.begin()

    assert response.status == status
    assert response.headers["Content-Type"] == "application/json"
    assert response.headers["Connection"] == "close"
    assert json.loads(response.read()) == {"error": error}
    assert seconds_until_closed(connection) < 1
    assert "s3cr3t" not in running_server.output()
