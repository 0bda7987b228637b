"""Skill settings as their owner sees and changes them, over all devices of the account."""

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import NamedTuple
from uuid import UUID

from django.db.models import UUIDField

from accounts import versions
from accounts.models import Account
from accounts.prepared import Given, PreparedQuery
from devices.models import Device
from market import definition_fields, device_skills, settings_values
from market.conflicts import retried
from market.definition_fields import Definition, Values
from market.models import DeviceSkill

_VALUES_OF_DEVICE: PreparedQuery[tuple[str, Values | None, str]] = PreparedQuery(
    lambda: (
        DeviceSkill.objects.filter(device=Given("device", UUIDField()))
        .order_by("skill")
        .values_list("skill__skill_gid", "settings", "secret_settings")
    )
)


class DeviceValues(NamedTuple):
    """What a device polls."""

    by_skill: dict[str, Values | None]  # by skill_gid
    has_secrets: bool


class UnknownSkill(Exception):
    """No device of the account has this skill of the family; nothing changed."""


@dataclass
class Settings:
    """Values that some devices of an account share, and the fields in which they are shown."""

    values: Values
    device_names: list[str] = field(default_factory=list)
    display: Definition | None = None


class UnknownDevice(Exception):
    """The account has no device of this name with the skill; nothing changed."""

    def __init__(self, edit: Settings, name: str) -> None:
        super().__init__(name)
        self.edit = edit


class UnfitValues(Exception):
    """The values, or that of ``setting``, cannot be taken; nothing changed."""

    def __init__(self, edit: Settings, reason: str, setting: str | None = None) -> None:
        super().__init__(reason)
        self.edit = edit
        self.setting = setting


def of_device(device: Device) -> DeviceValues:
    """Return the values of every skill on ``device``, in one query."""
    rows = _VALUES_OF_DEVICE(device=device.pk)
    return DeviceValues(
        by_skill={gid: settings_values.merge(values, secret) for gid, values, secret in rows},
        has_secrets=any(secret for _, _, secret in rows),
    )


def of_family(account: Account, family_name: str) -> list[Settings]:
    """Return one entry for each distinct definition and values, by device name."""
    groups: dict[tuple[bytes, bytes], Settings] = {}
    for row in sorted(_rows(account.pk, family_name), key=lambda row: row.device.name):
        display = definition_fields.display(device_skills.definition_of(row))
        values = settings_values.of(row) or {}
        key = definition_fields.canonical(display), definition_fields.canonical(values)
        group = groups.setdefault(key, Settings(values, display=display))
        if row.device.name not in group.device_names:
            group.device_names.append(row.device.name)
    return list(groups.values())


@retried
def change(
    account: Account, family_name: str, edits: list[Settings], skill_ids: Iterable[UUID]
) -> None:
    """Give the devices named in each of ``edits`` its values.

    ``skill_ids`` are the skills of the family meant, all if empty. Values for which a device's
    definition has no field are dropped: another device of the group may have an older one.

    Raises:
        UnknownSkill, UnknownDevice, UnfitValues: nothing changed.
    """
    device_skills.lock_all_of(account.pk)
    rows = _of_skills(list(_rows(account.pk, family_name)), set(skill_ids))
    changed: dict[UUID, DeviceSkill] = {}
    for edit in edits:
        changed |= {row.pk: row for row in _targets(rows, edit) if _apply(row, edit)}
    device_skills.save_values(changed.values())
    if changed:
        ids = {row.device_id for row in changed.values()}
        versions.bump(Device.objects.filter(pk__in=ids))


@retried
def replace(device_skill: DeviceSkill, values: Values | None) -> None:
    """Make ``values`` exactly those of one skill on one device, as staff may.

    A password that comes as ``settings_values.MASK`` stays as it is.

    Raises:
        settings_values.ValuesTooLarge: nothing changed.
    """
    if not device_skills.lock(device_skill.device):
        return
    device_skill.refresh_from_db(fields=["settings", "secret_settings", "settings_definition"])
    definition = device_skills.definition_of(device_skill)
    unmasked = settings_values.unmask(values, device_skill)
    if settings_values.assign(device_skill, unmasked, definition):
        device_skill.save(update_fields=["settings", "secret_settings"])
        versions.bump(Device.objects.filter(pk=device_skill.device_id))


def reset(device: Device) -> None:
    """Go back to the authors' defaults: other people get ``device``, which is locked."""
    rows = list(device.skills.select_related("settings_definition").order_by("pk"))
    for row in rows:
        definition = device_skills.definition_of(row)
        row.settings = definition_fields.values(definition) if definition else None
        row.secret_settings = ""
    device_skills.save_values(rows)
    versions.bump(Device.objects.filter(pk=device.pk))


def _rows(account_id: UUID, family_name: str) -> Iterable[DeviceSkill]:
    rows = DeviceSkill.objects.filter(device__account=account_id, skill__family_name=family_name)
    return rows.select_related("device", "skill", "settings_definition").order_by("skill", "pk")


def _of_skills(rows: list[DeviceSkill], skill_ids: set[UUID]) -> list[DeviceSkill]:
    if unknown := skill_ids - {row.skill_id for row in rows}:
        raise UnknownSkill(str(min(unknown)))
    return [row for row in rows if not skill_ids or row.skill_id in skill_ids]


def _targets(rows: list[DeviceSkill], edit: Settings) -> list[DeviceSkill]:
    """Return the rows that ``edit`` is for.

    A device may have two skills of one family, with different fields: the entry's own fields then
    tell which of the two is meant.
    """
    by_device: dict[str, list[DeviceSkill]] = defaultdict(list)
    for row in rows:
        by_device[row.device.name].append(row)
    targets = []
    for name in edit.device_names:
        if name not in by_device:
            raise UnknownDevice(edit, name)
        shown = [row for row in by_device[name] if _shows(row, edit.display)]
        targets += shown or by_device[name]
    return targets


def _shows(row: DeviceSkill, display: Definition | None) -> bool:
    shown = definition_fields.display(device_skills.definition_of(row))
    return definition_fields.canonical(shown) == definition_fields.canonical(display)


def _apply(row: DeviceSkill, edit: Settings) -> bool:
    """Lay the values of ``edit`` over those of ``row``; tell whether they differ."""
    definition = device_skills.definition_of(row)
    before = settings_values.of(row)
    new = dict(before or {})
    for setting in definition_fields.fields(definition):
        name = str(setting["name"])
        if name in edit.values and (name not in new or edit.values[name] != new[name]):
            new[name] = _fitting(edit, name, setting.get("type"))
    try:
        return settings_values.assign(row, new or before, definition)
    except settings_values.ValuesTooLarge as error:
        raise UnfitValues(edit, str(error)) from error


def _fitting(edit: Settings, name: str, kind: object) -> object:
    """Return the value of ``name`` as a field of type ``kind`` holds it.

    Empty is fine for every type, since that is what an emptied input sends.
    """
    value = definition_fields.normalise_value(kind, edit.values[name])
    if value is None or value == "":
        return value
    if kind == "checkbox" and not isinstance(value, bool):
        raise UnfitValues(edit, "true or false is required", name)
    if kind == "number" and (isinstance(value, bool) or not isinstance(value, int | float)):
        raise UnfitValues(edit, "a number is required", name)
    return value
