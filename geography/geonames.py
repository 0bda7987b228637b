"""Loads GeoNames' dump of countries, regions, time zones and cities.

1. The files are read before anything is written: a malformed one changes nothing.
2. Countries, regions and time zones are written in place, by their codes and names.
3. Cities follow (``geonames_cities``), then their other names (``geonames_names``).
4. Regions, time zones and countries that left the dump go, unless something refers to them.
"""

import uuid
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import NamedTuple

from django.db import models, transaction

from geography import geonames_cities, geonames_files, geonames_names, revision
from geography.geonames_files import CityRow, CountryRow, Progress, RegionRow, TimezoneRow
from geography.geonames_report import Report
from geography.models import City, Country, OtherCityName, Region, Timezone
from geography.names import fold
from geography.references import delete_unreferred

__all__ = ["Report", "load"]

Ids = dict[str, uuid.UUID]


class Dump(NamedTuple):
    """All that the files say."""

    countries: list[CountryRow]
    regions: list[RegionRow]
    timezones: list[TimezoneRow]
    cities: list[CityRow]
    names: geonames_names.Names = geonames_names.NONE


def load(
    source: Path | None = None,
    progress: Progress = lambda step, share: None,
    note_changed: Callable[[Report], None] = lambda report: None,
    *,
    with_other_names: bool = False,
) -> Report:
    """Make the tables say what the dump in folder ``source`` says, else today's from GeoNames.

    May be run again, and on two machines at once. ``note_changed`` is called in the transaction
    that writes, so that whoever shows these places learns of a change with the change.
    ``with_other_names`` downloads GeoNames' large file of names too; one in ``source`` is read
    anyway.

    Raises:
        GeonamesError: a file could not be had or read; nothing was changed.
    """
    report = Report()
    with geonames_files.folder(source, progress, with_other_names=with_other_names) as folder:
        dump = usable(read(folder, progress), report)
    with transaction.atomic():
        _store(dump, report, progress)
        note_changed(report)
    return report


def read(folder: Path, progress: Progress = lambda step, share: None) -> Dump:
    """Read the files of a dump."""
    progress("reading", 0)
    return Dump(
        geonames_files.read_countries(folder),
        geonames_files.read_regions(folder),
        geonames_files.read_timezones(folder),
        *geonames_names.read_with_cities(folder),
    )


def usable(dump: Dump, report: Report) -> Dump:
    """Leave out what lies in no country, region or time zone of the dump, and count it."""
    countries = {country.iso_code for country in dump.countries}
    regions = [region for region in dump.regions if region.country_code in countries]
    timezones = [zone for zone in dump.timezones if zone.country_code in countries]
    report.unknown_country = len(dump.regions) + len(dump.timezones)
    report.unknown_country -= len(regions) + len(timezones)
    region_codes = {region.region_code for region in regions}
    timezone_names = {zone.name for zone in timezones}
    placed = [city for city in dump.cities if city.region_code in region_codes]
    cities = [city for city in placed if city.timezone in timezone_names]
    report.unknown_region = len(dump.cities) - len(placed)
    report.unknown_timezone = len(placed) - len(cities)
    return Dump(dump.countries, regions, timezones, cities, dump.names)


def _store(dump: Dump, report: Report, progress: Progress) -> None:
    revision.renew()
    countries, renamed_countries = _store_countries(dump.countries)
    regions, renamed_regions = _store_regions(dump.regions, countries)
    timezones, report.changed_timezones = _store_timezones(dump.timezones, countries, report)
    geonames_cities.store(dump.cities, _hex(regions), _hex(timezones), report, progress)
    geonames_names.store(dump.names, progress)
    report.changed_cities |= set(
        City.objects.filter(
            models.Q(region__in=renamed_regions) | models.Q(region__country__in=renamed_countries)
        ).values_list("pk", flat=True)
    )
    _remove_left(Timezone, timezones)
    _remove_left(Region, regions)
    _remove_left(Country, countries)
    report.countries, report.regions = Country.objects.count(), Region.objects.count()
    report.timezones, report.cities = Timezone.objects.count(), City.objects.count()
    report.other_names = OtherCityName.objects.count()


def _store_countries(rows: list[CountryRow]) -> tuple[Ids, set[uuid.UUID]]:
    wanted = {row.iso_code: {"name": row.name, "search_name": _search_name(row)} for row in rows}
    return _upsert(Country, "iso_code", wanted)


def _store_regions(rows: list[RegionRow], countries: Ids) -> tuple[Ids, set[uuid.UUID]]:
    wanted = {
        row.region_code: {
            "country_id": countries[row.country_code],
            "name": row.name,
            "search_name": _search_name(row),
        }
        for row in rows
    }
    return _upsert(Region, "region_code", wanted)


def _store_timezones(
    rows: list[TimezoneRow], countries: Ids, report: Report
) -> tuple[Ids, set[uuid.UUID]]:
    zones = Timezone.objects.exclude(correction=None)
    corrected = {zone.name: (zone.gmt_offset, zone.dst_offset) for zone in zones}
    report.corrected += len(corrected)
    wanted = {}
    for row in rows:
        gmt_offset, dst_offset = corrected.get(row.name, (row.gmt_offset, row.dst_offset))
        wanted[row.name] = {
            "country_id": countries[row.country_code],
            "gmt_offset": gmt_offset,
            "dst_offset": dst_offset,
        }
    return _upsert(Timezone, "name", wanted)


def _hex(ids: Ids) -> dict[str, str]:
    return {name: row_id.hex for name, row_id in ids.items()}


def _search_name(row: CountryRow | RegionRow) -> str:
    return fold(row.name)[:100]


def _upsert(
    model: type[models.Model], key: str, wanted: Mapping[str, Mapping[str, object]]
) -> tuple[Ids, set[uuid.UUID]]:
    """Write the rows that are new or differ; return the ids of all wanted and of the changed."""
    columns = list(next(iter(wanted.values()), {}))
    rows = model._base_manager.values(key, *columns)
    stored = {row.pop(key): row for row in rows}
    differing = [name for name in wanted if stored.get(name) != wanted[name]]
    model._base_manager.bulk_create(
        [model(**{key: name}, **wanted[name]) for name in differing],
        update_conflicts=True,
        unique_fields=[key],
        update_fields=[column.removesuffix("_id") for column in columns],
    )
    ids = {name: pk for name, pk in model._base_manager.values_list(key, "pk") if name in wanted}
    return ids, {ids[name] for name in differing if name in stored}


def _remove_left(model: type[models.Model], ids: Ids) -> None:
    """Delete the rows that are not among ``ids``, as far as nothing refers to them."""
    stored = set(model._base_manager.values_list("pk", flat=True))
    delete_unreferred(model, stored - set(ids.values()))
