"""What Redis knows of the versions of devices: the fast path's memory.

Under ``version:<device id>`` stands

- ``2n``: version n is committed; what was cached at ``2n`` may be answered;
- ``2n-1``: somebody is writing version n; nothing may be answered from here;
- ``?...``: a reader is reading the first version since the key was lost.

The number only grows, so whoever comes late (a slow reader, a writer overtaken by another) cannot
take it back, and a key that was lost is only filled again by a reader that asked before it read.
All keys but the contacts carry Redis's run id: what a restarted Redis loads from its disk is from
before an unknown number of writes, and is never looked at.

Redis is optional. Each function here either does its work within ``REDIS_TIMEOUT`` or raises
Unreachable; after a failure no reader asks for a second, so that a dead Redis costs almost nothing.
"""

import hashlib
import os
import threading
import time
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any, cast
from uuid import UUID

from django.conf import settings
from redis import Connection, ConnectionPool, Redis, RedisError
from redis.backoff import NoBackoff
from redis.exceptions import NoScriptError
from redis.retry import Retry

# Seconds that a committed version and what was cached at it live. It is also how long a stale tag
# could last if Redis could not be reached both before and after a commit, and the writer then died.
LIFETIME = 1_800
# Seconds that a mark of a write lives, if its writer dies or rolls back.
MARK_LIFETIME = 60
# Higher than any version, and odd: a removed device is for ever 'being written'.
RETIRED = 2**53 - 1
# Seconds in which no reader asks a Redis that has just failed.
PAUSE = 1.0
RUN_ID = "selene_run_id"  # attribute of a connection

_paused_until = 0.0
_owed: dict[UUID, int] = {}
_owed_lock = threading.Lock()


class Unreachable(Exception):
    """Redis is not configured, does not answer in time, or owes an earlier write."""


@dataclass(frozen=True)
class Script:
    """A Lua script: one round trip, atomic."""

    text: str
    sha: str = field(init=False)

    def __post_init__(self) -> None:
        object.__setattr__(
            self,
            "sha",
            hashlib.sha1(self.text.encode(), usedforsecurity=False).hexdigest(),
        )


_Answer = Any  # bytes, an integer, a list of them or None, as the command has it
_Call = tuple[Script, Sequence[str], Sequence[bytes | str | int | float]]

# KEYS: version. ARGV: number, seconds, "1" to leave a lost key lost.
_LEARN = Script(
    """
local known = redis.call('GET', KEYS[1])
if not known then
  if ARGV[3] == '1' then return 0 end
elseif (tonumber(known) or -1) >= tonumber(ARGV[1]) then
  return 0
end
redis.call('SET', KEYS[1], ARGV[1], 'EX', ARGV[2])
return 1
"""
)


def announce(versions: Iterable[tuple[UUID, int]]) -> None:
    """Tell that these versions are about to be committed; readers go to the database meanwhile.

    Done as well as can be: what Redis did not hear now it will hear from ``publish``.
    """
    calls = [_learning(device_id, 2 * number - 1, MARK_LIFETIME) for device_id, number in versions]
    try:
        _run_all(calls)
    except Unreachable:
        return


def publish(versions: Iterable[tuple[UUID, int]]) -> None:
    """Tell that these versions are committed.

    What Redis does not hear is owed to it: this process answers nothing from it until the debt is
    paid, and a thread keeps trying.
    """
    numbers = {device_id: 2 * number for device_id, number in versions}
    try:
        _run_all(
            [_learning(pk, number, LIFETIME, only_known=True) for pk, number in numbers.items()]
        )
    except Unreachable:
        _owe(numbers)


def retire(device_ids: Iterable[UUID]) -> None:
    """Tell that these devices are going: nothing is answered for them from here again."""
    # As long as anything that was cached for them can live, and a little.
    seconds = LIFETIME + MARK_LIFETIME
    numbers = dict.fromkeys(device_ids, RETIRED)
    try:
        _run_all([_learning(pk, number, seconds) for pk, number in numbers.items()])
    except Unreachable:
        _owe(numbers)


def run(script: Script, keys: Sequence[str], *arguments: bytes | str | int | float) -> _Answer:
    """Run ``script`` in one round trip.

    Raises:
        Unreachable: whether the script ran is not known.
    """
    _respect_pause()
    if _owed:
        _settle()
    return _run_all([(script, keys, arguments)])[0]


def run_command(*command: str | int) -> _Answer:
    """Run a plain command, its keys as they are, in one round trip.

    Raises:
        Unreachable: whether it ran is not known.
    """
    _respect_pause()
    with _connection() as connection:
        return _send(connection, [list(command)])[0]


def client() -> Redis:
    """Return a client with time for jobs, which may wait where a request may not."""
    return Redis.from_url(settings.REDIS_URL, socket_timeout=10, socket_connect_timeout=10)


def is_configured() -> bool:
    """Tell whether there is a Redis to keep versions in."""
    return bool(settings.REDIS_URL)


def forget_failures() -> None:
    """Ask Redis again at once (tests that replace it, and readiness checks)."""
    global _paused_until
    _paused_until = 0.0
    with _owed_lock:
        _owed.clear()


def _respect_pause() -> None:
    """Raise Unreachable if Redis has failed just now.

    Writers do not ask: one that kept quiet would leave other processes, which may reach Redis, with
    old answers.
    """
    if time.monotonic() < _paused_until:
        raise Unreachable


def _learning(device_id: UUID, number: int, seconds: int, *, only_known: bool = False) -> _Call:
    return _LEARN, [f"version:{device_id}"], [number, seconds, int(only_known)]


def _run_all(calls: Sequence[_Call]) -> list[_Answer]:
    """Run ``calls`` in one round trip (two, where Redis has not seen the script yet)."""
    with _connection() as connection:
        try:
            return _send(connection, _commands(connection, "EVALSHA", calls))
        except NoScriptError:
            return _send(connection, _commands(connection, "EVAL", calls))


def _commands(connection: Connection, command: str, calls: Sequence[_Call]) -> list[list]:
    prefix = getattr(connection, RUN_ID)
    return [
        [
            command,
            script.sha if command == "EVALSHA" else script.text,
            len(keys),
            *(f"{prefix}:{key}" for key in keys),
            *arguments,
        ]
        for script, keys, arguments in calls
    ]


@contextmanager
def _connection() -> Iterator[Connection]:
    """Lend this thread's connection; any failure meanwhile raises Unreachable, starts a pause."""
    global _paused_until
    if not settings.REDIS_URL:
        raise Unreachable
    connection = _connections.to(settings.REDIS_URL)
    try:
        connection.connect()  # which does nothing if it is
        if connection.can_read():  # nothing was asked: Redis hung up, or an answer was not read
            connection.disconnect()
            connection.connect()
        yield connection
    except (RedisError, OSError) as error:
        _paused_until = time.monotonic() + PAUSE
        connection.disconnect()
        raise Unreachable(str(error)) from error


def _send(connection: Connection, commands: list[list]) -> list[_Answer]:
    connection.send_packed_command(connection.pack_commands(commands), check_health=False)
    answers: list[_Answer] = []
    missing: NoScriptError | None = None
    for _ in commands:  # all of them, or the next request would read an answer of this one
        try:
            answers.append(connection.read_response())
        except NoScriptError as error:
            missing = error
    if missing is not None:
        raise missing
    return answers


def _owe(numbers: dict[UUID, int]) -> None:
    if not is_configured():
        return
    with _owed_lock:
        is_first = not _owed
        for device_id, number in numbers.items():
            _owed[device_id] = max(number, _owed.get(device_id, 0))
    if is_first:
        threading.Thread(target=_settle_in_time, name="version-cache", daemon=True).start()


def _settle_in_time() -> None:
    while _owed:
        time.sleep(PAUSE / 4)
        try:
            _settle()
        except Unreachable:
            continue


def _settle() -> None:
    """Tell Redis what it did not hear, or raise Unreachable."""
    with _owed_lock:
        owed = dict(_owed)
    _run_all([_learning(pk, number, LIFETIME, only_known=True) for pk, number in owed.items()])
    with _owed_lock:
        for device_id, number in owed.items():
            if _owed.get(device_id) == number:
                del _owed[device_id]


@lru_cache(maxsize=4)
def _pool(url: str) -> ConnectionPool:
    """Return what knows how to reach ``url``; connections are not taken from it, nor counted."""
    return ConnectionPool.from_url(
        url,
        socket_timeout=settings.REDIS_TIMEOUT,
        socket_connect_timeout=settings.REDIS_TIMEOUT,
        retry=Retry(NoBackoff(), 0),
        redis_connect_func=_greet,
        protocol=2,
    )


class _Connections(threading.local):
    """Each thread's own connection: a pool's locks and counts took a tenth of a poll's time."""

    url = ""
    process_id = 0

    def to(self, url: str) -> Connection:
        # A process that was forked must not talk on its parent's connection.
        if self.url != url or self.process_id != os.getpid():
            pool = _pool(url)
            self.connection = cast(Connection, pool.connection_class(**pool.connection_kwargs))
            self.url, self.process_id = url, os.getpid()
        return self.connection


_connections = _Connections()


def _greet(connection: Connection) -> None:
    """Note on a new connection which run of Redis it reached."""
    connection.on_connect()
    connection.send_command("INFO", "server")
    for line in bytes(connection.read_response()).splitlines():
        if line.startswith(b"run_id:"):
            setattr(connection, RUN_ID, line.partition(b":")[2].decode()[:16])
