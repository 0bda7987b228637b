"""What owners do with their devices: add one, change it, remove it."""

from django.conf import settings
from django.db import IntegrityError, models, transaction

from accounts import versions
from accounts.models import Account
from devices import defaults, pairing
from devices.models import Device, Voice, WakeWord
from geography.models import City, Timezone


class TooManyDevices(Exception):
    """The account has as many devices as it may, which the text says; nothing changed."""


@transaction.atomic
def add(
    account: Account,
    code: str,
    *,
    name: str,
    voice: Voice,
    wake_word: WakeWord,
    placement: str = "",
    city: City | None = None,
    timezone: Timezone | None = None,
    pantacor: dict[str, str | bool] | None = None,
) -> Device:
    """Pair the device that read out ``code``; without a place it stands at the default one.

    What ``pantacor`` holds is kept until the device says that it is one of Pantacor's.

    Raises:
        TooManyDevices, pairing.UnknownCode, pairing.NameTaken: nothing changed.
        Account.DoesNotExist: it was deleted meanwhile.
    """
    # Locked, because the devices of one account can be added in several browsers at once.
    versions.lock(account)
    if account.devices.count() >= settings.MAX_DEVICES:
        raise TooManyDevices(f"an account can have {settings.MAX_DEVICES} devices")
    if city is None:
        city, timezone = defaults.place(account)
    return pairing.claim_code(
        account,
        code,
        name=name,
        voice=voice,
        wake_word=wake_word,
        city=city,
        timezone=timezone,
        placement=placement,
        pantacor_wishes=pantacor,
    )


@transaction.atomic
def change(device: Device, **fields: str | City | Timezone | Voice | WakeWord | None) -> None:
    """Set ``fields`` of ``device``, which shows them on its next poll.

    Raises:
        pairing.NameTaken: nothing changed; the account has another device of this name.
        Device.DoesNotExist: it was removed meanwhile.
    """
    current = Device.objects.select_for_update(no_key=True).get(pk=device.pk)
    news = {name: value for name, value in fields.items() if getattr(current, name) != value}
    if not news:
        return
    try:
        versions.bump(Device.objects.filter(pk=device.pk), **news)
    except IntegrityError as error:
        raise pairing.NameTaken from error


@transaction.atomic
def remove(devices: models.QuerySet[Device]) -> int:
    """Delete ``devices`` and all that is theirs; return how many there were.

    Their tokens stop working at once.
    """
    # Locked, so that nothing is added to a device between the look for what is its and the end.
    rows = Device.objects.filter(
        pk__in=list(devices.select_for_update().order_by("pk").values_list("pk", flat=True))
    )
    versions.retire(rows)
    return rows.delete()[1].get(Device._meta.label, 0)


def check_name(device: Device, name: str) -> None:
    """Raise ``pairing.NameTaken`` if another device of the account has ``name``.

    For who has to know before the change itself: somebody outside is told of it first.
    """
    if device.account.devices.filter(name=name).exclude(pk=device.pk).exists():
        raise pairing.NameTaken
