"""The skills of an account by family: one row for a skill, whatever branches its devices have."""

from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

from django.db.models import F, Q
from django.db.models.fields.json import KeyTextTransform

from accounts.models import Account
from market import catalogue
from market.models import CatalogueEntry, DeviceSkill

HAS_FIELDS = Q(settings_definition__definition__skillMetadata__sections__0__isnull=False)


@dataclass
class Family:
    """A skill as its owner knows it."""

    family_name: str
    name: str = ""
    market_id: UUID | None = None
    has_settings: bool = False
    skill_ids: list[UUID] = field(default_factory=list)


def of_account(account: Account) -> list[Family]:
    """Return what the devices of ``account`` have, by name."""
    families: dict[str, Family] = {}
    for row in _uses(account):
        family = families.setdefault(row["family_name"], Family(row["family_name"]))
        family.has_settings |= row["has_fields"]
        family.name = family.name or row["display_name"] or ""
        if row["skill_id"] not in family.skill_ids:
            family.skill_ids.append(row["skill_id"])
    _look_up(account, families)
    return sorted(families.values(), key=lambda found: (found.name.casefold(), found.family_name))


def _uses(account: Account) -> list[dict[str, Any]]:
    """Return each use of a skill on a device, in an order that databases agree on."""
    skills = DeviceSkill.objects.filter(device__account=account).values(
        "skill_id",
        skill_gid=F("skill__skill_gid"),
        family_name=F("skill__family_name"),
        display_name=KeyTextTransform("display_name", "settings_definition__definition"),
        has_fields=HAS_FIELDS,
    )
    rows = [dict(row) for row in skills]
    return sorted(rows, key=lambda row: (row["skill_gid"], row["display_name"] or ""))


def _look_up(account: Account, families: dict[str, Family]) -> None:
    """Give each family its place in the marketplace, and a name if its devices know none."""
    entries = CatalogueEntry.objects.filter(
        core_version=catalogue.shown_version(),
        skill__family_name__in=DeviceSkill.objects.filter(device__account=account).values(
            "skill__family_name"
        ),
    ).values_list("skill__family_name", "pk", KeyTextTransform("display_name", "display_data"))
    for family_name, entry_id, display_name in entries.order_by("pk"):
        if family := families.get(family_name):
            family.market_id = entry_id
            family.name = family.name or display_name or ""
    for family in families.values():
        family.name = family.name or family.family_name
