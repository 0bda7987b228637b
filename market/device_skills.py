"""The rows that say which skill is on which device: locking, finding and saving them."""

from collections.abc import Iterable
from uuid import UUID

from accounts.models import Account
from devices.models import Device
from market import registry
from market.definition_fields import Definition
from market.models import DeviceSkill, SettingsDefinition, Skill

LIMIT = 500  # a device


class TooManySkills(Exception):
    """The device would have more skills than one can store; nothing changed."""


def lock(device: Device) -> bool:
    """Make other writers of what is on ``device`` wait; tell whether it is still there."""
    rows = Device.objects.select_for_update(no_key=True).filter(pk=device.pk)
    return rows.values_list("pk").first() is not None


def lock_all_of(account_id: UUID) -> set[UUID]:
    """Make other writers of what is on the account's devices wait; return the ids of these.

    The account comes first, as in ``versions.bump_all_of``: two writers of several devices never
    wait for each other.
    """
    Account.objects.select_for_update(no_key=True).filter(pk=account_id).first()
    devices = Device.objects.select_for_update(no_key=True).filter(account=account_id)
    return set(devices.order_by("pk").values_list("pk", flat=True))


def find_or_begin(device: Device, skill: Skill) -> DeviceSkill:
    """Return the skill on ``device``; a new row, not saved, if it is not there yet.

    Raises:
        TooManySkills: a new one would be one too many.
    """
    rows = DeviceSkill.objects.filter(device=device)
    found = rows.filter(skill=skill).select_related("settings_definition").first()
    if found is None and rows.count() >= LIMIT:
        raise TooManySkills
    return found or DeviceSkill(device=device, skill=skill, is_in_manifest=False)


def definition_of(device_skill: DeviceSkill) -> Definition:
    """Return the definition of the skill's settings; an empty one if none came yet."""
    row = device_skill.settings_definition
    return row.definition if row else {}


def save_settings(device_skill: DeviceSkill, definition: SettingsDefinition) -> None:
    """Save the values that were assigned, under ``definition``; drop the one it replaces."""
    replaced = device_skill.settings_definition_id
    device_skill.settings_definition = definition
    if device_skill._state.adding:
        device_skill.save(force_insert=True)
        return
    device_skill.save(update_fields=["settings_definition", "settings", "secret_settings"])
    if replaced not in (None, definition.pk):
        registry.drop_unused([device_skill.skill_id])


def save_values(device_skills: Iterable[DeviceSkill]) -> None:
    """Save the values that were assigned."""
    DeviceSkill.objects.bulk_update(device_skills, ["settings", "secret_settings"])
