"""A server that is asked to end, or started anew, while clients call."""

import http.client
import os
import signal
import socket
import subprocess
import sys
import time
from contextlib import ExitStack, closing, suppress
from functools import partial

import pytest
import requests

from operations.tests.processes import run_folder
from tools import services
from tools.faults.clients import Server
from tools.faults.load import Load
from tools.live import ROOT, LiveServer, prepared

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


def is_answered(server):
    try:
        return readyz(server) == (200, {"status": "ok"})
    except requests.Timeout:
        return False


def ask_to_end(server):
    server._process.terminate()


def test_a_server_that_drains_says_so_and_serves_everybody_meanwhile(make_live_server):
    server = make_live_server(SELENE_DRAIN_SECONDS="3", SELENE_RUN_JOBS="false")
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
    half = len(LIVEZ) // 2
    with ExitStack() as stack:
        begun = [stack.enter_context(connect(server)) for _ in range(20)]
        for connection in begun:
            connection.sendall(LIVEZ[:half])
        fresh = [stack.enter_context(connect(server)) for _ in range(100)]
        ask_to_end(server)  # before it has accepted them all
        for connection in begun:
            connection.sendall(LIVEZ[half:])
        for connection in fresh:
            connection.sendall(LIVEZ)

        answers = [read_answer(connection) for connection in begun + fresh]

    assert {status for status, _ in answers} == {200}
    assert server._ended() == 0


HAND_OVER = """
import os, sys
os.dup2(int(sys.argv[1]), 3)
os.environ |= {"LISTEN_FDS": "1", "LISTEN_PID": str(os.getpid())}
os.execv(sys.executable, [sys.executable, "manage.py", "serve"])
"""


class Systemd:
    """Holds the port and starts the server behind it, as units of type socket and service do."""

    def __init__(self, server):
        self.server = server
        self.listener = socket.create_server(("127.0.0.1", server.port), backlog=2048)

    def start(self):
        with (self.server.data_dir / "output").open("ab") as output:
            self.process = subprocess.Popen(
                [sys.executable, "-c", HAND_OVER, str(self.listener.fileno())],
                cwd=ROOT,
                env=self.server.environment,
                pass_fds=[self.listener.fileno()],
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=output,
                start_new_session=True,
            )

    def stop(self):
        self.process.terminate()
        return self.process.wait(30)

    def close(self):
        with suppress(ProcessLookupError):
            os.killpg(self.process.pid, signal.SIGKILL)
        self.process.wait()
        self.listener.close()


@pytest.mark.household
def test_a_restart_behind_systemds_socket_refuses_nobody():
    template = prepared(run_folder(), is_fleet=False)
    with (
        closing(LiveServer(run_folder(), is_fleet=False, template=template)) as server,
        closing(Systemd(server)) as systemd,
    ):
        server.environment["SELENE_RUN_JOBS"] = "false"
        systemd.start()
        is_ready = partial(is_answered, server)
        services.wait_until(is_ready, what="no server")
        load = Load([Server(server.port)], 4)
        load.start()
        time.sleep(0.5)

        status = systemd.stop()
        systemd.start()
        services.wait_until(is_ready, what="no server")

        load.stop()
        seen = load.seen()
        assert status == 0
        assert (seen.failed, seen.stale, seen.lost) == (0, 0, 0), seen
        assert seen.served > 20
