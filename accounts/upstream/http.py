"""Calling services outside: pooled connections, time limits, and never all threads at once.

Each service has a module of its own, which knows its paths and its JSON; this one knows what a call
may cost. It is in accounts because sso, devices and market call services, too.
"""

import threading
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass

import requests
from django.conf import settings
from urllib3 import exceptions as urllib3

LIMIT_BYTES = 5_000_000
CHUNK = 65_536

_session = requests.Session()
_session.trust_env = False  # no .netrc: its passwords are not for these services
_session.mount("https://", requests.adapters.HTTPAdapter(pool_maxsize=32))
_session.mount("http://", requests.adapters.HTTPAdapter(pool_maxsize=32))


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
    seconds = (settings.UPSTREAM_CONNECT_SECONDS, settings.UPSTREAM_READ_SECONDS)
    deadline = time.monotonic() + settings.UPSTREAM_READ_SECONDS
    try:
        with (
            slot(),
            _session.request(
                method,
                url,
                params=params,
                json=json,
                data=data,
                headers=headers,
                auth=auth,
                files=files,
                timeout=seconds,
                allow_redirects=False,
                stream=True,
            ) as response,
        ):
            content = _read(service, response, deadline, limit_bytes)
            content_type = response.headers.get("Content-Type", "")
            return Answer(response.status_code, content, content_type)
    except (requests.Timeout, urllib3.TimeoutError) as error:
        raise Unavailable(service, timed_out=True) from error
    except (requests.RequestException, urllib3.HTTPError) as error:
        raise Unavailable(service) from error


def _read(service: str, response: requests.Response, deadline: float, limit: int) -> bytes:
    content = bytearray()
    # What has come, not a whole chunk: a service that sends a byte now and then would fill it for
    # ever without meeting the limit on a single read.
    while chunk := response.raw.read1(CHUNK, decode_content=True):
        content += chunk
        if len(content) > limit:
            raise Unavailable(service)
        if time.monotonic() > deadline:
            raise Unavailable(service, timed_out=True)
    return bytes(content)
