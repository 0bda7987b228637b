"""The connections to outside services: kept, shared by all threads, cut when time is up.

A limit on each read alone is none: a service that sends a byte of its headers now and then never
meets it. So a call has a deadline, and its connection is shut when that is over, wherever in the
answer it is.
"""

import contextlib
import socket
import threading
import time
from http.cookiejar import DefaultCookiePolicy
from typing import Any

import requests
from django.conf import settings
from requests.adapters import HTTPAdapter
from urllib3 import connection, connectionpool


class Deadline:
    """When the call of this thread must be over; a context manager around it."""

    def __init__(self, seconds: float) -> None:
        self._ends_at = time.monotonic() + seconds
        self._lock = threading.Lock()
        self._socket: socket.socket | None = None
        self._timer = threading.Timer(seconds, self._cut)
        self._timer.daemon = True

    def __enter__(self) -> "Deadline":
        _current.deadline = self
        self._timer.start()
        return self

    def __exit__(self, *error: object) -> None:
        self._timer.cancel()
        _current.deadline = None
        with self._lock:  # the connection may serve another call by now
            self._socket = None

    def is_over(self) -> bool:
        return time.monotonic() >= self._ends_at

    def watch(self, answering: socket.socket) -> None:
        """Cut ``answering`` if it has not answered by the end."""
        with self._lock:
            self._socket = answering
        if self.is_over():
            self._cut()

    def _cut(self) -> None:
        with self._lock, contextlib.suppress(OSError):
            if self._socket is not None:
                # Of the socket itself: its TLS is not ours to end while another thread reads.
                socket.socket.shutdown(self._socket, socket.SHUT_RDWR)


class _Current(threading.local):
    deadline: Deadline | None = None


_current = _Current()


def make_session() -> requests.Session:
    """Return a session for all threads: nothing of one call stays in it for the next."""
    session = requests.Session()
    session.trust_env = False  # no .netrc: its passwords are not for these services
    session.cookies.set_policy(DefaultCookiePolicy(allowed_domains=[]))
    for scheme in ("https://", "http://"):
        session.mount(scheme, _Adapter(pool_maxsize=32))
    return session


class _Watched:
    """A connection whose answer the deadline of the call waits for."""

    sock: Any

    def connect(self) -> None:
        super().connect()  # type: ignore[misc]
        # The limit for connecting would be that for sending, too: a recording may take longer.
        self.sock.settimeout(settings.UPSTREAM_READ_SECONDS)

    def getresponse(self) -> Any:  # noqa: ANN401 - as the class of urllib3 that this is mixed into
        if _current.deadline is not None:
            _current.deadline.watch(self.sock)
        return super().getresponse()  # type: ignore[misc]


class _HTTPConnection(_Watched, connection.HTTPConnection):
    pass


class _HTTPSConnection(_Watched, connection.HTTPSConnection):
    pass


class _HTTPPool(connectionpool.HTTPConnectionPool):
    ConnectionCls = _HTTPConnection


class _HTTPSPool(connectionpool.HTTPSConnectionPool):
    ConnectionCls = _HTTPSConnection


class _Adapter(HTTPAdapter):
    def init_poolmanager(
        self, connections: int, maxsize: int, block: bool = False, **options: object
    ) -> None:
        super().init_poolmanager(connections, maxsize, block, **options)
        self.poolmanager.pool_classes_by_scheme = {"http": _HTTPPool, "https": _HTTPSPool}
