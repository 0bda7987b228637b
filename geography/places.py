"""Finding the place that a person means, as device skills pass it on: "kansas city missouri".

1. The text is read as a city's name and a rest, in every way: "kansas" + "city missouri", "kansas
   city" + "missouri", and so on. Regions and countries named in the rest tell namesakes apart.
2. Unless such a reading accounts for the whole text, it is read as a region's name as well, then as
   a country's, and means the most populous city there.
3. If still nothing accounts for it, it is read as one of GeoNames' other names of a city.
4. The reading that accounts for the most letters wins; of equals a city before a region before a
   country, then the longer name, then the city whose region is named, then the most populous.

At most five queries, whatever the text, and one for a text that somebody asked for lately.
"""

from collections.abc import Iterable, Iterator, Sequence
from typing import NamedTuple, TypedDict

from django.db.models import OuterRef, QuerySet, Subquery

from geography import revision
from geography.models import City, OtherCityName, Region
from geography.names import fold, other_names, spellings

MAX_CHARACTERS = 200  # longer than any name, with region and country
MAX_WORDS = 12


class Place(TypedDict):
    """A city as `/v1/geolocation` shows it; degrees north and east."""

    city: str
    country: str
    region: str
    latitude: float
    longitude: float
    timezone: str


class _Candidate(NamedTuple):
    city: str
    search_name: str
    latitude: float
    longitude: float
    timezone: str
    region: str
    region_search_name: str
    region_code: str
    country: str
    country_search_name: str
    iso_code: str
    population: int
    geonames_id: int


class _Reading(NamedTuple):
    """A candidate and how well it fits; the greatest of several is meant."""

    letters: int  # of the text that it accounts for
    rank: int  # of what is named at the start: 2 a city, 1 a region, 0 a country, -1 otherwise
    words: int  # of that name
    region_letters: int
    population: int
    age: int  # GeoNames' lowest id wins, so that the answer is always the same
    candidate: _Candidate


_COLUMNS = (
    "name",
    "search_name",
    "latitude",
    "longitude",
    "timezone__name",
    "region__name",
    "region__search_name",
    "region__region_code",
    "region__country__name",
    "region__country__search_name",
    "region__country__iso_code",
    "population",
    "geonames_id",
)


def find(location: str) -> Place | None:
    """Return the place that ``location`` means, or None if nothing fits."""
    return _find(*fold(location[:MAX_CHARACTERS]).split()[:MAX_WORDS])


@revision.kept(4_096)
def _find(*words: str) -> Place | None:
    text = _Text(words)
    best = max(_readings(text), default=None)
    if best is None:
        return None
    found = best.candidate
    return Place(
        city=found.city,
        country=found.country,
        region=found.region,
        latitude=found.latitude,
        longitude=found.longitude,
        timezone=found.timezone,
    )


class _Text:
    """The words that were asked for."""

    def __init__(self, words: Sequence[str]) -> None:
        self.words = words
        self._mentions: dict[int, dict[str, int]] = {}

    def __str__(self) -> str:
        return " ".join(self.words)

    def letters(self, words: int) -> int:
        """Return how many letters the first ``words`` words have."""
        return sum(map(len, self.words[:words]))

    def starts(self, others: dict[str, str]) -> dict[str, int]:
        """Return the names that the text may start with, and of how many of its words each is."""
        names: dict[str, int] = {}
        for count in range(1, len(self.words) + 1):
            start = " ".join(self.words[:count])
            names |= dict.fromkeys({*spellings(start), others.get(start, start)}, count)
        return names

    def mentions(self, words: int) -> dict[str, int]:
        """Return the names that may be behind the first ``words`` words, and their letters."""
        if words not in self._mentions:
            self._mentions[words] = dict(_mentions(self.words[words:]))
        return self._mentions[words]


def _mentions(words: Sequence[str]) -> Iterator[tuple[str, int]]:
    """Yield the names that any run of ``words`` may be, longer runs later."""
    others = other_names()
    for length in range(1, len(words) + 1):
        for start in range(len(words) - length + 1):
            run = words[start : start + length]
            phrase, letters = " ".join(run), sum(map(len, run))
            for names in (others.regions, others.countries, others.codes):
                yield names.get(phrase, phrase), letters
            yield from ((spelling, letters) for spelling in spellings(phrase))


def _readings(text: _Text) -> list[_Reading]:
    known = other_names()
    readings: list[_Reading] = []
    # On their own "USA" and "Holland" are countries, not the villages of this name.
    if str(text) not in known.countries and str(text) not in known.regions:
        names = text.starts(known.cities)
        cities = City.objects.filter(search_name__in=names)
        readings = [_read(text, city, names[city.search_name], 2) for city in _candidates(cities)]
    if not _is_explained(text, readings):
        names = text.starts(known.regions)
        cities = _most_populous(Region.objects.filter(search_name__in=names))
        readings += [
            _read(text, city, names[city.region_search_name], 1) for city in _candidates(cities)
        ]
    if not _is_explained(text, readings):
        names = text.starts(known.countries)
        cities = _most_populous(Region.objects.filter(country__search_name__in=names))
        readings += [
            _read(text, city, names[city.country_search_name], 0) for city in _candidates(cities)
        ]
    if not _is_explained(text, readings):
        names = text.starts({})
        others = OtherCityName.objects.filter(search_name__in=names)
        columns = [f"city__{column}" for column in _COLUMNS]
        readings += [
            _read(text, _Candidate(*city), names[name], -1)
            for name, *city in others.order_by().values_list("search_name", *columns)
        ]
    return readings


def _is_explained(text: _Text, readings: Iterable[_Reading]) -> bool:
    whole = text.letters(len(text.words))
    return any(reading.letters == whole for reading in readings)


def _most_populous(regions: QuerySet[Region]) -> QuerySet[City]:
    """Return the most populous city of each of ``regions``."""
    cities = City.objects.filter(region=OuterRef("pk")).order_by("-population", "geonames_id")
    largest = regions.annotate(largest=Subquery(cities.values("pk")[:1])).values("largest")
    return City.objects.filter(pk__in=largest)


def _candidates(cities: QuerySet[City]) -> Iterator[_Candidate]:
    return map(_Candidate._make, cities.order_by().values_list(*_COLUMNS))


def _read(text: _Text, candidate: _Candidate, words: int, rank: int) -> _Reading:
    """Read the first ``words`` of the text as the name of the candidate, its region or country."""
    mentions = text.mentions(words)
    state = candidate.region_code.partition(".")[2].lower()
    region = max(
        mentions.get(candidate.region_search_name, 0),
        mentions.get(state, 0) if state.isalpha() else 0,
    )
    country = max(
        mentions.get(candidate.country_search_name, 0),
        mentions.get(candidate.iso_code.lower(), 0),
    )
    named = text.letters(words)
    rest = text.letters(len(text.words)) - named
    return _Reading(
        letters=named + min(rest, region + country),
        rank=rank,
        words=words,
        region_letters=region,
        population=candidate.population,
        age=-candidate.geonames_id,
        candidate=candidate,
    )
