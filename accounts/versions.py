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


def bump(devices: models.QuerySet, **fields: object) -> None:
    """Note that what ``devices`` show, or what their tokens may do, is changing.

    Call it in the transaction of the change, before or after it; or have it set the ``fields`` in
    the same statement. The rows stay locked until the end of that transaction, so versions are
    committed in their order, and are locked by ascending key, so two writers of several devices
    never wait for each other.
    """
    with transaction.atomic():
        for versions in _lock(devices):
            rows = devices.model.objects.filter(pk__in=[pk for pk, _ in versions])
            rows.update(version=F("version") + 1, **fields)
            if version_cache.is_configured():
                version_cache.announce(versions)
                transaction.on_commit(partial(version_cache.publish, versions))


def bump_all_of(account: Account) -> None:
    """Note that something all devices of ``account`` show is changing.

    The account is locked before its devices, or one that is paired at this moment would be missed.

    Raises:
        Account.DoesNotExist: it is gone.
    """
    with transaction.atomic():
        lock(account)
        bump(account.devices.all())


def lock(account: Account) -> Account:
    """Return ``account`` as it is now, with others who lock it kept waiting.

    They come here before they lock a device; rows that refer to the account can still be added.

    Raises:
        Account.DoesNotExist: it is gone.
    """
    return Account.objects.select_for_update(no_key=True).get(pk=account.pk)


def retire(devices: models.QuerySet) -> None:
    """Note that ``devices`` are about to be deleted, in the transaction that does it."""
    if version_cache.is_configured():
        for versions in _lock(devices):
            version_cache.retire([pk for pk, _ in versions])


def _lock(devices: models.QuerySet) -> Iterator[list[tuple[UUID, int]]]:
    """Lock ``devices`` and yield, in batches, their ids and the versions they are about to have."""
    rows = devices.order_by("pk").select_for_update(no_key=True)
    rows = rows.annotate(next_version=F("version") + 1).values_list("pk", "next_version")
    batch = list(rows[:BATCH])
    while batch:
        yield batch
        batch = list(rows.filter(pk__gt=batch[-1][0])[:BATCH])
