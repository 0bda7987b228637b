"""When devices last called.

With Redis each call notes its time in one hash there, and ``flush`` moves them to the rows in
bulk. Without it, or while it is away, the row itself is written, at most once a minute.
"""

import time
from collections import defaultdict
from collections.abc import Iterable, Iterator
from datetime import UTC, datetime, timedelta
from typing import cast
from uuid import UUID, uuid4

from django.db import transaction
from django.db.models import Q
from django.utils import timezone
from redis import Redis, RedisError

from accounts import version_cache
from devices.models import Device

KEY = "selene:contacts"
FLUSHES = "selene:contacts:flushes"  # the names of hashes that are being moved
SCANNED = 2_000  # that Redis reads in one go, while everybody waits
BATCH = 20_000  # devices, of which a statement names those of one second
ROW_INTERVAL = timedelta(seconds=60)


def note(device: Device) -> None:
    """Record that ``device`` called now."""
    try:
        version_cache.run_command("HSET", KEY, str(device.pk), f"{time.time():.0f}")
    except version_cache.Unreachable:
        _note_in_row(device)


def latest(devices: Iterable[Device]) -> dict[UUID, datetime | None]:
    """Return the last contact of each device, by its id: what Redis knows, else the row."""
    rows = {device.pk: device.last_contact_at for device in devices}
    if not rows:
        return rows
    try:
        noted = version_cache.run_command("HMGET", KEY, *map(str, rows))
    except version_cache.Unreachable:
        return rows
    for (pk, at), seconds in zip(list(rows.items()), noted, strict=True):
        if seconds is not None:
            contact = _read_time(seconds)
            rows[pk] = max(at, contact) if at else contact
    return rows


def flush() -> int:
    """Move the noted contacts to the rows; return how many there were.

    The hash is set aside first, so contacts noted meanwhile go to a new one; what a flush that
    died has left aside is moved by the next.
    """
    client = version_cache.client()
    aside = f"{KEY}:{uuid4()}"
    client.sadd(FLUSHES, aside)
    try:
        client.rename(KEY, aside)
    except RedisError as error:
        if "no such key" not in str(error):
            raise
    count = 0
    for key in cast(set[bytes], client.smembers(FLUSHES)):
        count += _move(client, key)
    return count


def _move(client: Redis, key: bytes) -> int:
    count = 0
    for batch in _batches(client, key):
        _write_rows(batch)
        count += len(batch)
    client.delete(key)
    client.srem(FLUSHES, key)
    return count


def _batches(client: Redis, key: bytes) -> Iterator[dict[UUID, datetime]]:
    batch: dict[UUID, datetime] = {}
    for device_id, seconds in client.hscan_iter(key, count=SCANNED):
        batch[UUID(device_id.decode())] = _read_time(seconds)
        if len(batch) >= BATCH:
            yield batch
            batch = {}
    if batch:
        yield batch


@transaction.atomic
def _write_rows(contacts: dict[UUID, datetime]) -> None:
    """Write ``contacts`` where they are news; rows of devices removed meanwhile are no more."""
    rows = Device.objects.filter(pk__in=contacts)
    # By ascending key, as all who lock several devices do.
    held = rows.select_for_update(no_key=True).order_by("pk")
    news: dict[datetime, list[UUID]] = defaultdict(list)
    for pk, before in held.values_list("pk", "last_contact_at"):
        if before is None or before < contacts[pk]:
            news[contacts[pk]].append(pk)
    # Many share one of the few seconds since the last flush, and so a statement.
    for at, devices in news.items():
        Device.objects.filter(pk__in=devices).update(last_contact_at=at)


def _note_in_row(device: Device) -> None:
    now = timezone.now()
    limit = now - ROW_INTERVAL
    if device.last_contact_at is None or device.last_contact_at <= limit:
        due = Q(last_contact_at=None) | Q(last_contact_at__lte=limit)
        Device.objects.filter(due, pk=device.pk).update(last_contact_at=now)


def _read_time(seconds: bytes) -> datetime:
    return datetime.fromtimestamp(float(seconds), UTC)
