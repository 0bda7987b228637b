"""Other names of cities, from GeoNames' dump.

Large cities have some in their own line, of whatever language. GeoNames' file of names, which is
optional, says of what language each is: the English ones of all cities are taken, and of large
cities those of no known language.

Names are added to those that are stored; only the file of names, which has them all, also has what
it does not hold removed. ``otherNames.txt`` (``geography.names``) has those that no file has.
"""

import uuid
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

from geography import bulk, geonames_files
from geography.bulk import batches
from geography.geonames_files import CityRow, Progress
from geography.models import City, OtherCityName
from geography.names import fold
from geography.references import BATCH

LARGE = 100_000  # people
SHORTEST = 4  # letters: shorter ones are codes of airports and abbreviations
LONGEST = 200
ENGLISH, UNKNOWN = "en", ""


class Names(NamedTuple):
    """Folded names by GeoNames' id, and whether all that there are."""

    by_city: dict[int, set[str]]
    is_complete: bool


NONE = Names({}, is_complete=False)


def read_with_cities(folder: Path) -> tuple[list[CityRow], Names]:
    """Read the cities and their other names."""
    cities: list[CityRow] = []
    names: dict[int, set[str]] = {}
    for city, line in geonames_files.read_cities_with_lines(folder):
        cities.append(city)
        if city.population >= LARGE:
            # Those with accents are mostly there without them, too.
            others = filter(str.isascii, geonames_files.other_names_of_line(line))
            _add(names, city, others)
    is_complete = (folder / geonames_files.OTHER_NAMES).exists()
    if is_complete:
        _read_all(folder, {city.geonames_id: city for city in cities}, names)
    return cities, Names(names, is_complete)


def store(names: Names, progress: Progress) -> None:
    """Add ``names`` to those of the stored cities; see above for what is removed."""
    done = 0
    for batch in batches(names.by_city, BATCH):
        progress("adding other names", done / len(names.by_city))
        _store_of(batch, names)
        done += len(batch)
    if names.is_complete:
        numbers = OtherCityName.objects.order_by().values_list("city__geonames_id", flat=True)
        for batch in batches(set(numbers.distinct()) - names.by_city.keys(), BATCH):
            OtherCityName.objects.filter(city__geonames_id__in=batch).delete()


def _store_of(geonames_ids: list[int], names: Names) -> None:
    """Write the names of some cities; all at once would take twice the memory of a load."""
    cities = City.objects.filter(geonames_id__in=geonames_ids).values_list("pk", "geonames_id")
    wanted = {(city, name) for city, number in cities for name in names.by_city[number]}
    rows = OtherCityName.objects.filter(city__geonames_id__in=geonames_ids).order_by()
    stored = {(city, name): pk for city, name, pk in rows.values_list("city", "search_name", "pk")}
    if names.is_complete:
        for batch in batches([stored[each] for each in stored.keys() - wanted], BATCH):
            OtherCityName.objects.filter(pk__in=batch).delete()
    new = wanted - stored.keys()
    bulk.insert(OtherCityName, ((uuid.uuid4().hex, city.hex, name) for city, name in new))


def _read_all(folder: Path, cities: dict[int, CityRow], names: dict[int, set[str]]) -> None:
    for row in geonames_files.read_other_names(folder):
        city = cities.get(row.geonames_id)
        if city is None:
            continue
        is_unknown_of_large = row.language == UNKNOWN and city.population >= LARGE
        if row.language == ENGLISH or is_unknown_of_large:
            _add(names, city, iter([row.name]))


def _add(names: dict[int, set[str]], city: CityRow, others: Iterator[str]) -> None:
    own = fold(city.name)
    folded = {fold(other) for other in others}
    usable = {
        name
        for name in folded
        if name != own and SHORTEST <= len(name) <= LONGEST and name.isascii()
    }
    if usable:
        names.setdefault(city.geonames_id, set()).update(usable)
