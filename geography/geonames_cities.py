"""Writes the cities of GeoNames' dump, in place.

1. Of several cities of one name in a region the most populous is chosen.
2. A city of ours that is not chosen goes, unless something refers to it: that one stays with its
   name, and whoever was chosen for this name is left out for as long.
3. Cities that differ are updated and new ones added, by GeoNames' id. Our ids never change.
"""

import uuid
from collections.abc import Iterable, Iterator
from contextlib import nullcontext

from django.db.models import CharField, Value
from django.db.models.functions import Cast, Concat

from geography import bulk
from geography.bulk import batches
from geography.geonames_files import CityRow, Progress
from geography.geonames_report import Report
from geography.models import City, Correction
from geography.names import fold
from geography.references import BATCH, delete_unreferred

Ids = dict[str, str]
Chosen = dict[str, dict[str, CityRow]]
_PIECE = 10_000  # cities read, written over or told of at a time


def store(
    rows: list[CityRow], regions: Ids, timezones: Ids, report: Report, progress: Progress
) -> None:
    """Make the table of cities say what ``rows`` say, and tell ``report``.

    ``regions`` and ``timezones`` hold our ids, as hexadecimal digits, by region code and name.
    """
    # As if they had left the dump: since something refers to them, they keep their names.
    of_cities = Correction.objects.exclude(city=None)
    corrected = set(of_cities.values_list("city__geonames_id", flat=True))
    report.corrected += len(corrected)
    rows = [row for row in rows if row.geonames_id not in corrected]
    chosen = most_populous(rows)
    wanted = {row.geonames_id: row for names in chosen.values() for row in names.values()}
    stored = set(City.objects.values_list("geonames_id", flat=True))
    _make_room(stored - wanted.keys(), chosen, wanted, report)
    report.kept -= len(corrected)
    report.duplicates = len(rows) - len(wanted)
    _update(wanted, regions, timezones, report)
    added = [row for row in wanted.values() if row.geonames_id not in stored]
    report.added = len(added)
    values = (_values(row, regions, timezones) for row in _told(added, progress))
    with nullcontext() if stored else bulk.indexed_afterwards(City):
        bulk.insert(City, values)


def _told(rows: list[CityRow], progress: Progress) -> Iterator[CityRow]:
    for number, row in enumerate(rows):
        if number % _PIECE == 0:
            progress("adding cities", number / len(rows))
        yield row


def most_populous(cities: Iterable[CityRow]) -> dict[str, dict[str, CityRow]]:
    """Return, by region code and name, the city of that name with the most people.

    Of equals it is the one that GeoNames has had for longest, so that every load agrees.
    """
    chosen: dict[str, dict[str, CityRow]] = {}
    for city in cities:
        namesakes = chosen.setdefault(city.region_code, {})
        other = namesakes.setdefault(city.name, city)
        if (city.population, -city.geonames_id) > (other.population, -other.geonames_id):
            namesakes[city.name] = city
    return chosen


def _make_room(
    left: Iterable[int], chosen: Chosen, wanted: dict[int, CityRow], report: Report
) -> None:
    """Delete the cities of GeoNames' ids ``left`` that nothing refers to.

    The others keep their names, so what was chosen under these is dropped from ``wanted``; where
    that is a city of ours about to be renamed, it is left in turn.
    """
    while places := _places(left):
        kept = delete_unreferred(City, set(places))
        report.kept += len(kept)
        report.removed += len(places) - len(kept)
        held = (places[city] for city in kept)
        rows = (chosen.get(region_code, {}).pop(name, None) for region_code, name in held)
        left = [row.geonames_id for row in rows if row is not None]
        for geonames_id in left:
            del wanted[geonames_id]


def _places(geonames_ids: Iterable[int]) -> dict[uuid.UUID, tuple[str, str]]:
    """Return region code and name of those of these cities that are stored."""
    places = {}
    for batch in batches(geonames_ids, BATCH):
        cities = City.objects.filter(geonames_id__in=batch)
        for city, region_code, name in cities.values_list("pk", "region__region_code", "name"):
            places[city] = (region_code, name)
    return places


def _update(wanted: dict[int, CityRow], regions: Ids, timezones: Ids, report: Report) -> None:
    """Write the stored cities that differ, and report those where one can see it."""
    columns = ("name", "region__region_code", "timezone__name", "latitude", "longitude")
    cities = City.objects.values_list("geonames_id", *columns, "population", "search_name")
    differing, visible, moved = [], [], []
    for *stored, search_name in cities.iterator(_PIECE):
        row = wanted.get(stored[0])
        if row is None or (tuple(stored) == row and search_name == _search_name(row)):
            continue
        differing.append(row)
        if tuple(stored[:-1]) != row[:-1]:
            visible.append(row.geonames_id)
        if tuple(stored[1:3]) != row[1:3]:
            moved.append(row.geonames_id)
    report.updated = len(differing)
    _park(moved)
    for piece in batches(differing, _PIECE):
        _overwrite([_values(row, regions, timezones) for row in piece])
    for batch in batches(visible, BATCH):
        ids = City.objects.filter(geonames_id__in=batch).values_list("pk", flat=True)
        report.changed_cities.update(ids)


def _park(geonames_ids: list[int]) -> None:
    """Give cities names that nobody wants, since two may be about to swap theirs."""
    name = Concat(Value("#"), Cast("geonames_id", CharField()))
    for batch in batches(geonames_ids, BATCH):
        City.objects.filter(geonames_id__in=batch).update(name=name)


def _overwrite(cities: list[bulk.Values]) -> None:
    """Write over the stored cities of these GeoNames' ids; only new ones would get the new id."""
    City.objects.bulk_create(
        [City(*values) for values in cities],  # type: ignore[misc]
        update_conflicts=True,
        unique_fields=["geonames_id"],
        update_fields=[field.name for field in City._meta.concrete_fields[2:]],
    )


def _values(row: CityRow, regions: Ids, timezones: Ids) -> bulk.Values:
    """Return what the columns of a new city hold."""
    return (
        uuid.uuid4().hex,
        row.geonames_id,
        regions[row.region_code],
        timezones[row.timezone],
        row.name,
        _search_name(row),
        row.latitude,
        row.longitude,
        row.population,
    )


def _search_name(row: CityRow) -> str:
    return fold(row.name)[:200]
