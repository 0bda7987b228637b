"""Access and refresh tokens of devices: issue, recognise, refresh, supersede, revoke.

A device gets a pair when it is activated and another whenever it refreshes. Answers get lost on
bad Wi-Fi, so a pair counts only once it is used: until then the one before it stays good and may
ask for yet another. The first use of a pair supersedes all that were issued before it.
"""

import hashlib
import secrets
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.conf import settings
from django.db import transaction
from django.db.models import CharField
from django.utils import timezone

from accounts import security, versions
from accounts.models import SecurityEventKind
from accounts.prepared import Given, PreparedQuery
from devices import contacts
from devices.models import Device, DeviceQuerySet, DeviceToken, PairingSession

TOKEN_BYTES = 64
# When the device shall refresh, in seconds; the server takes its token for longer than that.
EXPIRATION = 86_400
# Pairs whose answers may all have been lost; of more, the oldest are forgotten.
MAX_UNUSED = 8
# A superseded pair is remembered this long, to tell reuse from nonsense.
SUPERSEDED_KEPT = timedelta(days=30)


_WITH_ACCESS: PreparedQuery[DeviceToken] = PreparedQuery(
    lambda: (
        DeviceToken.objects.select_related("device__account")
        .filter(access_digest=Given("digest", CharField()), superseded_at=None)
        .order_by()
    )
)


class NotRecognised(Exception):
    """No such token, or it is superseded, revoked or too old."""


@dataclass(frozen=True)
class IssuedTokens:
    """What only the device may know; the database keeps digests."""

    device: Device
    access: str
    refresh: str


def digest(secret: str) -> str:
    """Return what is stored of ``secret``: SHA-256, which is enough for 512 random bits."""
    return hashlib.sha256(secret.encode()).hexdigest()


@transaction.atomic
def issue(device: Device) -> IssuedTokens:
    """Give ``device`` another pair; those it has stay good until this one is used."""
    tokens = IssuedTokens(device, secrets.token_hex(TOKEN_BYTES), secrets.token_hex(TOKEN_BYTES))
    DeviceToken.objects.create(
        device=device, access_digest=digest(tokens.access), refresh_digest=digest(tokens.refresh)
    )
    unused = device.tokens.filter(used_at=None, superseded_at=None).order_by("-id")
    device.tokens.filter(pk__in=list(unused.values_list("pk", flat=True)[MAX_UNUSED:])).delete()
    return tokens


def recognise(access_digest: str) -> Device:
    """Return the device, with its account, whose access token has this digest.

    Raises:
        NotRecognised: the device has to refresh or pair again.
    """
    pair = _WITH_ACCESS.first(digest=access_digest)
    if pair is None or _is_too_old(pair):
        raise NotRecognised
    if pair.used_at is None:
        _note_first_use(pair)
    return pair.device


def refresh(refresh_token: str, device_id: str = "") -> IssuedTokens:
    """Give a new pair to the device that holds ``refresh_token``.

    ``device_id`` is who the caller says it is, "" if it does not say.

    Raises:
        NotRecognised: nothing was issued; the use of a superseded token was recorded.
    """
    pairs = DeviceToken.objects.filter(refresh_digest=digest(refresh_token))
    with transaction.atomic():
        device = lock(Device.objects.filter(tokens__in=pairs))
        pair = pairs.filter(device=device).first()
        if pair is None or device_id not in ("", str(device.pk)):
            raise NotRecognised
        if pair.superseded_at is None:
            if pair.used_at is None:
                _note_first_use(pair)
            return issue(device)
    # Outside, because it wants the account's row, which others lock before the device's.
    security.record(
        SecurityEventKind.DEVICE_REFRESH_REUSED,
        account=device.account,
        device_id=device.pk,
    )
    raise NotRecognised


@transaction.atomic
def revoke(device: Device) -> None:
    """Make all tokens of ``device`` worthless: it has to be paired anew."""
    versions.bump(Device.objects.filter(pk=device.pk))
    device.tokens.all().delete()
    # Which could be asked, for a while after the pairing, to give tokens again.
    PairingSession.objects.filter(device=device).delete()


def purge() -> int:
    """Delete pairs that were superseded long ago; return how many."""
    limit = timezone.now() - SUPERSEDED_KEPT
    return DeviceToken.objects.filter(superseded_at__lt=limit).delete()[0]


@transaction.atomic
def _note_first_use(pair: DeviceToken) -> None:
    """Record that an answer with ``pair`` arrived, and supersede the pairs before it."""
    # Locked, because two pairs can be used for the first time at once: the later one counts.
    lock(Device.objects.filter(pk=pair.device_id))
    now = timezone.now()
    if not DeviceToken.objects.filter(pk=pair.pk, superseded_at=None).update(used_at=now):
        raise NotRecognised
    earlier = DeviceToken.objects.filter(device=pair.device_id, pk__lt=pair.pk, superseded_at=None)
    if earlier.update(superseded_at=now):
        versions.bump(Device.objects.filter(pk=pair.device_id))


def lock(devices: DeviceQuerySet) -> Device:
    """Return the one device, with its account, kept from changes until the transaction ends.

    Raises:
        NotRecognised: it is gone.
    """
    device = devices.select_for_update(of=("self",), no_key=True).select_related("account").first()
    if device is None:
        raise NotRecognised
    return device


def _is_too_old(pair: DeviceToken) -> bool:
    now = timezone.now()
    limit = settings.DEVICE_TOKEN_MAX_AGE
    if limit is not None and now - pair.issued_at > limit:
        return True
    idle = settings.DEVICE_TOKEN_IDLE
    return now - pair.issued_at > idle and now - _last_used_at(pair) > idle


def _last_used_at(pair: DeviceToken) -> datetime:
    """Return when ``pair`` was last used: as long as it is not superseded, a contact is its use."""
    contact = contacts.latest([pair.device])[pair.device_id]
    return max(pair.issued_at, contact) if pair.used_at and contact else pair.issued_at
