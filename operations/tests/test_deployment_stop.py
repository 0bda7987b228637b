"""A server that is asked to end, or started anew, while clients call."""

import http.client
import socket
import time
from contextlib import closing

import requests

from tools import services

LIVEZ = b"GET /livez HTTP/1.1\r\nHost: x\r\n\r\n"


def connect(server):
    return socket.create_connection(("127.0.0.1", server.port), timeout=10)


def read_answer(connection):
    """Return the status and whether the connection is closed."""
    response = http.client.HTTPResponse(connection)
    response.begin()
    response.read()
    return response.status, response.will_close


def readyz(server):
    """Return status and body; None when nobody listens."""
    try:
        response = requests.get(f"{server.url}/readyz", timeout=5)
    except requests.ConnectionError:
        return None
    return response.status_code, response.json()


def ask_to_end(server):
    server._process.terminate()


def test_a_server_that_drains_says_so_and_serves_everybody_meanwhile(make_live_server):
    server = make_live_server(SELENE_DRAIN_SECONDS="1.5", SELENE_RUN_JOBS="false")
    with closing(connect(server)) as kept:
        kept.sendall(LIVEZ)
        before = read_answer(kept)

        ask_to_end(server)
        services.wait_until(lambda: readyz(server) != (200, {"status": "ok"}), what="ready")
        draining = readyz(server)
        kept.sendall(LIVEZ)

        assert before == (200, False)
        assert draining == (503, {"status": "ending"})
        assert read_answer(kept) == (200, True)
        assert server._ended() == 0
        assert readyz(server) is None


def test_whoever_is_connected_when_the_server_is_asked_to_end_is_answered(make_live_server):
    server = make_live_server(SELENE_RUN_JOBS="false")
    connections = [connect(server) for _ in range(40)]
    for connection in connections[:20]:
        connection.sendall(LIVEZ[:20])
    time.sleep(0.2)  # for them to be accepted

    ask_to_end(server)
    connections += [connect(server) for _ in range(20)]
    time.sleep(0.3)
    statuses = []
    for number, connection in enumerate(connections):
        connection.sendall(LIVEZ[20:] if number < 20 else LIVEZ)
        statuses.append(read_answer(connection)[0])
        connection.close()

    assert statuses == [200] * 60
    assert server._ended() == 0
