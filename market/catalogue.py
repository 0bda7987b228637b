"""The catalogue: what the marketplace shows, per core version."""

import re
import uuid
from dataclasses import dataclass
from uuid import UUID

import orjson
from django.conf import settings

from accounts.prepared import PreparedQuery
from market import registry
from market.conflicts import retried
from market.models import Catalogue, CatalogueEntry
from market.upstream.skill_metadata import CORE_VERSION, Unusable

_LOADED: PreparedQuery[tuple[str, UUID]] = PreparedQuery(
    lambda: Catalogue.objects.order_by().values_list("core_version", "revision")
)
GID_LENGTH = 300
NAMED = 10  # of the unusable entries


@dataclass(frozen=True)
class Counts:
    """What one load did; ``rejected`` names the entries that could not be used."""

    added: int
    updated: int
    unchanged: int
    removed: int
    rejected: tuple[str, ...] = ()

    def __str__(self) -> str:
        text = (
            f"{self.added} skills added, {self.updated} updated, {self.unchanged} unchanged, "
            f"{self.removed} removed"
        )
        return f"{text}, {len(self.rejected)} unusable: {self._named()}" if self.rejected else text

    def _named(self) -> str:
        more = ", ..." if len(self.rejected) > NAMED else ""
        return ", ".join(self.rejected[:NAMED]) + more


def load(core_version: str, metadata: dict[str, object]) -> Counts:
    """Make the catalogue of ``core_version`` what ``metadata`` (skill-metadata.json) has.

    Entries keep their ids, so that links to them and installs under way stay good.

    Raises:
        Unusable: no entry can be used, or it is no core version; nothing changed.
    """
    if not CORE_VERSION.fullmatch(core_version):
        raise Unusable(f"{core_version!r} is not a core version such as 21.02")
    usable, rejected = _sift(metadata)
    if not usable:
        raise Unusable(f"none of {len(rejected)} catalogue entries can be used")
    added, updated, removed = _replace(core_version, usable)
    return Counts(added, updated, len(usable) - added - updated, removed, rejected=tuple(rejected))


def shown_version() -> str:
    """Return the core version whose catalogue is shown: the configured or the newest loaded."""
    return settings.CORE_VERSION or shown()[0]


def shown() -> tuple[str, UUID | None]:
    """Return the core version that is shown, and what its catalogue's last change is known by."""
    loaded = dict(_LOADED())
    newest = max(loaded, key=_as_numbers, default="")
    core_version = settings.CORE_VERSION or newest
    return core_version, loaded.get(core_version)


def _as_numbers(core_version: str) -> list[int]:
    return [int(part) for part in re.findall(r"[0-9]+", core_version)]


def _sift(metadata: dict[str, object]) -> tuple[dict[str, object], list[str]]:
    """Return the entries by skill_gid, and the keys of those that cannot be used."""
    usable: dict[str, object] = {}
    rejected = []
    for key, entry in metadata.items():
        gid = _gid(entry)
        if not gid or gid in usable:
            rejected.append(key)
        else:
            usable[gid] = entry
    return usable, rejected


def _gid(entry: object) -> str:
    """Return what names the skill of ``entry``, "" if it cannot be stored."""
    gid = entry.get("skill_gid") if isinstance(entry, dict) else None
    if not isinstance(gid, str) or len(gid) > GID_LENGTH:
        return ""
    try:
        written = orjson.dumps(entry)
    except orjson.JSONEncodeError:  # nested deeper than anything that shows it could read
        return ""
    return "" if b"\\u0000" in written else gid


@retried
def _replace(core_version: str, usable: dict[str, object]) -> tuple[int, int, int]:
    """Write what differs; return how many entries were added, updated and removed."""
    # First, since the row's lock lets one load at a time through: none is hidden by another's.
    Catalogue.objects.update_or_create(
        core_version=core_version, defaults={"revision": uuid.uuid4()}
    )
    entries = CatalogueEntry.objects.filter(core_version=core_version).select_related("skill")
    current = {entry.skill.skill_gid: entry for entry in entries}
    added = [gid for gid in usable if gid not in current]
    updated = [gid for gid in usable if gid in current and current[gid].display_data != usable[gid]]
    gone = [entry for gid, entry in current.items() if gid not in usable]
    skills = registry.register(added + updated)
    CatalogueEntry.objects.bulk_create(
        [
            CatalogueEntry(core_version=core_version, skill=skills[gid], display_data=usable[gid])
            for gid in sorted(added + updated)
        ],
        update_conflicts=True,
        unique_fields=["core_version", "skill"],
        update_fields=["display_data"],
    )
    CatalogueEntry.objects.filter(pk__in=[entry.pk for entry in gone]).delete()
    registry.drop_unused([entry.skill_id for entry in gone])
    return len(added), len(updated), len(gone)
