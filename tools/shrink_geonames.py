"""Makes the geography that ships in fixtures/geonames from a full dump of GeoNames.

    .venv/bin/python -m tools.shrink_geonames DIR

It keeps what a later load of the full dump would choose as well, so that this load only adds: every
place of 5,000 people and more, and each region's most populous one. Columns that nobody reads are
left empty; they make up half of the size.
"""

import argparse
import os
import shutil
import sys
import zipfile
from pathlib import Path

import django

MOST_BYTES = 3_000_000
POPULATION = 5_000
TARGET = Path(__file__).resolve().parent.parent / "fixtures" / "geonames"
# Of the file's 19, those that geography.geonames_files reads
COLUMNS = {0, 1, 4, 5, 8, 10, 14, 17}


def shrink(source: Path, target: Path) -> int:
    """Write the small dump to ``target``; return the number of its cities."""
    from geography import geonames, geonames_cities, geonames_files

    dump = geonames.usable(geonames.read(source), geonames.Report())
    kept = set()
    for names in geonames_cities.most_populous(dump.cities).values():
        most = max(names.values(), key=lambda city: city.population)
        kept.add(most.geonames_id)
        kept |= {city.geonames_id for city in names.values() if city.population >= POPULATION}
    lines = geonames_files.read_cities_with_lines(source)
    cities = [_reduced(line) for city, line in lines if city.geonames_id in kept]
    target.mkdir(parents=True, exist_ok=True)
    # One date for all runs, so that the same dump gives the same file.
    entry = zipfile.ZipInfo("cities500.txt", date_time=(2000, 1, 1, 0, 0, 0))
    with zipfile.ZipFile(target / geonames_files.CITIES, "w") as archive:
        archive.writestr(entry, "".join(cities), zipfile.ZIP_DEFLATED, compresslevel=9)
    for name in (geonames_files.COUNTRIES, geonames_files.REGIONS, geonames_files.TIMEZONES):
        shutil.copyfile(source / name, target / name)
    return len(cities)


def _reduced(line: str) -> str:
    columns = line.rstrip("\r\n").split("\t")
    return "\t".join(text if n in COLUMNS else "" for n, text in enumerate(columns)) + "\n"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("source", type=Path, help="folder of the full dump")
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "selene_project.settings")
    django.setup()
    count = shrink(parser.parse_args().source, TARGET)
    size = sum(path.stat().st_size for path in TARGET.iterdir())
    sys.stdout.write(f"{count:,} cities, {size:,} bytes\n")
    if size > MOST_BYTES:
        sys.exit(f"More than {MOST_BYTES:,} bytes")


if __name__ == "__main__":
    main()
