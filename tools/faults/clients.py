"""A person with a device, who notices what a server forgets or tells wrongly.

The owner writes a number that only grows into the device's placement, and the device polls itself
with the tag it was given last. So each answer can be judged: once a write was acknowledged, no poll
may show a lower number, be it in a body or by 304.
"""

import base64
import http.client
import json
import secrets
import socket
import ssl
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from email.message import Message
from http.cookies import SimpleCookie
from typing import Any

PATIENCE = 15.0  # seconds that devices wait for an answer
SESSIONS = {"platform": "mycroft_mark_2", "coreVersion": "21.2.2", "enclosureVersion": "1.0"}
CHOICES = {"voice": "American Male", "wakeWord": "Hey Mycroft"}


@dataclass(frozen=True)
class Answer:
    status: int
    headers: Message
    body: bytes

    @property
    def cookies(self) -> SimpleCookie:
        return SimpleCookie("; ".join(self.headers.get_all("Set-Cookie", [])))

    def json(self) -> Any:  # noqa: ANN401
        return json.loads(self.body)


@dataclass(frozen=True)
class Server:
    """Where a server is. ``host`` is the name to ask it by; with it, the connection is TLS."""

    port: int
    host: str = ""
    patience: float = PATIENCE

    def ask(
        self,
        method: str,
        path: str,
        *,
        headers: Mapping[str, str] | None = None,
        body: object = None,
    ) -> Answer:
        """Send one request on a connection of its own, as devices do.

        Raises:
            OSError, http.client.HTTPException: there was no answer.
        """
        client = http.client.HTTPConnection(self.host or "127.0.0.1", timeout=self.patience)
        client.sock = self._connect()
        try:
            text = None if body is None else json.dumps(body)
            sent = {"Content-Type": "application/json", "Connection": "close"}
            client.request(method, path, text, sent | dict(headers or {}))
            response = client.getresponse()
            return Answer(response.status, response.headers, response.read())
        finally:
            client.close()

    def _connect(self) -> socket.socket:
        plain = socket.create_connection(("127.0.0.1", self.port), timeout=self.patience)
        if not self.host:
            return plain
        context = ssl.create_default_context()
        context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
        return context.wrap_socket(plain, server_hostname=self.host)


class Owner:
    """A person with an account, signed up and in."""

    def __init__(self, server: Server) -> None:
        self.server = server
        email, password = f"{secrets.token_hex(6)}@example.com", secrets.token_urlsafe(12)
        login = {"email": _base64(email), "password": _base64(password)}
        sign_up = {"termsOfUse": True, "privacyPolicy": True, "login": login}
        _expect(200, server.ask("POST", "/api/account", body=sign_up))
        self.email, self._basic = email, _base64(f"{email}:||:{password}")
        self.sign_in()

    def sign_in(self) -> None:
        """Get a new access token."""
        headers = {"Authorization": f"Basic {self._basic}"}
        answer = _expect(204, self.server.ask("GET", "/api/internal-login", headers=headers))
        token = answer.cookies["seleneAccess"].value
        self.headers = {"Authorization": f"Bearer {token}"}

    def ask(self, method: str, path: str, body: object = None) -> Answer:
        return self.server.ask(method, path, headers=self.headers, body=body)


class Device:
    """A device that is paired, by what it keeps."""

    def __init__(self, owner: Owner, name: str = "Kitchen") -> None:
        self.owner, self.server, self.name = owner, owner.server, name
        state = secrets.token_hex(8)
        code = _expect(200, self.server.ask("GET", f"/v1/device/code?state={state}")).json()
        new = CHOICES | {"name": name, "pairingCode": code["code"]}
        _expect(204, owner.ask("POST", "/api/devices", new))
        session = {"token": code["token"], "state": state}
        answer = self.server.ask("POST", "/v1/device/activate", body=SESSIONS | session)
        login = _expect(200, answer).json()
        self.id: str = login["uuid"]
        self.headers = {"Authorization": f"Bearer {login['accessToken']}"}
        self._tags: dict[str, str] = {}
        self._bodies: dict[str, Any] = {}

    def poll(self, path: str = "") -> tuple[int, Any]:
        """Ask for the device or a part of it; return the status and what the device now holds."""
        headers = self.headers | {"If-None-Match": self._tags.get(path, "")}
        answer = self.server.ask("GET", f"/v1/device/{self.id}{path}", headers=headers)
        if answer.status == 200:
            self._tags[path] = answer.headers["ETag"].strip('"')
            self._bodies[path] = answer.json()
        return answer.status, self._bodies.get(path)

    def rename_placement(self, placement: str) -> Answer:
        change = CHOICES | {"name": self.name, "placement": placement}
        return self.owner.ask("PATCH", f"/api/devices/{self.id}", change)


@dataclass
class Sample:
    """One request: when it was answered, after how many seconds, and how."""

    at: float
    seconds: float
    what: str  # "write" or "poll"
    result: int | str  # the status, or what went wrong with the connection
    is_stale: bool = False

    @property
    def is_well(self) -> bool:
        return self.result in {200, 204, 304} and not self.is_stale


@dataclass
class Household:
    """An owner and a device that write and poll in turn."""

    device: Device
    samples: list[Sample] = field(default_factory=list)
    acknowledged: int = 0
    tried: int = 0

    def write(self) -> None:
        """Change the placement to the next number."""
        self.tried += 1

        def change() -> int:
            return self.device.rename_placement(str(self.tried)).status

        if self._note("write", change).result == 204:
            self.acknowledged = self.tried

    def poll(self) -> None:
        """Ask for the device, and judge what it now believes."""
        held: list[Any] = []

        def ask() -> int:
            status, body = self.device.poll()
            held.append(body)
            return status

        sample = self._note("poll", ask)
        if sample.result in {200, 304}:
            sample.is_stale = int(held[0]["description"] or 0) < self.acknowledged

    def loses(self) -> bool:
        """Tell whether the server has forgotten what it acknowledged, whatever the tags say."""
        answer = self.device.owner.ask("GET", f"/api/devices/{self.device.id}")
        return int(_expect(200, answer).json()["placement"] or 0) < self.acknowledged

    def _note(self, what: str, ask: Callable[[], int]) -> Sample:
        begin = time.monotonic()
        result: int | str
        try:
            result = ask()
        except (OSError, http.client.HTTPException) as error:
            result = type(error).__name__
        now = time.monotonic()
        self.samples.append(Sample(now, now - begin, what, result))
        return self.samples[-1]


def _expect(status: int, answer: Answer) -> Answer:
    if answer.status != status:
        raise RuntimeError(f"{answer.status} instead of {status}: {answer.body[:300]!r}")
    return answer


def _base64(text: str) -> str:
    return base64.b64encode(text.encode()).decode()
