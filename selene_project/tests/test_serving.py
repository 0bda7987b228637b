"""The project as it runs: a process, on a socket."""

import http.client
import json
import socket
from urllib.parse import urlsplit

import pytest
import requests


def post_slowly(url, head, body):
    """Send a POST byte by byte as given; return the status and the JSON of the answer."""
    host = urlsplit(url)
    with socket.create_connection((host.hostname, host.port), timeout=10) as connection:
        connection.sendall(b"POST /api/nothing HTTP/1.1\r\nHost: selene.home\r\n" + head + b"\r\n")
        connection.sendall(body)
        response = http.client.HTTPResponse(connection)
        response.begin()
        return response.status, json.loads(response.read())


@pytest.mark.parametrize("size", [1_000_001, 2_000_000])
def test_a_client_that_sent_too_much_can_read_why(running_server, size):
    response = requests.post(f"{running_server.url}/api/nothing", data=b"a" * size, timeout=10)

    assert response.status_code == 413
    assert response.json() == {"error": "request body too large"}


def test_a_body_in_chunks_is_refused_however_long(running_server):
    status, answer = post_slowly(
        running_server.url,
        b"Content-Type: application/json\r\nTransfer-Encoding: chunked\r\n",
        b"2\r\n{}\r\n0\r\n\r\n",
    )

    assert (status, answer) == (411, {"error": "Content-Length is required"})


def test_a_body_longer_than_said_is_cut_where_it_was_said_to_end(running_server):
    status, answer = post_slowly(
        running_server.url, b"Content-Length: 2\r\nConnection: close\r\n", b"a" * 500_000
    )

    assert (status, answer) == (404, {"error": "not found"})


@pytest.mark.parametrize("path", ["/api/nothing", "/nothing"])
def test_an_unknown_path_is_404_json(running_server, path):
    response = requests.get(running_server.url + path, timeout=10)

    assert response.status_code == 404
    assert response.json() == {"error": "not found"}


def test_a_server_that_was_killed_starts_again_on_what_it_had(live_server_process):
    accounts = live_server_process.manage("shell", "-c", COUNT_ACCOUNTS)
    live_server_process.kill()

    live_server_process.start()

    assert requests.get(f"{live_server_process.url}/readyz", timeout=10).status_code == 200
    assert live_server_process.manage("shell", "-c", COUNT_ACCOUNTS) == accounts
    assert live_server_process.output().count("owner@selene.home") == 1


@pytest.mark.parametrize("end", ["interrupt", "terminate"])
def test_a_server_that_is_asked_to_end_ends_well(live_server_process, end):
    status = getattr(live_server_process, end)()

    assert status == 0
    assert "Traceback" not in live_server_process.output()
    with pytest.raises(requests.ConnectionError):
        requests.get(live_server_process.url, timeout=10)


COUNT_ACCOUNTS = "from accounts.models import Account; print(Account.objects.count())"
