"""Services as they are on a bad day: real servers on loopback, each wrong in one way."""

import contextlib
import socket
import threading

KINDS = ("dead", "slow", "dripping", "garbled", "huge", "redirecting", "cut")
# What an answer of each kind becomes here: the status that a device is told
STATUSES = dict.fromkeys(KINDS, 502) | {"slow": 504, "dripping": 504}
HEAD = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n"
CHUNK = b" " * 65_536


class BadUpstream:
    """A server that does with every request what its ``kind`` says.

    ``dead`` refuses the connection, ``slow`` never answers, ``dripping`` answers a byte at a time,
    ``garbled`` speaks no HTTP, ``huge`` never ends its body, ``redirecting`` sends one elsewhere,
    ``cut`` closes in the middle of the body.
    """

    def __init__(self, kind: str) -> None:
        assert kind in KINDS
        self.kind = kind
        self.status = STATUSES[kind]
        self.requests = 0
        self._stopped = threading.Event()
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.url = f"http://127.0.0.1:{self._listener.getsockname()[1]}"
        if kind == "dead":
            self._listener.close()
        else:
            self._listener.settimeout(0.1)
            threading.Thread(target=self._accept, daemon=True).start()

    def close(self) -> None:
        """Stop; whoever still waits is cut off."""
        self._stopped.set()
        self._listener.close()

    def _accept(self) -> None:
        while not self._stopped.is_set():
            with contextlib.suppress(OSError):
                connection, _ = self._listener.accept()
                threading.Thread(target=self._serve, args=(connection,), daemon=True).start()

    def _serve(self, connection: socket.socket) -> None:
        with connection, contextlib.suppress(OSError):
            connection.settimeout(30)
            connection.recv(65_536)
            self.requests += 1
            getattr(self, f"_be_{self.kind}")(connection)

    def _be_slow(self, connection: socket.socket) -> None:
        self._stopped.wait(30)

    def _be_dripping(self, connection: socket.socket) -> None:
        connection.sendall(HEAD + b"Content-Length: 1000\r\n\r\n")
        while not self._stopped.wait(0.05):
            connection.sendall(b" ")

    def _be_garbled(self, connection: socket.socket) -> None:
        connection.sendall(b"\x16\x03\x01 no HTTP at all\r\n\r\n")

    def _be_huge(self, connection: socket.socket) -> None:
        connection.sendall(HEAD + b"Connection: close\r\n\r\n")
        while not self._stopped.is_set():
            connection.sendall(CHUNK)

    def _be_redirecting(self, connection: socket.socket) -> None:
        connection.sendall(
            b"HTTP/1.1 302 Found\r\nLocation: http://127.0.0.1:1/\r\nContent-Length: 0\r\n\r\n"
        )

    def _be_cut(self, connection: socket.socket) -> None:
        connection.sendall(HEAD + b'Content-Length: 1000\r\n\r\n{"a":')
