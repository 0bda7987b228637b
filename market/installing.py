"""Installing and removing skills from the marketplace, by way of the installer skill on devices.

1. A click puts the skill's name on the list ``to_install`` or ``to_remove`` in the settings of the
   installer skill on every device of the account, and takes it from the other list.
2. Each device polls its settings; its installer skill does what the lists say and sends a manifest.
3. What a manifest says is done is taken off the lists of that device. Were it left there, a skill
   that its owner removes by voice would come back with the next change of the installer's settings.

The lists hold ``{"name": N}``, as the released installer skill reads them. Until a manifest tells
of the skill, or for ``PATIENCE`` if none ever does, the marketplace shows it as on its way.
"""

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Protocol
from uuid import UUID

import orjson
from django.db.models import Q, QuerySet
from django.utils import timezone

from accounts import versions
from accounts.models import Account
from devices.models import Device
from market import device_skills, marketplace, settings_values
from market.conflicts import retried
from market.definition_fields import Values
from market.models import CatalogueEntry, DeviceSkill, Installation, InstallRequest, Request

LISTS = {Request.INSTALL: "to_install", Request.REMOVE: "to_remove"}
# Known by the name that its definition gives it; before that came, by what it is called.
IS_INSTALLER = Q(settings_definition__definition__display_name="Installer") | Q(
    skill__family_name="mycroft-installer"
)
PATIENCE = timedelta(days=1)
UNDER_WAY = {Installation.INSTALLING, Installation.UNINSTALLING}
BY_HAND = ("voice", "cli")
# Which of the states that a skill has on several devices is shown
PRECEDENCE = [
    Installation.FAILED,
    Installation.INSTALLING,
    Installation.UNINSTALLING,
    Installation.INSTALLED,
]


class UnknownEntry(Exception):
    """The marketplace has no skill of this id; nothing changed."""


class NoInstaller(Exception):
    """No device of the account has the installer skill; nothing changed."""


@dataclass
class Status:
    """How a skill is on the devices of an account."""

    states: set[str] = field(default_factory=set)
    failures: list[str] = field(default_factory=list)
    skill_ids: set[UUID] = field(default_factory=set)

    @property
    def state(self) -> str:
        return next(state for state in PRECEDENCE if state in self.states)


class Told(Protocol):
    """What a manifest tells of a skill."""

    @property
    def origin(self) -> str: ...

    @property
    def installation(self) -> str: ...


@retried
def ask(account: Account, market_id: UUID, request: Request) -> None:
    """Have every device of ``account`` install or remove a skill of the marketplace.

    Raises:
        UnknownEntry, NoInstaller, settings_values.ValuesTooLarge: nothing changed.
    """
    entry = CatalogueEntry.objects.select_related("skill").filter(pk=market_id).first()
    if entry is None:
        raise UnknownEntry
    device_skills.lock_all_of(account.pk)
    installers = list(_installers(DeviceSkill.objects.filter(device__account=account)))
    if not installers:
        raise NoInstaller
    name = marketplace.skill_name(entry)
    _save([row for row in installers if _put(row, name, request)])
    InstallRequest.objects.update_or_create(
        account=account,
        family_name=entry.skill.family_name,
        defaults={"request": request, "requested_at": timezone.now()},
    )


def settle(
    device: Device, told: Mapping[str, Told], added: Collection[str], gone: set[str]
) -> None:
    """Take off what a manifest of ``device`` says is done; all names are those of families.

    Call it with the device locked, in the transaction that stores the manifest. ``told`` is what it
    tells of the skills that it has, ``added`` are those among them that are new, ``gone`` are those
    that were there before.
    """
    done = {family for family, skill in told.items() if skill.installation not in UNDER_WAY}
    requests = InstallRequest.objects.filter(account=device.account_id)
    requests.filter(
        Q(request=Request.INSTALL, family_name__in=done)
        | Q(request=Request.REMOVE, family_name__in=gone)
    ).delete()
    # Who installs a skill by hand means it, whatever the marketplace was asked before.
    by_hand = {family for family in added if told[family].origin in BY_HAND}
    settled = {Request.INSTALL: done, Request.REMOVE: gone | by_hand}
    _save([row for row in _installers(device.skills.all()) if _take_off(row, settled)])


def statuses(account: Account) -> dict[str, Status]:
    """Return how each skill is, by family: on the devices of ``account``, or on its way there."""
    found: dict[str, Status] = {}
    skills = DeviceSkill.objects.filter(device__account=account).order_by("device", "skill")
    for family, skill_id, installation, failure in skills.values_list(
        "skill__family_name", "skill_id", "installation", "failure_message"
    ):
        status = found.setdefault(family, Status())
        status.states.add(installation)
        status.skill_ids.add(skill_id)
        if installation == Installation.FAILED and failure:
            status.failures.append(failure)
    recent = InstallRequest.objects.filter(
        account=account, requested_at__gt=timezone.now() - PATIENCE
    )
    for family, request in recent.values_list("family_name", "request"):
        is_install = request == Request.INSTALL
        state = Installation.INSTALLING if is_install else Installation.UNINSTALLING
        found.setdefault(family, Status()).states = {state}
    return found


def by_key(found: dict[str, Status]) -> dict[str, Status]:
    """Return ``found`` by what clients look a skill up by: its ids, and that in the marketplace."""
    keyed = {str(skill_id): status for status in found.values() for skill_id in status.skill_ids}
    for listed in marketplace.listing():
        if status := found.get(listed.family_name):
            keyed[listed.summary["id"]] = status
            keyed.setdefault(str(listed.skill_id), status)
    return keyed


def _installers(skills: QuerySet[DeviceSkill]) -> QuerySet[DeviceSkill]:
    return skills.filter(IS_INSTALLER).select_related("settings_definition").order_by("pk")


def _put(installer: DeviceSkill, name: str, request: Request) -> bool:
    """Put ``name`` on the list for ``request`` and take it off the other; tell of any change."""
    names = {each: _names(installer, each) for each in LISTS}
    for each, listed in names.items():
        if each == request and name not in listed:
            listed.append(name)
        elif each != request and name in listed:
            listed.remove(name)
    return _assign(installer, names[Request.INSTALL], names[Request.REMOVE])


def _take_off(installer: DeviceSkill, settled: dict[Request, set[str]]) -> bool:
    """Take what is settled off the lists; tell of any change."""
    to_install, to_remove = (
        [name for name in _names(installer, each) if name not in settled[each]] for each in LISTS
    )
    return _assign(installer, to_install, to_remove)


def _names(installer: DeviceSkill, request: Request) -> list[str]:
    """Return the names on a list, which may be JSON text, as authors write it."""
    listed = (settings_values.of(installer) or {}).get(LISTS[request])
    if isinstance(listed, str):
        try:
            listed = orjson.loads(listed)
        except orjson.JSONDecodeError:
            listed = []
    entries = listed if isinstance(listed, list) else []
    names = [entry.get("name") if isinstance(entry, dict) else entry for entry in entries]
    return list(dict.fromkeys(name for name in names if isinstance(name, str)))


def _assign(installer: DeviceSkill, to_install: list[str], to_remove: list[str]) -> bool:
    """Give ``installer`` the two lists; tell whether there is anything to save."""
    if [_names(installer, each) for each in LISTS] == [to_install, to_remove]:
        return False
    lists: Values = {
        LISTS[Request.INSTALL]: [{"name": name} for name in to_install],
        LISTS[Request.REMOVE]: [{"name": name} for name in to_remove],
    }
    values = (settings_values.of(installer) or {}) | lists
    return settings_values.assign(installer, values, device_skills.definition_of(installer))


def _save(installers: list[DeviceSkill]) -> None:
    if installers:
        device_skills.save_values(installers)
        versions.bump(Device.objects.filter(pk__in={row.device_id for row in installers}))
