"""What services said a while ago, for the next device that asks the same."""

import hashlib
import zlib
from datetime import timedelta

import orjson
from django.core.cache import caches

from devices.upstream.proxied import Params, Reply

LIMIT_BYTES = 100_000  # compressed; a larger reply is asked for again


def question(service: str, path: str, params: Params) -> str:
    """Return what names a question however its parameters are ordered; a digest, without a key."""
    text = orjson.dumps([service, path, sorted(params)])
    return f"reply:1:{hashlib.sha256(text).hexdigest()}"


def recall(name: str) -> Reply | None:
    """Return the reply to the question of that ``name``, if it is still good."""
    kept = caches["replies"].get(name)
    if kept is None:
        return None
    status, packed, content_type = kept
    return Reply(status, zlib.decompress(packed), content_type, is_lasting=True)


def remember(name: str, reply: Reply, lifetime: timedelta) -> None:
    """Keep ``reply``, if it is one to keep and not too large."""
    if not reply.is_lasting:
        return
    packed = zlib.compress(reply.content)
    if len(packed) <= LIMIT_BYTES:
        kept = (reply.status, packed, reply.content_type)
        caches["replies"].set(name, kept, timeout=int(lifetime.total_seconds()))
