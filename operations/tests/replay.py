"""Sends recorded requests to a live server and compares what it answers.

A recording masks what differs from run to run. A mask that names a kind ("<uuid>") matches any of
that kind; one that names a thing ("<dev_a1>") is learnt from the answer it first comes in, must be
the same from then on, and fills the requests that hold it.
"""

import json
import re
from dataclasses import dataclass, field
from http.cookies import SimpleCookie
from pathlib import Path
from typing import Any

import requests

MASK = re.compile(r"<(\w+(?:-\w+)*)>")
UUID = r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}"
TOKEN = r"[0-9a-f]{128}"
ISO_TIME = r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d+)?Z"
COOKIE_TIME = r"[A-Z][a-z]{2}, \d\d [A-Z][a-z]{2} \d{4} \d\d:\d\d:\d\d GMT"
KINDS = {
    "uuid": UUID,
    "date": r"[A-Z][a-z]+ \d\d, \d{4}",
    "ts": f"(?:{ISO_TIME}|{COOKIE_TIME})",
    "past": "Thu, 01 Jan 1970 00:00:00 GMT",
    "jwt": r"[\w-]+\.[\w-]+\.[\w-]+",
    "empty": "",
}
# What a thing looks like, by the first part of its mask: "dev" of "<dev_a1>"
THINGS = {
    "code": "[ACEFHJKLMNPRTUVWXY3479]{6}",
    "ptoken": TOKEN,
    "at": TOKEN,
    "rt": TOKEN,
    "dev": UUID,
    "acct": UUID,
    "us": UUID,
    "ca": UUID,
    "disp": UUID,
}
LATEST = {"code"}  # the mask of one thing after another
LOGIN = "seleneAccess,seleneRefresh"
TAG = re.compile(r'"[^"\s]+"')


@dataclass(frozen=True)
class Answer:
    status: int
    body: Any  # JSON; "" if there is none, and the text if it is not JSON
    cookies: list[dict[str, Any]] = field(default_factory=list)
    has_tag: bool = False
    content_type: str = "application/json"


@dataclass(frozen=True)
class Exchange:
    name: str
    method: str
    path: str
    headers: dict[str, str]
    body: Any  # JSON; "" if it is empty, None if there is none
    files: list[str]
    answer: Answer


def read(path: Path) -> list[Exchange]:
    """Read the recordings, one JSON object a line."""
    return [_exchange(json.loads(line)) for line in path.read_text().splitlines()]


def _exchange(row):
    request, headers = row["request"], row["headers"]
    answer = Answer(
        row["status"],
        row["body"],
        headers.get("Set-Cookie", []),
        "ETag" in headers,
        _content_type(headers.get("Content-Type", "")),
    )
    body, files = request.get("body"), request.get("files", [])
    return Exchange(
        row["name"], row["method"], row["path"], request["headers"], body, files, answer
    )


def _content_type(recorded):
    # The first Selene called its JSON errors text/html, which no client minds and none needs.
    name = recorded.partition(";")[0]
    return "text/xml; charset=utf-8" if name == "text/xml" else "application/json"


class Replay:
    """What one run has learnt: the things behind the masks, and each account's login."""

    def __init__(self, url, known):
        self.url = url
        self.known = dict(known)
        self.logins = {}  # the Cookie header of each account

    def fill(self, value):
        """Return ``value`` with the things behind the masks, as far as they are known."""
        if isinstance(value, str):
            return MASK.sub(lambda mask: self.known.get(mask[1], mask[0]), value)
        if isinstance(value, list):
            return [self.fill(item) for item in value]
        if isinstance(value, dict):
            return {self.fill(key): self.fill(item) for key, item in value.items()}
        return value

    def send(self, exchange, account, files):
        """Send the recorded request as ``account``, on a connection of its own as devices do.

        Of files only the names were recorded; ``files`` has what is in them.
        """
        headers = {name: self.fill(value) for name, value in exchange.headers.items()}
        if headers.get("Cookie") == LOGIN:
            headers["Cookie"] = self.logins[account]
        body = self.fill(exchange.body)
        return requests.request(
            exchange.method,
            self.url + self.fill(exchange.path),
            headers=headers,
            data=json.dumps(body) if body else None,
            files={name: files[name] for name in exchange.files} or None,
            timeout=30,
        )

    def ask(self, method, path, *, account=None, headers=None, body=None):
        """Do a step that was not recorded: it must succeed."""
        headers = dict(headers or {})
        if account in self.logins:
            headers["Cookie"] = self.logins[account]
        url = self.url + self.fill(path)
        response = requests.request(
            method, url, headers=self.fill(headers), json=self.fill(body), timeout=30
        )
        assert response.ok, (method, path, response.status_code, response.text)
        self.keep_login(response, account)
        return response

    def keep_login(self, response, account):
        """Use the cookies that an answer sets in the next requests of ``account``."""
        given = {cookie["name"]: cookie["value"] for cookie in _cookies(response)}
        if given.get("seleneRefresh"):
            pairs = [f"{name}={given[name]}" for name in LOGIN.split(",")]
            self.logins[account] = "; ".join(pairs)

    def compare(self, response, expected):
        """Return what is wrong with an answer; learn the things it names if nothing is."""
        known = dict(self.known)
        problems = [*_about_status_and_headers(response, expected)]
        problems += _differences("cookies", expected.cookies, _cookies(response), known)
        if expected.body != "<not compared>":
            problems += _differences("body", expected.body, _body(response), known)
        if not problems:
            self.known = known
        return problems


def _about_status_and_headers(response, expected):
    if response.status_code != expected.status:
        yield f"status: {response.status_code}, not {expected.status}"
    if response.content and response.headers["Content-Type"] != expected.content_type:
        yield f"Content-Type: {response.headers['Content-Type']}"
    tag = response.headers.get("ETag")
    if response.status_code == 304:
        if tag != f'"{response.request.headers["If-None-Match"]}"':
            yield f"ETag: {tag}, not the one that was asked about"
    elif expected.has_tag:
        if not tag or not TAG.fullmatch(tag):
            yield f"ETag: {tag}, not quoted"
    elif tag and (response.request.method != "GET" or not response.ok):
        yield f"ETag: {tag} on a write or an error"


def _body(response):
    if not response.content:
        return ""
    if response.headers["Content-Type"].startswith("text/"):
        return response.text
    try:
        return response.json()
    except ValueError:
        return f"not JSON: {response.text}"


def _cookies(response):
    """Return the cookies an answer sets, each as name, value and the attributes it has."""
    cookies = []
    for header in response.raw.headers.getlist("Set-Cookie"):
        for name, morsel in SimpleCookie(header).items():
            given = {key: value for key, value in morsel.items() if value}
            cookies.append({"name": name, "value": morsel.value} | given)
    return cookies


def _differences(where, expected, actual, known):
    """Yield how ``actual`` differs, adding to ``known`` the things it names."""
    if isinstance(actual, list) and isinstance(expected, dict) and "<list>" in expected:
        yield from _list_differences(where, expected, actual, known)
    elif type(expected) is not type(actual):
        yield f"{where}: {actual!r}, not {expected!r}"
    elif isinstance(expected, str):
        yield from _text_differences(where, expected, actual, known)
    elif isinstance(expected, dict):
        expected = {_with_known(key, known): value for key, value in expected.items()}
        if expected.keys() != actual.keys():
            yield f"{where}: keys {sorted(actual)}, not {sorted(expected)}"
        for key in expected.keys() & actual.keys():
            yield from _differences(f"{where}.{key}", expected[key], actual[key], known)
    elif isinstance(expected, list):
        if len(expected) != len(actual):
            yield f"{where}: {actual!r}, not {expected!r}"
        for index, (one, other) in enumerate(zip(expected, actual, strict=False)):
            yield from _differences(f"{where}[{index}]", one, other, known)
    elif expected != actual:
        yield f"{where}: {actual!r}, not {expected!r}"


def _text_differences(where, expected, actual, known):
    match = re.fullmatch(_pattern(expected, known), actual)
    if match is None:
        yield f"{where}: {actual!r}, not {expected!r}"
    else:
        known.update(match.groupdict())


def _list_differences(where, expected, actual, known):
    """Compare a list of which only its length, or ``None``, its keys and some items are known."""
    if expected["<list>"] not in (None, len(actual)):
        yield f"{where}: {len(actual)} items, not {expected['<list>']}"
    keys = {tuple(sorted(item)) for item in actual}
    if keys != {tuple(expected["keys"])}:
        yield f"{where}: keys {keys}, not {expected['keys']}"
    for sample in expected["samples"]:
        if not _learn_from_any(sample, actual, known):
            yield f"{where}: holds no {sample}"


def _learn_from_any(sample, items, known):
    for item in items:
        learnt = dict(known)
        if not list(_differences("", sample, item, learnt)):
            known.update(learnt)
            return True
    return False


def _with_known(text, known):
    return MASK.sub(lambda mask: known.get(mask[1], mask[0]), text)


def _pattern(text, known):
    """Return a regular expression for ``text``, in which unknown things are named groups."""
    parts, end = [], 0
    for mask in MASK.finditer(text):
        parts += [re.escape(text[end : mask.start()]), _mask_pattern(mask[1], known)]
        end = mask.end()
    return "".join([*parts, re.escape(text[end:])])


def _mask_pattern(name, known):
    if name in KINDS:
        return KINDS[name]
    thing = THINGS.get(name.split("_")[0])
    if name in known and name not in LATEST:
        return re.escape(known[name])
    return re.escape(f"<{name}>") if thing is None else f"(?P<{name}>{thing})"
