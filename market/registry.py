"""The skills this server knows, by global id, and their end when nobody needs them any more."""

from collections.abc import Collection
from uuid import UUID

from django.db.models import Q

from market.conflicts import Overtaken, retried
from market.models import SettingsDefinition, Skill

BATCH = 500


def family_name(skill_gid: str) -> str:
    """Return the part of ``skill_gid`` that names the skill, on whatever branch or device.

    ``name|branch``, ``@<device id>|name|branch``, ``@<device id>|folder`` or a dotted id.
    """
    first, *others = skill_gid.split("|")
    if not others:
        name = skill_gid.removesuffix(".mark2")
    else:
        name = others[0] if first.startswith("@") else first
    return name or skill_gid


def register(skill_gids: Collection[str]) -> dict[str, Skill]:
    """Return the skills of these ids, made known where they are not yet."""
    skills = Skill.objects.in_bulk(skill_gids, field_name="skill_gid")
    # Sorted, so that two devices that bring the same new skills do not wait for each other.
    if new := sorted(set(skill_gids) - set(skills)):
        Skill.objects.bulk_create(
            [Skill(skill_gid=gid, family_name=family_name(gid)) for gid in new],
            ignore_conflicts=True,
        )
        skills |= Skill.objects.in_bulk(new, field_name="skill_gid")
    if len(skills) < len(set(skill_gids)):
        raise Overtaken
    return skills


def drop_unused(skill_ids: Collection[UUID]) -> int:
    """Delete, of these skills, the definitions no device uses, and those skills nobody needs.

    A skill is needed while a device has it or a catalogue shows it. Call it in the transaction
    that took away a use. Returns the number of rows deleted.
    """
    # Locked in one order: of two devices that end the last uses at once, the second sees it.
    skills = Skill.objects.select_for_update(no_key=True).filter(pk__in=skill_ids).order_by("pk")
    locked = list(skills.values_list("pk", flat=True))
    unused = SettingsDefinition.objects.filter(skill__in=locked, device_skills=None)
    definitions, _ = unused.defer("definition").delete()
    orphans = Skill.objects.filter(pk__in=locked, device_skills=None, catalogue_entries=None)
    return definitions + orphans.delete()[0]


def purge_unused() -> int:
    """Delete every unused definition and orphaned skill, as removed devices leave them."""
    orphaned = Q(device_skills=None, catalogue_entries=None)
    defined_in_vain = Q(
        pk__in=SettingsDefinition.objects.filter(device_skills=None).values("skill")
    )
    skills = Skill.objects.filter(orphaned | defined_in_vain).distinct().order_by("pk")
    found = list(skills.values_list("pk", flat=True))
    return sum(
        retried(drop_unused)(found[start : start + BATCH]) for start in range(0, len(found), BATCH)
    )
