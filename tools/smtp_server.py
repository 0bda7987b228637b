"""A mail server for tests: speaks SMTP on loopback, keeps what it takes, and can have a bad day."""

import contextlib
import email
import socket
import socketserver
import threading
from email.message import EmailMessage
from email.policy import default
from typing import cast

KINDS = ("dead", "slow", "dripping", "garbled", "refusing", "cut")


class SmtpServer:
    """Takes mails into ``messages``; of a bad ``kind``, none.

    ``dead`` refuses the connection, ``slow`` never greets, ``dripping`` greets a byte at a time,
    ``garbled`` speaks no SMTP, ``refusing`` wants no such recipient, ``cut`` closes before it says
    that it has the mail.
    """

    def __init__(self, kind: str = "good") -> None:
        assert kind in ("good", *KINDS)
        self.kind = kind
        self.messages: list[EmailMessage] = []
        self.stopped = threading.Event()
        self._server = socketserver.ThreadingTCPServer(("127.0.0.1", 0), _Conversation)
        self._server.daemon_threads = True
        self._server.owner = self  # type: ignore[attr-defined]
        self.port = self._server.server_address[1]
        if kind == "dead":
            self._server.server_close()
        else:
            threading.Thread(target=self._server.serve_forever, args=(0.05,), daemon=True).start()

    def close(self) -> None:
        self.stopped.set()
        if self.kind != "dead":
            self._server.shutdown()
            self._server.server_close()


class _Conversation(socketserver.StreamRequestHandler):
    timeout = 30

    def handle(self) -> None:
        self.owner: SmtpServer = self.server.owner  # type: ignore[attr-defined]
        with contextlib.suppress(OSError):
            if self._greet():
                self._converse()

    def _greet(self) -> bool:
        if self.owner.kind == "slow":
            self.owner.stopped.wait(30)
        elif self.owner.kind == "dripping":
            while not self.owner.stopped.wait(0.05):
                self.wfile.write(b"2")
        elif self.owner.kind == "garbled":
            self.wfile.write(b"\x16\x03\x01 no SMTP at all\r\n")
        else:
            self.wfile.write(b"220 mail.test\r\n")
            return True
        return False

    def _converse(self) -> None:
        for line in self.rfile:
            command = line.strip().upper().split(b" ")[0]
            if command == b"DATA":
                self.wfile.write(b"354 go on\r\n")
                content = self._content()
                if self.owner.kind == "cut":
                    self.connection.shutdown(socket.SHUT_RDWR)
                    return
                self.owner.messages.append(content)
            if command == b"RCPT" and self.owner.kind == "refusing":
                self.wfile.write(b"550 ada@example.com is not here\r\n")
            else:
                self.wfile.write(b"221 bye\r\n" if command == b"QUIT" else b"250 fine\r\n")
            if command == b"QUIT":
                return

    def _content(self) -> EmailMessage:
        lines = []
        for line in self.rfile:
            if line == b".\r\n":
                break
            lines.append(line[1:] if line.startswith(b".") else line)
        return cast(EmailMessage, email.message_from_bytes(b"".join(lines), policy=default))
