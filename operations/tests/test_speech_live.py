"""Speech on a real server: what it costs the others, and what real clients make of it."""

import http.client
import json
import os
import socket
import statistics
import time
from contextlib import ExitStack, suppress
from pathlib import Path

import pytest

from devices.tests.sounds import as_file, noise, silence
from operations.tests.test_dead_upstream import pair, poll

pytestmark = pytest.mark.household  # engines know nothing of a database

AT_ONCE = 2
SENT = 22


@pytest.fixture
def server(make_live_server):
    return make_live_server(
        SELENE_STT_CONCURRENCY=str(AT_ONCE), SELENE_THREADS="8", SELENE_THROTTLE_SCALE="100"
    )


def say(stack, server, content, token="0" * 128):
    """Send a sound and return the connection, not waiting for the answer."""
    connection = socket.create_connection(("127.0.0.1", server.port), timeout=60)
    stack.enter_context(connection)
    head = (
        "POST /v1/stt?lang=en-US&limit=1 HTTP/1.1\r\nHost: x\r\nContent-Type: audio/x-flac\r\n"
        f"Authorization: Bearer {token}\r\nContent-Length: {len(content)}\r\n"
        "Connection: close\r\n\r\n"
    )
    with suppress(ConnectionError, TimeoutError):  # refused before all of it was sent
        connection.sendall(head.encode() + content)
    return connection


def answers_of(connections):
    """Return the status and the JSON of each answer; of those that were cut off, nothing."""
    answers = []
    for connection in connections:
        with suppress(ConnectionError, http.client.HTTPException):
            response = http.client.HTTPResponse(connection)
            response.begin()
            answers.append((response.status, json.loads(response.read())))
    return answers


def processes(server):
    """Return the process ids of the server's speech engines, also when it is gone itself."""
    mark = f"SELENE_DATA_DIR={server.data_dir}\0".encode()
    found = []
    for process in Path("/proc").glob("[0-9]*"):
        with suppress(OSError):
            is_engine = b"devices.stt.process" in (process / "cmdline").read_bytes()
            if is_engine and mark in (process / "environ").read_bytes():
                found.append(int(process.name))
    return found


def peak_megabytes(server):
    """Return the most memory that any process of the server has had."""
    peaks = [0]
    for process in Path("/proc").glob("[0-9]*"):
        with suppress(OSError, ProcessLookupError, IndexError):
            if os.getsid(int(process.name)) == server.process_id:
                status = (process / "status").read_text()
                peaks.append(int(status.split("VmHWM:")[1].split()[0]) / 1_000)
    return max(peaks)


def test_polls_are_answered_while_speech_is_worked_on(server):
    device_id, token = pair(server)
    poll(server, device_id, token)  # the first of a process is slower
    sound = as_file(noise(2))

    with ExitStack() as stack:
        waiting = [say(stack, server, sound, token) for _ in range(SENT)]
        polls = [poll(server, device_id, token) for _ in range(20)]
        answers = answers_of(waiting)

    assert {answer.status_code for answer, _ in polls} == {200}
    assert statistics.median(seconds for _, seconds in polls) < 1
    assert max(seconds for _, seconds in polls) < 5
    statuses = [status for status, _ in answers]
    workers = 1 if server.redis is None else 2
    assert len(statuses) == SENT
    assert set(statuses) <= {200, 429, 504}  # 504 on a machine that is busy otherwise
    assert SENT - 2 * AT_ONCE * workers <= statuses.count(429) <= SENT - AT_ONCE
    assert len(processes(server)) <= AT_ONCE * workers


@pytest.mark.parametrize("end", ["kill", "interrupt"])
def test_engines_end_with_their_server(server, end):
    _, token = pair(server)
    with ExitStack() as stack:
        answers = answers_of([say(stack, server, as_file(silence(0.2)), token)])
    assert answers == [(200, [None])]
    assert processes(server)

    getattr(server, end)()

    deadline = time.monotonic() + 10
    while processes(server) and time.monotonic() < deadline:
        time.sleep(0.05)
    assert processes(server) == []
    assert "Traceback" not in server.output()


def test_nobody_fills_the_memory_with_sounds(server):
    device_id, token = pair(server)
    before = peak_megabytes(server)

    with ExitStack() as stack:
        flood = [say(stack, server, bytes(3_900_000)) for _ in range(100)]
        answer, seconds = poll(server, device_id, token)
        answers = answers_of(flood)

    assert answer.status_code == 200
    assert seconds < 5
    assert {status for status, _ in answers} <= {401, 503}
    assert peak_megabytes(server) - before < 250


def test_a_sound_that_is_too_large_is_told_so(running_server):
    with ExitStack() as stack:
        answers = answers_of([say(stack, running_server, bytes(4_000_001))])

    assert answers == [(413, {"error": "request body too large"})]
