"""The reference data that ships with the project, in ``fixtures/``."""

import hashlib
import re
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from django.conf import settings

from accounts import agreements, memberships
from devices import reference
from market import catalogue
from market.upstream import skill_metadata
from operations import places

BASICS = ("agreements/*", "memberships.json", "devices/*")
CATALOGUE_FILE = re.compile(r"skill-metadata-([0-9]+)\.([0-9]+)\.json")


@dataclass(frozen=True)
class Shipped:
    """Data that ships; ``load`` is safe to repeat and returns what it did."""

    job: str  # whose runs tell what was loaded last
    what: str
    files: tuple[str, ...]  # patterns in fixtures/
    load: Callable[[], str]

    def digest(self) -> str:
        """Return a digest of the files, which changes with the data."""
        digest = hashlib.sha256()
        for path in self.paths():
            digest.update(f"{path.name} {path.stat().st_size} ".encode())
            digest.update(path.read_bytes())
        return digest.hexdigest()

    def paths(self) -> list[Path]:
        """Return the files that are there."""
        folder = Path(settings.FIXTURES_DIR)
        return sorted(path for pattern in self.files for path in folder.glob(pattern))


def newest_catalogue() -> tuple[str, Path]:
    """Return core version and file of the configured catalogue that ships, else the newest."""
    found = {}
    for path in _folder("skills").iterdir():
        if match := CATALOGUE_FILE.fullmatch(path.name):
            found[int(match[1]), int(match[2])] = (f"{match[1]}.{match[2]}", path)
    configured = [each for each in found.values() if each[0] == settings.CORE_VERSION]
    return configured[0] if configured else found[max(found)]


def _load_basics() -> str:
    count = agreements.load_shipped(_folder("agreements"))
    count += memberships.load_shipped(_folder("memberships.json"))
    count += reference.load_shipped(_folder("devices"))
    return f"{count} agreements, memberships, voices, wake words and sample tags"


def _load_places() -> str:
    return str(places.load(_folder("geonames")))


def _load_skills() -> str:
    core_version, path = newest_catalogue()
    counts = catalogue.load(core_version, skill_metadata.read(path))
    return f"core {core_version}: {counts}"


def _folder(name: str) -> Path:
    return Path(settings.FIXTURES_DIR) / name


SHIPPED = (
    Shipped("load_basics", "agreements, voices and wake words", BASICS, _load_basics),
    Shipped("load_skills", "the skill catalogue", ("skills/*.json",), _load_skills),
    Shipped("load_geonames", "countries, regions and cities", ("geonames/*",), _load_places),
)
