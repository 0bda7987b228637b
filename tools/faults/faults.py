"""What is broken, how it is mended, and what a load saw of it.

Each fault breaks a server that is under load, waits, mends it, and waits until all is normal.
"""

import os
import resource
import signal
import socket
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass

from tools.bench import processes
from tools.faults.clients import Server
from tools.faults.load import Load, Seen
from tools.live import LiveServer
from tools.services import PostgreSQL

RECOVERY_LIMIT = 60.0  # seconds
DRIPS = 40  # connections that send a byte a second


@dataclass
class Rig:
    """A server and what it depends on, as far as there is that."""

    server: LiveServer
    postgresql: PostgreSQL | None = None


@dataclass(frozen=True)
class Fault:
    """A function that breaks something, yields, and mends it.

    One that does not last is over at once, and mended by the server itself.
    """

    inflict: Callable[[Rig], Iterator[None]]
    lasts: bool = True


def _redis_killed(rig: Rig) -> Iterator[None]:
    redis = rig.server.redis
    assert redis is not None
    redis.stop()
    yield
    redis.start()


def _redis_hung(rig: Rig) -> Iterator[None]:
    redis = rig.server.redis
    assert redis is not None
    redis.hang()
    yield
    redis.wake()


def _redis_flushed(rig: Rig) -> Iterator[None]:
    redis = rig.server.redis
    assert redis is not None
    redis.flush()
    yield


def _postgresql_restarted(rig: Rig) -> Iterator[None]:
    assert rig.postgresql is not None
    rig.postgresql.stop()
    yield
    rig.postgresql.start()


def _worker_killed(rig: Rig) -> Iterator[None]:
    os.kill(min(_workers(rig.server)), signal.SIGKILL)
    yield


def _disk_full(rig: Rig) -> Iterator[None]:
    """Let no file of the server's grow: the disk is full for whoever writes."""
    everybody = processes.family(rig.server.process_id)
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    for process in everybody:
        resource.prlimit(process, resource.RLIMIT_FSIZE, (0, before[1]))
    yield
    for process in everybody:
        with suppress(ProcessLookupError):
            resource.prlimit(process, resource.RLIMIT_FSIZE, before)


def _slow_clients(rig: Rig) -> Iterator[None]:
    """Send a byte a second on more connections than there are threads."""
    with ExitStack() as stack:
        for _ in range(DRIPS):
            address = ("127.0.0.1", rig.server.port)
            drip = stack.enter_context(socket.create_connection(address, timeout=10))
            drip.sendall(b"POST /v1/device/activate HTTP/1.1\r\nHost: x\r\nContent-Le")
        yield


_OF_BOTH = {
    "a worker killed": Fault(_worker_killed, lasts=False),
    "clients that send a byte a second": Fault(_slow_clients),
}
HOUSEHOLD = _OF_BOTH | {"the disk full": Fault(_disk_full)}
FLEET = _OF_BOTH | {
    "Redis killed, and started empty": Fault(_redis_killed),
    "Redis hung": Fault(_redis_hung),
    "Redis flushed": Fault(_redis_flushed, lasts=False),
    "PostgreSQL killed, and started": Fault(_postgresql_restarted),
}


def inflict(rig: Rig, fault: Fault, *, households: int, seconds: float) -> Seen:
    """Let ``fault`` last ``seconds`` under load; return what was seen once all is normal again."""
    load = Load([Server(rig.server.port)], households)
    load.start()
    time.sleep(min(seconds, 1.0))
    with contextmanager(fault.inflict)(rig):
        time.sleep(seconds if fault.lasts else 0)
    mended_at = time.monotonic()
    time.sleep(0 if fault.lasts else seconds)
    normal_after = load.wait_until_normal(mended_at, RECOVERY_LIMIT)
    load.stop()
    return load.seen(normal_after)


def _workers(server: LiveServer) -> set[int]:
    """Return the web server's processes without their master and without the jobs."""
    workers = set()
    for process in processes.family(server.process_id) - {server.process_id}:
        with suppress(OSError), open(f"/proc/{process}/cmdline") as file:
            if "gunicorn" in file.read():
                workers.add(process)
    return workers
