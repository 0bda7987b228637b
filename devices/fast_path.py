"""Answering a poll from Redis, in one round trip, before Django does anything.

A device asks for three resources every minute and nearly always holds the answer already. With
Redis configured, the answer to such a request is decided by one script there:

1. the token is known to be refused: 401, at the cost of this look-up;
2. token and tag were both good at the device's current version: 304, and the contact is noted;
3. the token was, and the answer was sent less than a minute ago: it is sent again (a device that
   starts asks for everything three times);
4. anything else: the ordinary view answers, and what it found is remembered for the next poll.

The current version is what ``accounts.version_cache`` keeps. What the view remembers counts only at
the version its device had *before* it read what it sent, and only if Redis has known since before
the request what the current version is: so no race between writers and readers, and no loss of
Redis' memory, can make an old answer look new.
"""

import itertools
import os
import re
import secrets
import time
from collections.abc import Callable
from typing import Any, NamedTuple

import orjson
from django.conf import settings
from django.core.exceptions import MiddlewareNotUsed
from django.http import HttpRequest, HttpResponse

from accounts import version_cache
from accounts.version_cache import LIFETIME, Script, Unreachable
from devices import contacts
from devices.models import Device
from devices.tokens import digest

TAGGED = re.compile(r"/v1/device/([0-9a-f-]{36})(?:/setting|/location|/skill|/skill/settings)?")
REFUSED_FOR = 60  # seconds
BODY_KEPT = 60  # seconds
BODY_BYTES = 32_768  # of a longer one no copy is kept
REFUSED = b"-"
HIT = b"="
AGAIN = b"+"
# Keys of a request's META
SEEN_VERSION = "selene.seen_version"
ASKED = "selene.asked"
CALLER = "selene.caller"
FOUND = "selene.found"
REFUSAL = "device not authorized"
REFUSAL_BODY = orjson.dumps({"error": REFUSAL})

# What no reader's mark of another process, or of this one, is the same as
_READERS = secrets.token_hex(8)
_reader = itertools.count()

# KEYS: token, version, tag, body. ARGV: device id, tag, contacts hash, now, placeholder, "1" if a
# body may be sent.
_LOOK_UP = Script(
    """
local token = redis.call('GET', KEYS[1])
if token == '-' then return '-' end
local version = redis.call('GET', KEYS[2])
if not version then
  redis.call('SET', KEYS[2], ARGV[5], 'EX', 60)
  return ARGV[5]
end
if token ~= ARGV[1] .. ' ' .. version then return version end
local answer = version
if ARGV[2] ~= '' and redis.call('GET', KEYS[3]) == ARGV[2] .. ' ' .. version then
  answer = '='
elseif ARGV[6] == '1' then
  local body = redis.call('GET', KEYS[4])
  local start = version .. ' '
  if body and string.sub(body, 1, #start) == start then
    answer = '+' .. string.sub(body, #start + 1)
  end
end
if answer ~= version then redis.call('HSET', ARGV[3], ARGV[1], ARGV[4]) end
return answer
"""
)
# KEYS: token, version, tag, body. ARGV: device id, tag, contacts hash, now, version read, version
# seen before, seconds, body or "", its seconds.
_REMEMBER = Script(
    """
redis.call('HSET', ARGV[3], ARGV[1], ARGV[4])
local known = redis.call('GET', KEYS[2])
if not known then return 0 end
local number = tonumber(known)
if number and number > tonumber(ARGV[5]) then return 0 end
if not number and known ~= ARGV[6] then return 0 end
redis.call('SET', KEYS[2], ARGV[5], 'EX', ARGV[7])
redis.call('SET', KEYS[1], ARGV[1] .. ' ' .. ARGV[5], 'EX', ARGV[7])
redis.call('SET', KEYS[3], ARGV[2] .. ' ' .. ARGV[5], 'EX', ARGV[7])
if ARGV[8] ~= '' then redis.call('SET', KEYS[4], ARGV[5] .. ' ' .. ARGV[8], 'EX', ARGV[9]) end
return 1
"""
)
# KEYS: token. ARGV: seconds.
_REFUSE = Script("redis.call('SET', KEYS[1], '-', 'EX', ARGV[1]) return 1")
_IS_REFUSED = Script("return redis.call('GET', KEYS[1]) == '-' and 1 or 0")


class Answer(NamedTuple):
    """An answer that costs nothing but Redis."""

    status: int
    headers: dict[str, str]
    body: bytes = b""


# As the views answer a token that is not recognised
REFUSAL_ANSWER = Answer(
    401,
    {
        "Content-Type": "application/json",
        "Content-Length": str(len(REFUSAL_BODY)),
        "WWW-Authenticate": "Bearer",
    },
    REFUSAL_BODY,
)


class FastPath:
    """Leaves what views find in Redis, and answers from it whom nobody has before."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        if not is_on():
            raise MiddlewareNotUsed
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        answer = None if ASKED in request.META else ask(request.META)
        if answer is not None:
            return _as_response(answer)
        response = self.get_response(request)
        if SEEN_VERSION in request.META:
            keep(request, response)
        return response


def is_on() -> bool:
    """Tell whether this process answers devices and has a Redis."""
    return bool(settings.REDIS_URL) and "device" in settings.SELENE_APIS


def ask(environ: dict[str, Any]) -> Answer | None:
    """Return the answer to the request if Redis has it, else None and note what it did say.

    ``environ`` is that of WSGI, which is the ``META`` of Django's request, too.
    """
    environ[ASKED] = True
    path = TAGGED.fullmatch(environ["PATH_INFO"])
    token = _bearer(environ)
    if path is None or not token or not _is_plain_get(environ):
        return None
    tag = _single_tag(environ.get("HTTP_IF_NONE_MATCH", ""))
    # What a browser is told depends on whose page asks.
    takes_body = tag is not None and "HTTP_ORIGIN" not in environ
    try:
        said = _look_up(_keys(path[0], path[1], token), path[1], tag or "", takes_body=takes_body)
    except Unreachable:
        return None
    if said == HIT:
        return Answer(304, {"ETag": f'"{tag}"'})
    if said == REFUSED:
        return REFUSAL_ANSWER
    if said.startswith(AGAIN):
        return _unpack(said[1:])
    environ[SEEN_VERSION] = said
    return None


def note_contact(request: HttpRequest, device: Device) -> None:
    """Record that ``device`` asks, if need be together with what it is answered."""
    if SEEN_VERSION in request.META:
        request.META[CALLER] = device
    else:
        contacts.note(device)


def remember(request: HttpRequest, tag: str, *, is_secret: bool) -> None:
    """Note that the request's token and ``tag`` are good at the version its device was read at.

    A secret answer is not kept: Redis may write what it holds to a disk.
    """
    request.META[FOUND] = tag, is_secret


def keep(request: HttpRequest, response: HttpResponse) -> None:
    """Note the contact, and leave in Redis what the view found, in one round trip."""
    device: Device | None = request.META.get(CALLER)
    if device is None:
        return
    found = request.META.get(FOUND)
    if found is None:
        contacts.note(device)
        return
    tag, is_secret = found
    keys = _keys(request.path_info, str(device.pk), bearer(request))
    seen, body = request.META[SEEN_VERSION], b"" if is_secret else _pack(request, response)
    about = [str(device.pk), tag, contacts.KEY, f"{time.time():.0f}", 2 * device.version, seen]
    try:
        version_cache.run(_REMEMBER, keys, *about, LIFETIME, body, BODY_KEPT)
    except Unreachable:
        contacts.note(device)


def remember_refused(token_digest: str) -> None:
    """Note that no device has this token: it will not get one, so there is nothing to expire."""
    try:
        version_cache.run(_REFUSE, [f"token:{token_digest}"], REFUSED_FOR)
    except Unreachable:
        return


def is_refused(request: HttpRequest, token_digest: str) -> bool:
    """Tell whether the token was refused lately, unless the middleware has looked already."""
    if SEEN_VERSION in request.META:
        return False
    try:
        return version_cache.run(_IS_REFUSED, [f"token:{token_digest}"]) == 1
    except Unreachable:
        return False


def bearer(request: HttpRequest) -> str:
    """Return the token of the Authorization header, "" without one."""
    return _bearer(request.META)


def _bearer(environ: dict[str, Any]) -> str:
    keyword, _, token = environ.get("HTTP_AUTHORIZATION", "").strip().partition(" ")
    return token.strip() if keyword.lower() == "bearer" else ""


def _is_plain_get(environ: dict[str, Any]) -> bool:
    """Tell whether there is nothing about the request that anybody could refuse."""
    return (
        environ["REQUEST_METHOD"] == "GET"
        and not environ.get("QUERY_STRING")
        and environ.get("CONTENT_LENGTH", "") in ("", "0")
        and "HTTP_TRANSFER_ENCODING" not in environ
    )


def _as_response(answer: Answer) -> HttpResponse:
    response = HttpResponse(answer.body, status=answer.status, headers=answer.headers)
    if "Content-Type" not in answer.headers:
        del response.headers["Content-Type"]
    return response


def _pack(request: HttpRequest, response: HttpResponse) -> bytes:
    """Return headers and body of an answer that may be sent again, else b""."""
    if response.status_code != 200 or response.cookies or "HTTP_ORIGIN" in request.META:
        return b""
    if len(response.content) > BODY_BYTES:
        return b""
    return orjson.dumps(dict(response.items())) + b"\n" + response.content


def _unpack(packed: bytes) -> Answer:
    headers, _, content = packed.partition(b"\n")
    return Answer(200, orjson.loads(headers), content)


def _look_up(keys: list[str], device_id: str, tag: str, *, takes_body: bool) -> bytes:
    placeholder = f"?{_READERS}-{os.getpid()}-{next(_reader)}"
    now = f"{time.time():.0f}"
    answer = version_cache.run(
        _LOOK_UP, keys, device_id, tag, contacts.KEY, now, placeholder, int(takes_body)
    )
    return bytes(answer)


def _keys(path: str, device_id: str, token: str) -> list[str]:
    return [f"token:{digest(token)}", f"version:{device_id}", f"tag:{path}", f"body:{path}"]


def _single_tag(if_none_match: str) -> str | None:
    """Return the one tag the header names, "" if it names none, None for several or any."""
    if "," in if_none_match or "*" in if_none_match:
        return None
    return if_none_match.strip().removeprefix("W/").strip('"')
