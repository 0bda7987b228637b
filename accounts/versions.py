"""Versions of devices: each grows, in the writer's own transaction, with what the device shows.

Here, below the devices themselves, because a change to an account reaches all its devices. There
is one version, on the device's row: a poll then has one number to look up, and a write to an
account, which is rare, touches the few devices it concerns.
"""

from collections.abc import Iterator
from functools import partial
from uuid import UUID

from django.db import models, transaction
from django.db.models import F

from accounts import version_cache
from accounts.models import Account

BATCH = 1_000


def bump(devices: models.QuerySet) -> None:
    """Note that what ``devices`` show, or what their tokens may do, is changing.

    Call it in the transaction of the change, before or after it. The rows stay locked until the
    end of that transaction, so versions are committed in their order.
    """
    with transaction.atomic():
        if not version_cache.is_configured():
            devices.update(version=F("version") + 1)
            return
        for ids in _batches(devices):
            rows = devices.model.objects.filter(pk__in=ids)
            rows.update(version=F("version") + 1)
            versions = list(rows.values_list("pk", "version"))
            version_cache.announce(versions)
            transaction.on_commit(partial(version_cache.publish, versions))


def bump_all_of(account: Account) -> None:
    """Note that something all devices of ``account`` show is changing.

    The account is locked, or a device paired at this moment would be missed.
    """
    with transaction.atomic():
        Account.objects.select_for_update().get(pk=account.pk)
        bump(account.devices.all())


def retire(devices: models.QuerySet) -> None:
    """Note that ``devices`` are about to be deleted, in the transaction that does it."""
    if not version_cache.is_configured():
        return
    for ids in _batches(devices):
        version_cache.retire(ids)


def _batches(devices: models.QuerySet) -> Iterator[list[UUID]]:
    ids = list(devices.order_by("pk").values_list("pk", flat=True))
    for start in range(0, len(ids), BATCH):
        yield ids[start : start + BATCH]
