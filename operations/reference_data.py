"""The reference data that ships with the project, in ``fixtures/``."""

import hashlib
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from django.conf import settings

from geography import geonames


@dataclass(frozen=True)
class Shipped:
    """Data that ships in ``fixtures/``; ``load`` is safe to repeat and returns what it did."""

    job: str
    what: str
    files: str
    load: Callable[[], str]

    def exists(self) -> bool:
        """Tell whether this copy of the project has the files."""
        return any(settings.FIXTURES_DIR.glob(self.files))

    def digest(self) -> str:
        """Return a digest of the files, which changes with the data."""
        digest = hashlib.sha256()
        for path in sorted(settings.FIXTURES_DIR.glob(self.files)):
            digest.update(f"{path.name} {path.stat().st_size} ".encode())
            digest.update(path.read_bytes())
        return digest.hexdigest()


def _load_places() -> str:
    return str(geonames.load(_folder("geonames")))


def _folder(name: str) -> Path:
    return Path(settings.FIXTURES_DIR) / name


SHIPPED = (Shipped("load_geonames", "countries, regions and cities", "geonames/*", _load_places),)
