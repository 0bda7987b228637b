"""Giving a device to another account."""

from collections.abc import Callable

from django.conf import settings
from django.db import transaction

from accounts import versions
from accounts.models import Account
from devices import editing, pairing
from devices.models import Device

# What apps above have to do to what is on the device: called in the transaction, all locked.
beforehand: list[Callable[[Device], None]] = []


@transaction.atomic
def move(device: Device, account: Account, *, name: str, keep: bool = False) -> None:
    """Give ``device`` to ``account``, where it is called ``name``; it stays paired.

    From its next poll it shows what the account prefers. Its place, voice and wake word stay. What
    it knows of the people it leaves (values of skill settings, what it reported) goes, unless they
    are the same people (``keep``). Recorded wake words stay with the account that agreed to them.

    Raises:
        editing.TooManyDevices, pairing.NameTaken: nothing changed.
        Account.DoesNotExist, Device.DoesNotExist: one of them is gone; nothing changed.
    """
    # By ascending key, so that two moves in opposite directions do not wait for each other.
    for pk in sorted({device.account_id, account.pk}):
        versions.lock(Account(pk=pk))
    current = Device.objects.select_for_update(no_key=True).get(
        pk=device.pk, account=device.account_id
    )
    if current.account_id == account.pk:
        return
    if account.devices.count() >= settings.MAX_DEVICES:
        raise editing.TooManyDevices(f"an account can have {settings.MAX_DEVICES} devices")
    if account.devices.filter(name=name).exists():
        raise pairing.NameTaken
    if not keep:
        for forget in beforehand:
            forget(current)
        current.metrics.all().delete()
        current.interactions.all().delete()
    versions.bump(Device.objects.filter(pk=device.pk), account=account, name=name)
