"""The files of GeoNames' dump: fetching and reading them.

The formats are those of https://download.geonames.org/export/dump/readme.txt: UTF-8, a record a
line, its columns separated by tabs.
"""

import fcntl
import io
import os
import shutil
import tempfile
import zipfile
import zlib
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import NamedTuple, TypeVar

import requests
from django.conf import settings

COUNTRIES = "countryInfo.txt"
REGIONS = "admin1CodesASCII.txt"
TIMEZONES = "timeZones.txt"
CITIES = "cities500.zip"
_CITIES_MEMBER = "cities500.txt"
OTHER_NAMES = "alternateNamesV2.zip"  # optional: 200 MB, and most of it is of other languages
_OTHER_NAMES_MEMBER = "alternateNamesV2.txt"
_PREFIX = "geonames-"  # of temporary folders
_TIME_LIMITS = (10, 60)  # seconds to connect, and between two pieces of an answer
_PIECE = 1 << 18

# Reports how much of a file is there, from 0 to 1
Progress = Callable[[str, float], None]
Row = TypeVar("Row", bound=tuple)


class GeonamesError(Exception):
    """The dump cannot be loaded; nothing was changed."""


class Unavailable(GeonamesError):
    """GeoNames' server did not give a file."""


class Malformed(GeonamesError):
    """A file is missing or is not what GeoNames documents."""


class CountryRow(NamedTuple):
    iso_code: str
    name: str


class RegionRow(NamedTuple):
    region_code: str
    name: str

    @property
    def country_code(self) -> str:
        return self.region_code.partition(".")[0]


class TimezoneRow(NamedTuple):
    name: str
    country_code: str
    gmt_offset: float
    dst_offset: float


class CityRow(NamedTuple):
    geonames_id: int
    name: str
    region_code: str
    timezone: str
    latitude: float
    longitude: float
    population: int


class NameRow(NamedTuple):
    geonames_id: int
    language: str  # ISO 639, "" if GeoNames does not know, or what is no language ("link", "iata")
    name: str


@contextmanager
def folder(
    source: Path | None, progress: Progress, *, with_other_names: bool = False
) -> Iterator[Path]:
    """Give the folder of the dump: ``source``, else a temporary one with the files of today.

    Raises:
        Unavailable: a file could not be downloaded.
    """
    if source is not None:
        yield source
        return
    with _download_folder() as name, requests.Session() as session:
        others = (OTHER_NAMES,) if with_other_names else ()
        for file_name in (COUNTRIES, REGIONS, TIMEZONES, CITIES, *others):
            _download(session, file_name, name / file_name, progress)
        yield name


@contextmanager
def _download_folder() -> Iterator[Path]:
    """Give a temporary folder, and remove those of who was killed: they have no lock any more."""
    for left in Path(tempfile.gettempdir()).glob(f"{_PREFIX}*"):
        with suppress(OSError), _locked(left):
            shutil.rmtree(left)
    with tempfile.TemporaryDirectory(prefix=_PREFIX) as name, _locked(Path(name)):
        yield Path(name)


@contextmanager
def _locked(path: Path) -> Iterator[None]:
    """Lock the folder; BlockingIOError if another process has."""
    handle = os.open(path, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW)
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        yield
    finally:
        os.close(handle)


def read_countries(path: Path) -> list[CountryRow]:
    """Read ``countryInfo.txt``."""
    return _read_text(path / COUNTRIES, _country)


def read_regions(path: Path) -> list[RegionRow]:
    """Read ``admin1CodesASCII.txt``."""
    return _read_text(path / REGIONS, _region)


def read_timezones(path: Path) -> list[TimezoneRow]:
    """Read ``timeZones.txt``, whose first line names the columns."""
    return _read_text(path / TIMEZONES, _timezone, header_lines=1)


def read_cities(path: Path) -> list[CityRow]:
    """Read ``cities500.zip``."""
    return [row for row, _ in read_cities_with_lines(path)]


def read_cities_with_lines(path: Path) -> Iterator[tuple[CityRow, str]]:
    """Yield each city of ``cities500.zip`` with the line that it was read from."""
    known: dict[str, str] = {}  # one string for all cities of a region or time zone
    yield from _read_zip(path / CITIES, _CITIES_MEMBER, lambda columns: _city(columns, known))


def other_names_of_line(line: str) -> list[str]:
    """Return the other names, of whatever language, in a line of ``cities500.zip``."""
    return line.split("\t", 4)[3].split(",")


def read_other_names(path: Path) -> Iterator[NameRow]:
    """Yield what ``alternateNamesV2.zip`` says; nothing if it is not there."""
    archive = path / OTHER_NAMES
    if archive.exists():
        yield from (row for row, _ in _read_zip(archive, _OTHER_NAMES_MEMBER, _other_name))


def _read_zip(
    archive: Path, member: str, parse: Callable[[list[str]], Row]
) -> Iterator[tuple[Row, str]]:
    try:
        with zipfile.ZipFile(archive) as opened, opened.open(member) as file:
            lines = io.TextIOWrapper(file, encoding="utf-8", newline="\n")
            yield from _parse(archive, lines, parse)
    except (OSError, KeyError, zipfile.BadZipFile, zlib.error) as error:
        raise Malformed(f"{archive}: {error}") from error


def _read_text(path: Path, parse: Callable[[list[str]], Row], header_lines: int = 0) -> list[Row]:
    try:
        with path.open(encoding="utf-8", newline="\n") as lines:
            return [row for row, _ in _parse(path, lines, parse, header_lines)]
    except OSError as error:
        raise Malformed(f"{path}: {error.strerror}") from error


def _parse(
    path: Path, lines: Iterable[str], parse: Callable[[list[str]], Row], header_lines: int = 0
) -> Iterator[tuple[Row, str]]:
    """Yield what each record says and its line, passing over comments.

    Raises:
        Malformed: a record is not as documented, or there is none: to an empty file every place
            would have left the dump.
    """
    number, is_empty = 0, True
    try:
        for number, line in enumerate(lines, start=1):
            if number > header_lines and line[0] != "#" and not line.isspace():
                yield parse(line.rstrip("\r\n").split("\t")), line
                is_empty = False
    except UnicodeDecodeError as error:  # of a block of lines
        raise Malformed(f"{path}: {error}") from error
    except (ValueError, IndexError) as error:
        raise Malformed(f"{path}, line {number}: {error}") from error
    if is_empty:
        raise Malformed(f"{path}: no records")


def _country(columns: list[str]) -> CountryRow:
    return CountryRow(_text(columns[0], 2), _text(columns[4], 100))


def _region(columns: list[str]) -> RegionRow:
    return RegionRow(_text(columns[0], 20), _text(columns[1], 200))


def _timezone(columns: list[str]) -> TimezoneRow:
    offsets = _number(columns[2], 15), _number(columns[3], 15)
    return TimezoneRow(_text(columns[1], 50), columns[0], *offsets)


def _city(columns: list[str], known: dict[str, str]) -> CityRow:
    region_code, timezone = f"{columns[8]}.{columns[10]}", columns[17]
    return CityRow(
        geonames_id=_count(columns[0], 2**31),
        name=_text(columns[1], 200),
        region_code=known.setdefault(region_code, region_code),
        timezone=known.setdefault(timezone, timezone),
        latitude=_number(columns[4], 90),
        longitude=_number(columns[5], 180),
        population=_count(columns[14], 2**63),
    )


def _other_name(columns: list[str]) -> NameRow:
    return NameRow(int(columns[1]), columns[2], columns[3])


def _text(value: str, longest: int) -> str:
    value = value.strip()
    if not 0 < len(value) <= longest or "\0" in value:
        raise ValueError(f"{value[:40]!r} is not a name or code of at most {longest} characters")
    return value


def _number(value: str, most: int) -> float:
    number = float(value)
    if not -most <= number <= most:
        raise ValueError(f"{value[:40]!r} is not between -{most} and {most}")
    return number


def _count(value: str, limit: int) -> int:
    number = int(value)
    if not 0 <= number < limit:
        raise ValueError(f"{value[:40]!r} is not between 0 and {limit}")
    return number


def _download(session: requests.Session, name: str, path: Path, progress: Progress) -> None:
    url = f"{settings.GEONAMES_URL}/{name}"
    try:
        with (
            session.get(url, stream=True, timeout=_TIME_LIMITS) as response,
            path.open("wb") as file,
        ):
            response.raise_for_status()
            size = int(response.headers.get("Content-Length") or 0)
            for piece in response.iter_content(_PIECE):
                file.write(piece)
                progress(f"downloading {name}", min(file.tell() / size, 1) if size else 0)
    except requests.RequestException as error:
        raise Unavailable(f"{url}: {error}") from error
