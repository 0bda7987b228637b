"""Conditional answers: what a device holds already is not sent again."""

import hashlib

import orjson
from django.http import HttpResponse
from rest_framework import status
from rest_framework.response import Response

from devices import fast_path
from devices.authentication import DeviceRequest


def respond_unless_known(
    request: DeviceRequest, body: dict | list, *, is_secret: bool = False
) -> HttpResponse:
    """Answer 304 to a device that already holds ``body``, else 200 and an ETag.

    The tag is a digest of path and body: no write has to remember to expire it, and no two
    resources share one (devices keep answers by tag alone). ``request.auth`` must have been read
    before ``body`` was: the tag is remembered as right for the version that it has, and the answer,
    unless it ``is_secret``.
    """
    content = _dump(body)
    tag = _digest(request.path, content)
    fast_path.remember(request._request, tag, is_secret=is_secret)
    headers = {"ETag": f'"{tag}"'}
    if is_known(tag, request.headers.get("If-None-Match", "")):
        return Response(status=status.HTTP_304_NOT_MODIFIED, headers=headers)
    return HttpResponse(content, content_type="application/json", headers=headers)


def make(path: str, body: dict | list) -> str:
    """Return the tag of ``body`` at ``path``, whatever order a database keeps its keys in."""
    return _digest(path, _dump(body))


def _dump(body: dict | list) -> bytes:
    return orjson.dumps(body, option=orjson.OPT_SORT_KEYS | orjson.OPT_NON_STR_KEYS)


def _digest(path: str, content: bytes) -> str:
    return hashlib.sha256(path.encode() + b"\n" + content).hexdigest()


def is_known(tag: str, if_none_match: str) -> bool:
    """Tell whether the header names ``tag``.

    mycroft-core strips the quotes before it sends a tag back (Api.send), and a proxy may have made
    it weak before that, so ``W/"abc`` comes too; Django's condition() reads none of these.
    """
    named = [strip(part) for part in if_none_match.split(",")]
    return tag in named or named == ["*"]


def strip(part: str) -> str:
    """Return the opaque part of a tag as it stands in If-None-Match, quoted, weak or bare."""
    return part.strip().removeprefix("W/").strip('"')
