"""The manifest (skillJson): which skills a device says it has.

Devices send it at every start and every hour, mostly unchanged; that costs one query and no lock.

A skill can be on a device before a manifest names it, because at a start skills send their
settings definitions while the manifest is still being made, or was made just before. Such a skill
outlives manifests without it for ``PATIENCE``: until then another, made later, has come for sure.
Skills of devices before 19.08 outlive them for good, whose manifests have no ids.
"""

from dataclasses import asdict, dataclass, field, fields, replace
from datetime import timedelta

from django.utils import timezone

from accounts import versions
from devices.models import Device
from market import device_skills, installing, registry
from market.conflicts import retried
from market.models import DeviceSkill, Installation, Skill

PATIENCE = timedelta(days=1)


@dataclass(frozen=True)
class Entry:
    """A skill as a manifest has it; its fields are those of DeviceSkill."""

    skill_gid: str
    name: str = ""
    origin: str = ""
    installation: str = Installation.INSTALLED
    failure_message: str = ""
    status: str = ""
    is_beta: bool = False
    installed_seconds: float | None = None
    updated_seconds: float | None = None
    position: int = field(default=0)


COLUMNS = [column.name for column in fields(Entry) if column.name != "skill_gid"]


def store(device: Device, entries: list[Entry]) -> None:
    """Make the manifest of ``device`` exactly ``entries``.

    Entries without a skill_gid are passed over. Of several with the same the last counts, as
    mycroft-core has it: a 400 would keep all other skills from being known. The settings of
    skills that stay are untouched. A device that was removed meanwhile changes nothing.

    Raises:
        device_skills.TooManySkills: nothing changed.
    """
    named = {entry.skill_gid: entry for entry in entries if entry.skill_gid}
    if len(named) > device_skills.LIMIT:
        raise device_skills.TooManySkills
    wanted = {
        gid: replace(entry, position=position)
        for position, (gid, entry) in enumerate(named.items())
    }
    added, changed, removed = _differences(device, wanted)
    if added or changed or removed:
        _store(device, wanted)


def read(device: Device) -> list[Entry]:
    """Return the manifest as ``device`` sent it last."""
    rows = device.skills.filter(is_in_manifest=True).select_related("skill").order_by("position")
    return [_entry(row) for row in rows.defer("settings", "secret_settings")]


@retried
def remove(device: Device, skill_gid: str) -> None:
    """Take a skill from ``device``; nothing happens if it is not there."""
    if not device_skills.lock(device):
        return
    removed = list(device.skills.filter(skill__skill_gid=skill_gid))
    if removed:
        _remove(removed)
        versions.bump(Device.objects.filter(pk=device.pk))
        installing.settle(device, {}, added=[], gone={registry.family_name(skill_gid)})


@retried
def _store(device: Device, wanted: dict[str, Entry]) -> None:
    if not device_skills.lock(device):
        return
    added, changed, removed = _differences(device, wanted)
    stays = device.skills.count() - len(removed)
    if stays + len(added) > device_skills.LIMIT:
        raise device_skills.TooManySkills
    _remove(removed)
    _write(device, [wanted[gid] for gid in added + changed])
    # What the device polls for is which skills have which settings, not how they are installed.
    if added or removed:
        versions.bump(Device.objects.filter(pk=device.pk))
    _settle(device, wanted, added, removed)


def _settle(
    device: Device, wanted: dict[str, Entry], added: list[str], removed: list[DeviceSkill]
) -> None:
    told = {registry.family_name(gid): entry for gid, entry in wanted.items()}
    gone = {row.skill.family_name for row in removed} - told.keys()
    installing.settle(device, told, [registry.family_name(gid) for gid in added], gone)


def _differences(
    device: Device, wanted: dict[str, Entry]
) -> tuple[list[str], list[str], list[DeviceSkill]]:
    """Return the skills to add, those to change, and the rows to remove."""
    rows = device.skills.select_related("skill").defer("settings", "secret_settings")
    current = {row.skill.skill_gid: row for row in rows}
    added = [gid for gid in wanted if gid not in current]
    changed = [
        gid
        for gid, entry in wanted.items()
        if gid in current and (not current[gid].is_in_manifest or _entry(current[gid]) != entry)
    ]
    removed = [row for gid, row in current.items() if gid not in wanted and not _is_awaited(row)]
    return added, changed, removed


def _is_awaited(row: DeviceSkill) -> bool:
    if row.is_in_manifest:
        return False
    return row.awaited_since is None or row.awaited_since > timezone.now() - PATIENCE


def _entry(row: DeviceSkill) -> Entry:
    return Entry(row.skill.skill_gid, **{column: getattr(row, column) for column in COLUMNS})


def _write(device: Device, entries: list[Entry]) -> None:
    """Insert or update the skills of ``entries``; the settings of known ones stay."""
    skills = registry.register([entry.skill_gid for entry in entries])
    rows = [_row(device, skills[entry.skill_gid], entry) for entry in entries]
    DeviceSkill.objects.bulk_create(
        sorted(rows, key=lambda row: row.skill_id),
        update_conflicts=True,
        unique_fields=["device", "skill"],
        update_fields=[*COLUMNS, "is_in_manifest", "awaited_since"],
    )


def _row(device: Device, skill: Skill, entry: Entry) -> DeviceSkill:
    columns = {name: value for name, value in asdict(entry).items() if name != "skill_gid"}
    return DeviceSkill(device=device, skill=skill, is_in_manifest=True, **columns)


def _remove(rows: list[DeviceSkill]) -> None:
    if rows:
        DeviceSkill.objects.filter(pk__in=[row.pk for row in rows]).delete()
        registry.drop_unused([row.skill_id for row in rows])
