"""Settings definitions (settingsMeta) that devices send.

1. The values in it are normalised and the whole is stored once, whatever the number of devices.
2. A device's first definition of a skill brings values: those another device of the account has,
   if they are somebody's choice, else the author's defaults.
3. A later one that differs keeps the values of fields that remain.

The same definition again, as devices send it at every start, is recognised without a lock.
"""

from django.utils import timezone

from accounts import versions
from devices.models import Device
from market import definition_fields, device_skills, registry, settings_values
from market.conflicts import Overtaken, retried
from market.definition_fields import Definition, Values
from market.models import DeviceSkill, SettingsDefinition, Skill

LIMIT_BYTES = 65_536


class DefinitionTooLarge(Exception):
    """The definition is over 64 KB as JSON; nothing changed."""


def store(device: Device, skill_gid: str, sent: Definition) -> None:
    """Take ``sent`` as the definition of the skill's settings on ``device``.

    The skill may be one that no manifest has named yet. A device that was removed meanwhile
    changes nothing.

    Raises:
        DefinitionTooLarge, device_skills.TooManySkills, settings_values.ValuesTooLarge: nothing
            changed.
    """
    definition = definition_fields.normalise(sent)
    kept = definition_fields.without_passwords(definition)
    if len(definition_fields.canonical(definition)) > LIMIT_BYTES:
        raise DefinitionTooLarge
    if not _is_known(device, skill_gid, kept):
        _store(device, skill_gid, definition, kept)


def save_once(skill: Skill, definition: Definition) -> SettingsDefinition:
    """Return the one row of ``definition``, also when several devices bring it at once."""
    digest = definition_fields.digest(definition)
    rows = SettingsDefinition.objects.filter(skill=skill, digest=digest)
    row = rows.first()
    if row is None:
        new = SettingsDefinition(skill=skill, digest=digest, definition=definition)
        SettingsDefinition.objects.bulk_create([new], ignore_conflicts=True)
        row = rows.first()
    if row is None:
        raise Overtaken
    return row


def _is_known(device: Device, skill_gid: str, kept: Definition) -> bool:
    return DeviceSkill.objects.filter(
        device=device,
        skill__skill_gid=skill_gid,
        settings_definition__digest=definition_fields.digest(kept),
    ).exists()


@retried
def _store(device: Device, skill_gid: str, definition: Definition, kept: Definition) -> None:
    # Asked again, because a device may repeat itself before it is answered.
    if not device_skills.lock(device) or _is_known(device, skill_gid, kept):
        return
    skill = registry.register([skill_gid])[skill_gid]
    device_skill = device_skills.find_or_begin(device, skill)
    if device_skill._state.adding:
        device_skill.awaited_since = timezone.now()
    if device_skill.settings_definition is None:
        values, also_secret = _first_values(device, skill, definition)
        values = _with_asked_for(device_skill, values, definition)
    else:
        values, also_secret = _kept_values(device_skill, definition), set()
    settings_values.assign(device_skill, values, kept, also_secret)
    device_skills.save_settings(device_skill, save_once(skill, kept))
    versions.bump(Device.objects.filter(pk=device.pk))


def _first_values(
    device: Device, skill: Skill, definition: Definition
) -> tuple[Values | None, set[str]]:
    """Return what the settings start from, and which of it is a secret elsewhere."""
    if "skillMetadata" not in definition:
        return None, set()
    defaults = definition_fields.values(definition)
    others = (
        DeviceSkill.objects.filter(
            device__account=device.account_id, skill__family_name=skill.family_name
        )
        .exclude(device=device)
        .exclude(settings_definition=None)
        .select_related("settings_definition")
        .order_by("device__created_at", "pk")
    )
    for other in others:
        if _is_choice(other, definition_fields.names(definition)):
            return defaults | (settings_values.of(other) or {}), settings_values.secret_names(other)
    return defaults, set()


def _with_asked_for(
    device_skill: DeviceSkill, values: Values | None, definition: Definition
) -> Values | None:
    """Return ``values`` with what the marketplace asked of the installer before it told of them."""
    asked = settings_values.of(device_skill) or {}
    names = definition_fields.names(definition)
    return (values or {}) | {n: asked[n] for n in asked if n in names} if asked else values


def _is_choice(other: DeviceSkill, names: set[str]) -> bool:
    """Tell whether ``other`` has the settings ``names``, and not as their author set them."""
    definition = device_skills.definition_of(other)
    if not names or definition_fields.names(definition) != names:
        return False
    defaults = definition_fields.canonical(definition_fields.values(definition))
    return definition_fields.canonical(settings_values.of(other)) != defaults


def _kept_values(device_skill: DeviceSkill, definition: Definition) -> Values | None:
    """Return the values of the fields that remain, and the defaults of new ones."""
    if "skillMetadata" not in definition:
        return None
    values = settings_values.of(device_skill) or {}
    kept = {
        field["name"]: definition_fields.normalise_value(field.get("type"), values[field["name"]])
        for field in definition_fields.fields(definition)
        if field["name"] in values
    }
    return definition_fields.values(definition) | kept
