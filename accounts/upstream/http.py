"""Calling services outside: pooled connections, time limits, and never all threads at once.

Each service has a module of its own, which knows its paths and its JSON; this one knows what a call
may cost. It is in accounts because sso, devices and market call services, too.
"""

import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from functools import wraps
from typing import Concatenate, ParamSpec

import requests
from django.conf import settings
from urllib3 import exceptions as urllib3

from accounts.upstream import pool

LIMIT_BYTES = 5_000_000
CHUNK = 65_536

_session = pool.make_session()


class Unavailable(Exception):
    """A service failed, or said what makes no sense; the text names the service, and no more."""

    def __init__(self, service: str, *, timed_out: bool = False) -> None:
        super().__init__(f"{service} {'timed out' if timed_out else 'failed'}")
        self.timed_out = timed_out


class Busy(Exception):
    """As many requests wait for outside services as may; nothing was sent."""


@dataclass(frozen=True)
class Answer:
    """What a service said, whole."""

    status: int
    content: bytes
    content_type: str


class _Slots:
    """How many threads of this process wait for outside services."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._taken = 0

    def take(self) -> bool:
        with self._lock:
            if self._taken >= settings.UPSTREAM_CONCURRENCY:
                return False
            self._taken += 1
            return True

    def give_back(self) -> None:
        with self._lock:
            self._taken -= 1


_slots = _Slots()


# Functions that are told of each call: the service, the status of its answer or what a client is
# told instead, and the seconds that it took.
observers: list[Callable[[str, int, float], None]] = []


_Parameters = ParamSpec("_Parameters")


def _observed(
    call: Callable[Concatenate[str, _Parameters], Answer],
) -> Callable[Concatenate[str, _Parameters], Answer]:
    @wraps(call)
    def observed(service: str, *args: _Parameters.args, **kwargs: _Parameters.kwargs) -> Answer:
        begun, status = time.monotonic(), 502
        try:
            answer = call(service, *args, **kwargs)
            status = answer.status
        except Busy:
            status = 429
            raise
        except Unavailable as error:
            status = 504 if error.timed_out else 502
            raise
        finally:
            for tell in observers:
                tell(service, status, time.monotonic() - begun)
        return answer

    return observed


@contextmanager
def slot() -> Iterator[None]:
    """Hold one of the places for requests that wait for outside services.

    ``call`` does it itself; this is for libraries that make their calls themselves.

    Raises:
        Busy: all are taken; a service that is dead must not hold the threads that answer polls.
    """
    if not _slots.take():
        raise Busy
    try:
        yield
    finally:
        _slots.give_back()


@_observed
def call(
    service: str,
    method: str,
    url: str,
    *,
    params: Mapping[str, str] | list[tuple[str, str]] | None = None,
    json: object = None,
    data: Mapping[str, str] | bytes | None = None,
    headers: Mapping[str, str] | None = None,
    auth: tuple[str, str] | None = None,
    files: Mapping[str, tuple[str, bytes, str]] | None = None,
    limit_bytes: int = LIMIT_BYTES,
) -> Answer:
    """Ask ``service`` (its name, for the error) and return its answer, whatever its status.

    A redirect is an answer, too: following it could take our key to another host. The whole answer
    must be there within ``UPSTREAM_READ_SECONDS``.

    Raises:
        Busy: too many requests wait for services already.
        Unavailable: no connection, no answer in time, or one of more than ``limit_bytes``.
    """
    request = requests.Request(
        method,
        url,
        params=params,
        json=json,
        data=data,
        headers=headers,
        auth=auth,
        files=files,
    )
    with slot(), pool.Deadline(settings.UPSTREAM_READ_SECONDS) as deadline:
        try:
            with _send(request, deadline) as response:
                content = _read(response, limit_bytes)
                content_type = response.headers.get("Content-Type", "")
        except (requests.Timeout, urllib3.TimeoutError) as error:
            raise Unavailable(service, timed_out=True) from error
        except (requests.RequestException, urllib3.HTTPError, _TooLarge) as error:
            raise Unavailable(service, timed_out=deadline.is_over()) from error
        if deadline.is_over():  # an answer without a length may look whole though it was cut
            raise Unavailable(service, timed_out=True)
    return Answer(response.status_code, content, content_type)


class _TooLarge(Exception):
    """The answer has more bytes than may be."""


def _send(request: requests.Request, deadline: pool.Deadline) -> requests.Response:
    """Send ``request``; a GET once more if the connection that was kept is closed just now."""
    prepared = _session.prepare_request(request)
    try:
        return _send_once(prepared)
    except requests.ConnectionError as error:
        if request.method != "GET" or deadline.is_over() or not _was_reset(error):
            raise
        return _send_once(prepared)


def _send_once(prepared: requests.PreparedRequest) -> requests.Response:
    return _session.send(
        prepared,
        timeout=(settings.UPSTREAM_CONNECT_SECONDS, settings.UPSTREAM_READ_SECONDS),
        allow_redirects=False,
        stream=True,
    )


def _was_reset(error: requests.ConnectionError) -> bool:
    cause = error.args[0] if error.args else None
    return isinstance(cause, urllib3.ProtocolError) and isinstance(cause.args[-1], ConnectionError)


def _read(response: requests.Response, limit: int) -> bytes:
    content = bytearray()
    # What has come, not a whole chunk: one of a service that drips would be an hour in coming.
    while chunk := response.raw.read1(CHUNK, decode_content=True):
        content += chunk
        if len(content) > limit:
            raise _TooLarge
    return bytes(content)
