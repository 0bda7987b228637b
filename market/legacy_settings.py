"""Skill settings as devices before 19.08 exchange them: definition and values in one."""

import orjson

from accounts import versions
from devices.models import Device
from market import definition_fields, device_skills, registry, settings_definitions, settings_values
from market.conflicts import retried
from market.definition_fields import Definition, Field, Values
from market.models import DeviceSkill, SettingsDefinition, Skill

# Whoever installed a skill by hand on one device means that device.
INSTALLED_BY_HAND = ("voice", "cli")


def store(device: Device, skill_gid: str, sent: Definition) -> Skill:
    """Take the definition in ``sent`` for ``device``, and the values in it for the account.

    The values become the settings of ``device`` and of the account's other devices that have the
    skill, except where it was installed by hand. A field without value keeps its old one. The
    definition is stored without values, so that it is one for all devices.

    Raises:
        settings_definitions.DefinitionTooLarge, device_skills.TooManySkills,
        settings_values.ValuesTooLarge: nothing changed.
    """
    definition = definition_fields.normalise(sent)
    if len(definition_fields.canonical(definition)) > settings_definitions.LIMIT_BYTES:
        raise settings_definitions.DefinitionTooLarge
    return _store(device, skill_gid, definition)


def read(device: Device) -> list[dict[str, object]]:
    """Return the skills that have settings, as the device takes them."""
    rows = device.skills.exclude(settings_definition=None)
    rows = rows.select_related("skill", "settings_definition")
    return [_as_sent(row) for row in sorted(rows, key=lambda row: row.skill.skill_gid)]


def as_text(value: object) -> str:
    """Return ``value`` as these devices expect it: "True" and "False", lists as JSON."""
    if value is None:
        return ""
    if isinstance(value, list | dict):
        return orjson.dumps(value).decode()
    return str(value)


@retried
def _store(device: Device, skill_gid: str, definition: Definition) -> Skill:
    devices = device_skills.lock_all_of(device.account_id)
    skill = registry.register([skill_gid])[skill_gid]
    if device.pk not in devices:
        return skill
    row = settings_definitions.save_once(skill, definition_fields.without_values(definition))
    values = definition_fields.values(definition)
    changed = [other.device_id for other in _give_to_others(device, row, values)]
    if _give_to(device_skills.find_or_begin(device, skill), row, values):
        changed.append(device.pk)
    if changed:
        versions.bump(Device.objects.filter(pk__in=changed))
    return skill


def _give_to(device_skill: DeviceSkill, row: SettingsDefinition, values: Values) -> bool:
    """Save definition and values on the device that sent them; tell whether anything differs."""
    differs = _assign(device_skill, row.definition, values)
    if not differs and device_skill.settings_definition_id == row.pk:
        return False
    device_skills.save_settings(device_skill, row)
    return True


def _give_to_others(device: Device, row: SettingsDefinition, values: Values) -> list[DeviceSkill]:
    """Save the values on the account's other devices; return those where they differ."""
    others = (
        DeviceSkill.objects.filter(device__account=device.account_id, skill=row.skill_id)
        .exclude(device=device)
        .exclude(origin__in=INSTALLED_BY_HAND)
        .select_related("settings_definition")
    )
    changed = []
    for other in others:
        if other.settings_definition is None:
            other.settings_definition = row
        if _assign(other, other.settings_definition.definition, values):
            changed.append(other)
    DeviceSkill.objects.bulk_update(changed, ["settings_definition", "settings", "secret_settings"])
    return changed


def _assign(device_skill: DeviceSkill, definition: Definition, values: Values) -> bool:
    """Lay ``values`` over those there were, as far as ``definition`` has the fields."""
    names = definition_fields.names(definition)
    together = (settings_values.of(device_skill) or {}) | values
    known = {name: value for name, value in together.items() if name in names}
    return settings_values.assign(device_skill, known, definition)


def _as_sent(row: DeviceSkill) -> dict[str, object]:
    definition = device_skills.definition_of(row)
    values = settings_values.of(row) or {}
    sections = [
        section | {"fields": [_with_value(field, values) for field in section.get("fields") or []]}
        for section in definition_fields.sections(definition)
    ]
    return {
        "uuid": str(row.skill_id),
        "skill_gid": row.skill.skill_gid,
        "identifier": definition.get("identifier") or row.skill.skill_gid,
        "skillMetadata": {"sections": sections},
    }


def _with_value(field: Field, values: Values) -> Field:
    name = field.get("name")
    return field | {"value": as_text(values[name])} if name and name in values else field
