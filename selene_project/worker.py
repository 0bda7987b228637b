"""gunicorn's threaded worker, made so that no client holds a thread by being slow.

gunicorn's own gives a connection to a thread, which then waits for the request for ever: as many
half-sent requests as there are threads stop the server. Here

1. the main thread collects what clients send, waiting for none of them;
2. a request goes to a thread when all of it is there, with the time at which it arrived;
3. the thread answers, and gives up on a client that does not take the answer;
4. the main thread sees the connection closed, or kept for the next request.

Asked to end, gunicorn's own stops accepting at once, and whoever has connected by then is cut off.
Here /readyz says so first, while all are served for SELENE_DRAIN_SECONDS, each on a connection that
is closed then; and whoever has connected until the very end is answered.
"""

import contextlib
import errno
import gc
import json
import re
import select
import selectors
import socket
import struct
import sys
import time
from collections.abc import Callable, Iterable
from concurrent.futures import Future
from functools import partial
from types import FrameType
from typing import Any
from urllib.parse import unquote

from gunicorn.glogging import Logger
from gunicorn.http import errors
from gunicorn.workers.gthread import STOP_KEEPALIVE_LINGER, TConn, ThreadWorker

from selene_project import settings
from selene_project.middleware import DRAIN_LIMIT, body_limit

SILENCE = 10.0  # seconds without a byte, either way, before we give up
REQUEST_LIMIT = 30.0  # seconds for all of a request
ANSWER_LIMIT = 30.0  # and for taking all of the answer
LINGER = 2.0  # for the client to read the answer and hang up before we do
HELD_LIMIT = 64 * settings.MAX_BODY_BYTES  # what all unanswered requests may take of the memory
CHUNK = 65_536
# Linux notes when data came; when we see it may be much later, while threads are busy.
SO_TIMESTAMPNS = 35
NOTES_SIZE = socket.CMSG_SPACE(struct.calcsize("ll"))

# What a client did wrong before there was a request; all others are malformed in some way.
FAULTS: dict[type[Exception], tuple[str, str]] = {
    errors.LimitRequestLine: ("414 URI Too Long", "request line is too long"),
    errors.LimitRequestHeaders: (
        "431 Request Header Fields Too Large",
        "headers are too many or too long",
    ),
    errors.ExpectationFailed: ("417 Expectation Failed", "expectation is not known"),
    errors.UnsupportedTransferCoding: ("501 Not Implemented", "transfer coding is not known"),
    errors.ParseException: ("400 Bad Request", "request is malformed"),
}
# Those are headers of an answer, not of the request.
OURS = (errors.InvalidResponseHeader, errors.InvalidResponseHeaderName, errors.ConfigurationProblem)

TARGET = re.compile(rb"[A-Z]+ ([^ ?]+)")
LENGTH = re.compile(rb"\r\ncontent-length:[ \t]*(\d{1,12})[ \t]*\r\n", re.IGNORECASE)
EXPECTATION = re.compile(rb"\r\nexpect:[ \t]*100-continue[ \t]*(?=\r\n)", re.IGNORECASE)


class QuietLogger(Logger):
    """gunicorn's, without its log of requests, whose lines cost time even if nobody sees them."""

    def access(self, *request: object) -> None:
        """Log nothing: proxies do, and ``operations.statistics`` counts."""


class ClientSocket(socket.socket):
    """A connection to a client, as its thread sees it: nothing waits without limit.

    It never blocks, whatever gunicorn sets it to several times in each request: system calls for
    nothing, since receiving does not wait here and sending does it by itself.
    """

    arrived_at = 0.0  # Unix time, of the last data received
    has_ended_early = False  # the thread wanted more of the request than there is
    _is_cut = False
    _answer_until: float | None = None

    def __init__(self, accepted: socket.socket) -> None:
        family, kind, protocol = accepted.family, accepted.type, accepted.proto
        super().__init__(family, kind, protocol, fileno=accepted.detach())
        super().setblocking(False)

    def setblocking(self, flag: bool) -> None:
        """Stay as it is."""

    def settimeout(self, value: float | None) -> None:
        """Stay as it is."""

    def hand_over(self, *, is_cut: bool) -> None:
        """Note that the request is there, for a thread to answer; cut: without its body."""
        self.has_ended_early = self._is_cut = is_cut
        self._answer_until = None

    def receive(self, size: int) -> bytes | None:
        """Return what was sent, ``b""`` at the end, None if there is nothing yet."""
        try:
            data, notes, _, _ = self.recvmsg(size, NOTES_SIZE)
        except BlockingIOError:
            return None
        self.arrived_at = next(map(_kernel_time, notes), time.time())
        return data

    def recv(self, size: int, flags: int = 0) -> bytes:
        """Return what was sent. The request is there already, so what is not will not come."""
        data = None if self._is_cut else self.receive(size)
        self.has_ended_early |= not data
        return data or b""

    def sendall(self, data: Any, flags: int = 0) -> None:  # noqa: ANN401
        """Send ``data``.

        Raises:
            BrokenPipeError: the client does not take it in time; gunicorn closes quietly then.
        """
        if self._answer_until is None:
            self._answer_until = time.monotonic() + ANSWER_LIMIT
        left = memoryview(data)
        while left:
            try:
                left = left[self.send(left) :]
            except BlockingIOError:
                patience = min(SILENCE, self._answer_until - time.monotonic())
                if patience <= 0 or not _takes_more(self, patience):
                    raise BrokenPipeError(errno.EPIPE, "client reads too slowly") from None


def _answer(status: str, error: str) -> bytes:
    """Return an answer that ends the connection."""
    body = json.dumps({"error": error})
    head = f"HTTP/1.1 {status}\r\nContent-Type: application/json\r\nConnection: close\r\n"
    return f"{head}Content-Length: {len(body)}\r\n\r\n{body}".encode()


def _takes_more(client: ClientSocket, seconds: float) -> bool:
    """Wait until something can be sent, at most so long; tell whether it can."""
    poll = select.poll()
    poll.register(client, select.POLLOUT)
    return bool(poll.poll(seconds * 1_000))


def _kernel_time(note: tuple[int, int, bytes]) -> float:
    seconds, nanoseconds = struct.unpack("ll", note[2])
    return float(seconds) + nanoseconds / 1e9


class Connection(TConn):
    """A client's connection and the part of a request that has come so far."""

    sock: ClientSocket

    def begin(self) -> None:
        """Await a request."""
        self.received = bytearray()
        self.held = 0  # how much of the memory the request takes
        self.head_size = 0  # 0: not all of the head is there
        self.body_left = 0
        self.keeps_body = True
        self.give_up_at = 0.0
        self.request_until = time.monotonic() + REQUEST_LIMIT

    def add(self, data: bytes, head_limit: int) -> bool:
        """Add what came; tell whether the request is all there, or its head is too long."""
        if self.head_size:
            return self._add_to_body(data)
        searched = max(0, len(self.received) - 3)
        self.received += data
        if not searched:
            self.received = self.received.lstrip(b"\r\n")
        end = self.received.find(b"\r\n\r\n", searched)
        if end < 0:
            return len(self.received) > head_limit
        self.head_size = end + 4
        return self._begin_body()

    def _begin_body(self) -> bool:
        head = bytes(self.received[: self.head_size])
        if length := LENGTH.search(head):
            self.body_left = int(length[1])
        begun = bytes(self.received[self.head_size :])
        path = TARGET.match(head)
        if self.body_left > body_limit(unquote(path[1].decode("latin-1")) if path else ""):
            # It will be refused; it is awaited, since a client reads the answer when it has sent.
            self.body_left = min(self.body_left, DRAIN_LIMIT)
            self.keeps_body = False
        elif self.body_left > len(begun) and EXPECTATION.search(head):
            with contextlib.suppress(OSError):
                self.sock.send(b"HTTP/1.1 100 Continue\r\n\r\n")
            head = EXPECTATION.sub(b"", head)
        self.received[:] = head
        return self._add_to_body(begun)

    def _add_to_body(self, data: bytes) -> bool:
        self.body_left -= len(data)
        if self.keeps_body:
            self.received += data
        return self.body_left <= 0


class Worker(ThreadWorker):
    """See the module."""

    wsgi: Callable[..., Iterable[bytes]]

    def __init__(self, *args: Any, **kwargs: Any) -> None:  # noqa: ANN401
        super().__init__(*args, **kwargs)
        # As gunicorn reckons; it refuses what is longer.
        self._head_limit = self.cfg.limit_request_line + self.cfg.limit_request_fields * (
            self.cfg.limit_request_field_size + 2
        )
        if sys.platform == "linux":
            for listener in self.sockets:  # whose connections inherit it
                listener.setsockopt(socket.SOL_SOCKET, SO_TIMESTAMPNS, 1)
        self._waiting: set[Connection] = set()
        self._held = 0
        self._next_look = 0.0
        self._next_notice = 0.0
        self._drains_until: float | None = None

    def load_wsgi(self) -> None:
        """Hand the application the time of arrival too."""
        super().load_wsgi()
        # Python collects garbage the more seldom the more it takes for lasting, and a request that
        # was refused is garbage of several megabytes: what is loaded now is not to count.
        gc.freeze()
        gc.collect()
        application = self.wsgi

        def stamped(environ: dict[str, Any], start_response: Callable) -> Iterable[bytes]:
            environ["selene.arrived_at"] = environ["gunicorn.socket"].arrived_at
            environ["selene.is_ending"] = self._drains_until is not None
            return application(environ, start_response)

        self.wsgi = stamped

    def notify(self) -> None:
        """Tell the master that this worker lives: each second, not with everything that happens."""
        now = time.monotonic()
        if now >= self._next_notice:
            self._next_notice = now + 1
            super().notify()

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:
        """Begin to end, on SIGTERM: see the module."""
        if self._drains_until is None:
            self._drains_until = time.monotonic() + settings.DRAIN_SECONDS
            self.max_keepalived = 0  # more connections than that are closed with their answer
            # Wake the main loop up, which ends us in ``murder_pending``.
            self._next_look = 0.0
            self.method_queue.defer(lambda: None)

    def set_accept_enabled(self, enabled: bool) -> None:
        """Accept connections or not; at the end, those who are connected already first."""
        super().set_accept_enabled(enabled)
        if self.alive:
            return
        for listener in self.sockets:
            while self.accept(listener):
                pass
            listener.close()

    def accept(self, listener: socket.socket) -> bool:
        """Take a new connection, whose request is awaited; tell whether there was one."""
        try:
            accepted, address = listener.accept()
        except OSError as error:
            if error.errno in (errno.EMFILE, errno.ENFILE):
                time.sleep(0.05)  # until others have closed
            return False
        connection = Connection(self.cfg, ClientSocket(accepted), address, listener.getsockname())
        connection.init()
        self.nr_conns += 1
        self._await_request(connection)
        return True

    def on_client_socket_readable(self, conn: Connection, client: ClientSocket) -> None:
        """Await the rest of a kept connection's next request."""
        self.poller.unregister(client)
        self.keepalived_conns.remove(conn)
        self._await_request(conn)

    def finish_request(self, conn: Connection, fs: Future[bool]) -> None:
        """Keep or close the connection of a request that was answered."""
        self._let_go(conn)
        is_well = not fs.cancelled() and not fs.exception() and fs.result()
        if not is_well or conn.sock.has_ended_early:
            self._close(conn)
        elif pending := conn.parser.unreader.take_buffered():
            self._await_request(conn, pending)
        else:
            super().finish_request(conn, fs)

    def handle_error(
        self,
        req: object,
        client: socket.socket,
        addr: object,
        exc: BaseException,
    ) -> None:
        """Answer what no application could, in JSON; gunicorn's own is a page of HTML.

        Nothing of the request is said or logged: a line that cannot be parsed has its secrets too.
        """
        status, error = "500 Internal Server Error", "internal error"
        if isinstance(exc, errors.ParseException) and not isinstance(exc, OURS):
            status, error = next(told for kind, told in FAULTS.items() if isinstance(exc, kind))
        else:
            self.log.error("a request failed in the server", exc_info=exc)
        with contextlib.suppress(OSError):
            client.sendall(_answer(status, error))

    def murder_pending(self) -> None:
        """Give up on clients that let us wait; gunicorn calls this all the time."""
        now = time.monotonic()
        if now < self._next_look:
            return
        self._next_look = now + 0.5
        if self._drains_until is not None and now >= self._drains_until:
            self.alive = False
        for connection in [one for one in self._waiting if one.give_up_at <= now]:
            if connection.received:
                self._refuse(connection, "408 Request Timeout", "request took too long")
            else:
                self._forget(connection)

    def _await_request(self, connection: Connection, data: bytes = b"") -> None:
        connection.begin()
        self._wait(connection, self._on_readable)
        self._add(connection, data)

    def _on_readable(self, connection: Connection, client: ClientSocket) -> None:
        try:
            data = client.receive(CHUNK)
        except OSError:
            data = b""
        if data == b"":
            self._forget(connection)
        else:
            self._add(connection, data or b"")

    def _add(self, connection: Connection, data: bytes) -> None:
        is_complete = connection.add(data, self._head_limit)
        self._held += len(connection.received) - connection.held
        connection.held = len(connection.received)
        silence = SILENCE if self.alive else STOP_KEEPALIVE_LINGER
        connection.give_up_at = min(time.monotonic() + silence, connection.request_until)
        if is_complete:
            self._hand_over(connection)
        elif self._held > HELD_LIMIT:
            largest = max(self._waiting, key=lambda one: len(one.received))
            self._refuse(largest, "503 Service Unavailable", "too many requests at once")

    def _hand_over(self, connection: Connection) -> None:
        self._stop_waiting(connection)
        connection.sock.hand_over(is_cut=not connection.keeps_body)
        connection.parser.unreader.unread(connection.received)
        connection.received = bytearray()
        self.enqueue_req(connection)

    def _refuse(self, connection: Connection, status: str, error: str) -> None:
        with contextlib.suppress(OSError):
            connection.sock.send(_answer(status, error))
        self._stop_waiting(connection)
        self._let_go(connection)
        self._close(connection)

    def _close(self, connection: Connection) -> None:
        """Hang up, but not before the client could read all: RFC 9112, section 9.6."""
        try:
            connection.sock.shutdown(socket.SHUT_WR)
        except OSError:
            self._forget(connection)
            return
        connection.begin()
        connection.give_up_at = time.monotonic() + LINGER
        self._wait(connection, self._discard)

    def _discard(self, connection: Connection, client: ClientSocket) -> None:
        try:
            if client.receive(CHUNK) == b"":
                self._forget(connection)
        except OSError:
            self._forget(connection)

    def _wait(
        self, connection: Connection, on_readable: Callable[[Connection, ClientSocket], None]
    ) -> None:
        self._waiting.add(connection)
        callback = partial(on_readable, connection)
        self.poller.register(connection.sock, selectors.EVENT_READ, callback)

    def _stop_waiting(self, connection: Connection) -> None:
        if connection in self._waiting:
            self._waiting.remove(connection)
            self.poller.unregister(connection.sock)

    def _let_go(self, connection: Connection) -> None:
        self._held -= connection.held
        connection.held = 0
        connection.received = bytearray()

    def _forget(self, connection: Connection) -> None:
        self._stop_waiting(connection)
        self._let_go(connection)
        self.nr_conns -= 1
        connection.close()
