"""Answering a poll from Redis, in one round trip, before Django does anything else.

A device asks for three resources every minute and nearly always holds the answer already. With
Redis configured, the answer to such a request is decided by one script there:

1. the token is known to be refused: 401, at the cost of this look-up;
2. token and tag were both good at the device's current version: 304, and the contact is noted;
3. anything else: the ordinary view answers, and remembers what it found for the next poll.

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

from django.conf import settings
from django.core.exceptions import MiddlewareNotUsed
from django.http import HttpRequest, HttpResponse, JsonResponse

from accounts import version_cache
from accounts.version_cache import LIFETIME, Script, Unreachable
from devices import contacts
from devices.models import Device
from devices.tokens import digest

TAGGED = re.compile(r"/v1/device/([0-9a-f-]{36})(?:/setting|/location|/skill|/skill/settings)?")
REFUSED_FOR = 60  # seconds
REFUSED = b"-"
HIT = b"="
SEEN_VERSION = "selene.seen_version"  # key of a request's META
REFUSAL = "device not authorized"

# What no reader's mark of another process, or of this one, is the same as
_READERS = secrets.token_hex(8)
_reader = itertools.count()

# KEYS: token, version, tag. ARGV: device id, tag, contacts hash, now, placeholder.
_LOOK_UP = Script(
    """
local token = redis.call('GET', KEYS[1])
if token == '-' then return '-' end
local version = redis.call('GET', KEYS[2])
if not version then
  redis.call('SET', KEYS[2], ARGV[5], 'EX', 60)
  return ARGV[5]
end
if token == ARGV[1] .. ' ' .. version
    and redis.call('GET', KEYS[3]) == ARGV[2] .. ' ' .. version then
  redis.call('HSET', ARGV[3], ARGV[1], ARGV[4])
  return '='
end
return version
"""
)
# KEYS: token, version, tag. ARGV: device id, tag, version read, version seen before, seconds.
_REMEMBER = Script(
    """
local known = redis.call('GET', KEYS[2])
if not known then return 0 end
local number = tonumber(known)
if number and number > tonumber(ARGV[3]) then return 0 end
if not number and known ~= ARGV[4] then return 0 end
redis.call('SET', KEYS[2], ARGV[3], 'EX', ARGV[5])
redis.call('SET', KEYS[1], ARGV[1] .. ' ' .. ARGV[3], 'EX', ARGV[5])
redis.call('SET', KEYS[3], ARGV[2] .. ' ' .. ARGV[3], 'EX', ARGV[5])
return 1
"""
)
# KEYS: token. ARGV: seconds.
_REFUSE = Script("redis.call('SET', KEYS[1], '-', 'EX', ARGV[1]) return 1")
_IS_REFUSED = Script("return redis.call('GET', KEYS[1]) == '-' and 1 or 0")


class FastPath:
    """Answers polls that Redis can decide; all else goes on to the views."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        if not settings.REDIS_URL or "device" not in settings.SELENE_APIS:
            raise MiddlewareNotUsed
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        path = TAGGED.fullmatch(request.path_info)
        token = bearer(request)
        if path is None or not token or request.method != "GET":
            return self.get_response(request)
        tag = _single_tag(request.META.get("HTTP_IF_NONE_MATCH", ""))
        try:
            answer = _look_up(path[1], request.path_info, digest(token), tag)
        except Unreachable:
            return self.get_response(request)
        if answer == HIT:
            return _not_modified(tag)
        if answer == REFUSED:
            return refuse()
        request.META[SEEN_VERSION] = answer
        return self.get_response(request)


def remember(request: HttpRequest, device: Device, tag: str) -> None:
    """Note that the request's token and ``tag`` are good at the version ``device`` was read at."""
    seen = request.META.get(SEEN_VERSION)
    if seen is None:
        return
    keys = _keys(str(device.pk), request.path_info, digest(bearer(request)))
    try:
        version_cache.run(_REMEMBER, keys, str(device.pk), tag, 2 * device.version, seen, LIFETIME)
    except Unreachable:
        return


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
    keyword, _, token = request.META.get("HTTP_AUTHORIZATION", "").strip().partition(" ")
    return token.strip() if keyword.lower() == "bearer" else ""


def refuse() -> HttpResponse:
    """Answer as the views do to a token that is not recognised."""
    return JsonResponse({"error": REFUSAL}, status=401, headers={"WWW-Authenticate": "Bearer"})


def _not_modified(tag: str) -> HttpResponse:
    response = HttpResponse(status=304, headers={"ETag": f'"{tag}"'})
    del response.headers["Content-Type"]
    return response


def _look_up(device_id: str, path: str, token_digest: str, tag: str) -> bytes:
    placeholder = f"?{_READERS}-{os.getpid()}-{next(_reader)}"
    now = f"{time.time():.0f}"
    keys = _keys(device_id, path, token_digest)
    answer = version_cache.run(_LOOK_UP, keys, device_id, tag, contacts.KEY, now, placeholder)
    return bytes(answer)


def _keys(device_id: str, path: str, token_digest: str) -> list[str]:
    return [f"token:{token_digest}", f"version:{device_id}", f"tag:{path}"]


def _single_tag(if_none_match: str) -> str:
    """Return the one tag the header names; "", which no answer has, for none, several or any."""
    if "," in if_none_match or "*" in if_none_match:
        return ""
    return if_none_match.strip().removeprefix("W/").strip('"')
