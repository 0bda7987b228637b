"""Saved places and dumps; a field that is not given is valid and nothing to lean on."""

import zipfile
from itertools import count

from geography.models import City, Country, Region, Timezone
from geography.names import fold

_numbers = count(1_000_000)
COUNTRY_HEADER = "# GeoNames.org Country Information\n#\n#ISO\tISO3\tISO-Numeric\tfips\tCountry\n"
TIMEZONE_HEADER = "CountryCode\tTimeZoneId\tGMT offset 1. Jan 2026\tDST offset 1. Jul 2026\n"


def make_country(iso_code="US", name="United States"):
    defaults = {"name": name, "search_name": fold(name)}
    return Country.objects.get_or_create(iso_code=iso_code, defaults=defaults)[0]


def make_region(region_code="US.MO", name="Missouri", country=None):
    defaults = {
        "country": country or make_country(),
        "name": name,
        "search_name": fold(name),
    }
    return Region.objects.get_or_create(region_code=region_code, defaults=defaults)[0]


def make_timezone(name="America/Chicago", country=None, gmt_offset=-6.0, dst_offset=-5.0):
    defaults = {
        "country": country or make_country(),
        "gmt_offset": gmt_offset,
        "dst_offset": dst_offset,
    }
    return Timezone.objects.get_or_create(name=name, defaults=defaults)[0]


def make_city(name="Kansas City", region=None, timezone=None, **fields):
    return City.objects.create(
        name=name,
        search_name=fold(name),
        region=region or make_region(),
        timezone=timezone or make_timezone(),
        **{"geonames_id": next(_numbers), "latitude": 39.1, "longitude": -94.6, **fields},
    )


def country_line(iso_code="US", name="United States"):
    return f"{iso_code}\tUSA\t840\tUS\t{name}" + "\t" * 14


def region_line(region_code="US.MO", name="Missouri"):
    return f"{region_code}\t{name}\t{name}\t4398678"


def timezone_line(name="America/Chicago", country_code="US", gmt_offset=-6.0, dst_offset=-5.0):
    return f"{country_code}\t{name}\t{gmt_offset}\t{dst_offset}\t{gmt_offset}"


def city_line(
    geonames_id,
    name="Kansas City",
    region_code="US.MO",
    timezone="America/Chicago",
    latitude=39.1,
    longitude=-94.6,
    population=1000,
    other_names="",
):
    country_code, _, code = region_code.partition(".")
    columns = [
        geonames_id,
        name,
        "",
        other_names,
        latitude,
        longitude,
        "P",
        "PPL",
        country_code,
        "",
    ]
    columns += [code, "", "", "", population, "", "", timezone, "2026-07-01"]
    return "\t".join(map(str, columns))


def name_line(geonames_id, name, language="en"):
    return f"1\t{geonames_id}\t{language}\t{name}" + "\t" * 6


def write_dump(folder, cities, countries=None, regions=None, timezones=None, names=None):
    """Write the files, with these lines, to ``folder``, and return it; that of names if given."""
    folder.mkdir(exist_ok=True)
    texts = {
        "countryInfo.txt": COUNTRY_HEADER + _joined(countries or [country_line()]),
        "admin1CodesASCII.txt": _joined(regions or [region_line()]),
        "timeZones.txt": TIMEZONE_HEADER + _joined(timezones or [timezone_line()]),
    }
    for name, text in texts.items():
        (folder / name).write_text(text, encoding="utf-8")
    with zipfile.ZipFile(folder / "cities500.zip", "w") as archive:
        archive.writestr("cities500.txt", _joined(cities))
    (folder / "alternateNamesV2.zip").unlink(missing_ok=True)
    if names is not None:
        with zipfile.ZipFile(folder / "alternateNamesV2.zip", "w") as archive:
            archive.writestr("alternateNamesV2.txt", _joined(names))
            archive.writestr("iso-languagecodes.txt", "")
    return folder


def _joined(lines):
    return "".join(f"{line}\n" for line in lines)
