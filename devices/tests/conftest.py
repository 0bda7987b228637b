"""Fixtures that only the tests of devices use."""

import pytest

from devices import reference
from geography.models import City, Country, Region, Timezone


def _city(number, city, region_code, region, timezone, offsets, coordinate):
    iso_code = region_code[:2]
    country, _ = Country.objects.get_or_create(
        iso_code=iso_code,
        defaults={"name": {"US": "United States", "CA": "Canada"}[iso_code]},
    )
    return City.objects.create(
        geonames_id=number,
        name=city,
        search_name=city.lower(),
        region=Region.objects.get_or_create(
            region_code=region_code,
            defaults={"country": country, "name": region, "search_name": region.lower()},
        )[0],
        timezone=Timezone.objects.get_or_create(
            name=timezone,
            defaults={"country": country, "gmt_offset": offsets[0], "dst_offset": offsets[1]},
        )[0],
        latitude=coordinate[0],
        longitude=coordinate[1],
    )


@pytest.fixture
def kansas_city(db):
    offsets, coordinate = (-6.0, -5.0), (39.09973, -94.57857)
    return _city(1, "Kansas City", "US.MO", "Missouri", "America/Chicago", offsets, coordinate)


@pytest.fixture
def san_francisco(db):
    offsets, coordinate = (-8.0, -7.0), (37.77493, -122.41942)
    zone = "America/Los_Angeles"
    return _city(2, "San Francisco", "US.CA", "California", zone, offsets, coordinate)


@pytest.fixture
def vancouver(db):
    offsets, coordinate = (-8.0, -7.0), (49.24966, -123.11934)
    zone = "America/Vancouver"
    return _city(3, "Vancouver", "CA.02", "British Columbia", zone, offsets, coordinate)


@pytest.fixture
def shipped(db):
    """The voices, wake words and tags that ship with the project."""
    reference.load_shipped()
