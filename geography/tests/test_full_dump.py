"""The full dump, where SELENE_TEST_DATA names its folder: as much as the first Selene had."""

import pytest

from geography import geonames, places
from geography.geonames_files import read_cities
from geography.models import City, Country, Region
from geography.tests.conftest import SHIPPED
from geography.tests.test_places import RECORDED

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("all_places")]


def without_id(place):
    return {key: value for key, value in place.items() if key != "id"}


def test_the_countries_are_those_recorded(client):
    countries = client.get("/api/countries").json()

    recorded = [
        {"isoCode": "US", "name": "United States"},
        {"isoCode": "AD", "name": "Andorra"},
        {"isoCode": "ZW", "name": "Zimbabwe"},
    ]
    listed = [without_id(country) for country in countries]
    assert len(countries) == 252
    assert [country for country in recorded if country not in listed] == []
    assert [country["name"] for country in countries][:3] == [
        "Afghanistan",
        "Aland Islands",
        "Albania",
    ]


def test_the_regions_of_the_united_states_are_those_recorded(client):
    country = Country.objects.get(iso_code="US")

    regions = client.get(f"/api/regions?country={country.pk}").json()

    recorded = [
        {"name": "California", "regionCode": "US.CA"},
        {"name": "Alabama", "regionCode": "US.AL"},
        {"name": "Wyoming", "regionCode": "US.WY"},
    ]
    listed = [without_id(region) for region in regions]
    assert len(regions) == 51
    assert [region for region in recorded if region not in listed] == []
    assert (listed[0], listed[-1]) == (recorded[1], recorded[2])


def test_the_cities_of_california_are_those_recorded(client):
    region = Region.objects.get(region_code="US.CA")

    cities = client.get(f"/api/cities?region={region.pk}").json()

    zone = "America/Los_Angeles"
    recorded = [
        ("Imperial Beach", 32.58394, -117.11308, zone),
        ("Potrero", 32.60478, -116.61307, zone),
        ("Dorris", 41.96737, -121.91806, zone),
    ]
    keys = ("name", "latitude", "longitude", "timezone")
    listed = [tuple(city[key] for key in keys) for city in cities]
    # The first Selene listed 1,242, with 20 names twice; here a name is unique in its region.
    assert len(cities) == len({city["name"] for city in cities}) == 1222
    assert [city for city in recorded if city not in listed] == []
    assert [set(city) for city in cities] == [{"id", *keys}] * len(cities)


def test_the_time_zones_of_the_united_states_are_those_recorded(client):
    country = Country.objects.get(iso_code="US")

    timezones = client.get(f"/api/timezones?country={country.pk}").json()

    recorded = [
        {"dstOffset": -10.0, "gmtOffset": -10.0, "name": "Pacific/Honolulu"},
        {"dstOffset": -4.0, "gmtOffset": -5.0, "name": "America/Detroit"},
        {"dstOffset": -9.0, "gmtOffset": -10.0, "name": "America/Adak"},
    ]
    listed = [without_id(zone) for zone in timezones]
    assert len(timezones) == 29
    assert [zone for zone in recorded if zone not in listed] == []


@pytest.mark.parametrize("location", RECORDED)
def test_a_recorded_question_is_answered_as_recorded(location):
    assert places.find(location) == RECORDED[location]


def test_the_geography_that_ships_has_all_larger_places_and_one_of_each_region():
    shipped = {row.geonames_id for row in read_cities(SHIPPED)}

    larger = set(City.objects.filter(population__gte=5_000).values_list("geonames_id", flat=True))
    everywhere = set(City.objects.values_list("region", flat=True))
    regions = set(City.objects.filter(geonames_id__in=shipped).values_list("region", flat=True))

    assert larger - shipped == set()
    assert regions == everywhere


def test_the_full_dump_only_adds_to_what_ships(all_places):
    shipped, report = all_places

    stored = dict(City.objects.values_list("geonames_id", "pk"))

    assert (report.updated, report.removed, report.kept) == (0, 0, 0)
    assert report.added == len(stored) - len(shipped) == 159_177
    assert {number: stored.get(number) for number in shipped} == shipped


def test_a_second_load_changes_nothing(full_dump):
    before = dict(City.objects.values_list("geonames_id", "pk"))

    report = geonames.load(full_dump)

    assert (report.added, report.updated, report.removed) == (0, 0, 0)
    assert (report.duplicates, report.unknown_region, report.unknown_timezone) == (6_118, 885, 0)
    assert dict(City.objects.values_list("geonames_id", "pk")) == before
