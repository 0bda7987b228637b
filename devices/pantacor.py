"""How Pantacor updates the software of Mark IIs, as far as their owners have a say in it.

Pantacor is told and asked before anything is written here, and never in a transaction. Its own id
of a device is no secret, so it alone must not be enough to take somebody's device over: what is in
use on another account stays there.
"""

from django.conf import settings
from django.core.cache import cache
from django.db import IntegrityError, transaction
from django.utils.timezone import now

from accounts.models import Account
from accounts.upstream import http
from devices import contacts
from devices.models import Device, PairingSession, PantacorConfig
from devices.upstream import pantacor

ASKED_EVERY = 300  # seconds, for an update that waits for the owner
UnknownDevice = pantacor.UnknownDevice
Wish = str | bool


class NotClaimed(Exception):
    """Pantacor knows the device, but nobody has claimed it there yet."""


class UnknownDeployment(Exception):
    """No device of the account waits for this deployment."""


def sync(device: Device, pantacor_id: str) -> None:
    """Store what Pantacor says of ``device``, after telling it what was wished at the pairing.

    Raises:
        UnknownDevice: Pantacor knows no such device, or it is in use on another account.
        NotClaimed: the device may try again.
        NotConfigured, http.Unavailable, http.Busy: Pantacor could not be asked.
    """
    if _is_in_use_elsewhere(device, pantacor_id):
        raise UnknownDevice
    found = pantacor.device(pantacor_id)
    if not found.is_claimed:
        raise NotClaimed
    said: dict[str, Wish] = {
        "auto_update": found.auto_update,
        "release_channel": found.release_channel,
        "ssh_public_key": found.ssh_public_key,
    }
    session = PairingSession.objects.filter(device=device).first()
    wishes = (session and session.pantacor_wishes) or {}
    if news := {name: wish for name, wish in wishes.items() if said[name] != wish}:
        pantacor.change(pantacor_id, **news)
    settled = said | news
    deployment = "" if settled["auto_update"] else pantacor.pending_deployment(pantacor_id)
    _store(device, pantacor_id, settled, found.ip_address, deployment)


def note(device: Device, pantacor_id: str) -> None:
    """Note, in the transaction of its activation, that ``device`` says it is Pantacor's.

    A Mark II that was paired before takes its configuration along.
    """
    if not _is_in_use_elsewhere(device, pantacor_id):
        PantacorConfig.objects.filter(pantacor_id=pantacor_id).delete()
        PantacorConfig.objects.create(device=device, pantacor_id=pantacor_id)


def change(device: Device, **wishes: Wish) -> None:
    """Have Pantacor update ``device`` as its owner wishes, if it is one of its devices.

    Raises:
        NotConfigured, http.Unavailable, http.Busy: nothing changed.
    """
    config = PantacorConfig.objects.filter(device=device).first()
    if config is None:
        return
    news = {name: wish for name, wish in wishes.items() if getattr(config, name) != wish}
    if not news:
        return
    pantacor.change(config.pantacor_id, **news)
    fields = news | ({"deployment_id": ""} if news.get("auto_update") else {})
    PantacorConfig.objects.filter(device=device, pantacor_id=config.pantacor_id).update(**fields)
    cache.delete(_asked_key(config))


def refresh(config: PantacorConfig) -> None:
    """Ask Pantacor, now and then, whether an update waits for the owner of a device.

    What was known stays where Pantacor cannot be asked.
    """
    if config.auto_update or config.claimed_at is None or not settings.PANTACOR_API_TOKEN:
        return
    if not cache.add(_asked_key(config), True, ASKED_EVERY):
        return
    try:
        waiting = pantacor.pending_deployment(config.pantacor_id)
    except (http.Unavailable, http.Busy):
        return
    if waiting != config.deployment_id:
        config.deployment_id = waiting
        PantacorConfig.objects.filter(pk=config.pk).update(deployment_id=waiting)


def update_software(account: Account, deployment_id: str) -> None:
    """Let Pantacor deploy what waits for the owner's yes.

    Raises:
        UnknownDeployment: nothing changed.
        NotConfigured, http.Unavailable, http.Busy: nothing changed.
    """
    waiting = PantacorConfig.objects.filter(device__account=account, deployment_id=deployment_id)
    if not waiting.exists():
        raise UnknownDeployment
    pantacor.accept(deployment_id)
    waiting.update(deployment_id="")


def _is_in_use_elsewhere(device: Device, pantacor_id: str) -> bool:
    """Tell whether a device of another account is the one of this id, and not dormant."""
    configs = PantacorConfig.objects.filter(pantacor_id=pantacor_id).select_related("device")
    other = configs.exclude(device__account=device.account_id).first()
    if other is None:
        return False
    contact = contacts.latest([other.device])[other.device_id]
    return contact is not None and now() - contact < Device.DORMANT_AFTER


def _store(
    device: Device,
    pantacor_id: str,
    settled: dict[str, Wish],
    ip_address: str | None,
    deployment_id: str,
) -> None:
    known = {"ip_address": ip_address, "deployment_id": deployment_id, "claimed_at": now()}
    try:
        with transaction.atomic():
            Device.objects.select_for_update(no_key=True).get(pk=device.pk)
            PairingSession.objects.filter(device=device).update(pantacor_wishes=None)
            PantacorConfig.objects.filter(pantacor_id=pantacor_id).exclude(device=device).delete()
            PantacorConfig.objects.update_or_create(
                device=device, defaults={"pantacor_id": pantacor_id, **settled, **known}
            )
    except IntegrityError as error:  # another device says, at this moment, that it is this one
        raise UnknownDevice from error


def _asked_key(config: PantacorConfig) -> str:
    return f"pantacor-asked:{config.pk}"
