"""Places that were corrected, and what a load makes of them."""

import pytest

from geography import correcting, places
from geography.models import City, Correction, Timezone
from geography.tests.factories import (
    city_line,
    make_city,
    make_timezone,
    timezone_line,
)

pytestmark = pytest.mark.django_db
OZARK, SPRINGFIELD = city_line(1, "Ozark"), city_line(2, "Springfield")


def test_a_corrected_city_stays_as_it_is_when_places_are_loaded_anew(load):
    load(OZARK, SPRINGFIELD)
    city = City.objects.get(geonames_id=1)
    correcting.correct_city(city, name="Ozark City", latitude=37.0)

    report = load(OZARK, SPRINGFIELD)

    city.refresh_from_db()
    assert (city.name, city.search_name, city.latitude) == ("Ozark City", "ozark city", 37.0)
    assert (report.corrected, report.kept, report.updated, report.duplicates) == (1, 0, 0, 0)
    assert "1 left as corrected here" in str(report)


def test_a_city_of_the_dump_with_the_name_that_was_given_is_left_out(load):
    load(OZARK)
    correcting.correct_city(City.objects.get(), name="Springfield")

    load(OZARK, SPRINGFIELD)

    assert [city.geonames_id for city in City.objects.all()] == [1]


def test_a_corrected_city_that_left_the_dump_stays(load):
    load(OZARK, SPRINGFIELD)
    correcting.correct_city(City.objects.get(geonames_id=1), population=7)

    load(SPRINGFIELD)

    assert City.objects.count() == 2


def test_a_place_given_back_is_what_geonames_says_after_the_next_load(load):
    load(OZARK)
    city, zone = City.objects.get(), Timezone.objects.get()
    correcting.correct_city(city, name="Ozark City")
    correcting.correct_timezone(zone, gmt_offset=1.0)

    given_back = [correcting.give_back(place) for place in (city, zone, city)]
    load(OZARK)

    assert given_back == [True, True, False]
    assert City.objects.get().name == "Ozark"
    assert Timezone.objects.get().gmt_offset == -6.0
    assert not Correction.objects.exists()


def test_a_corrected_time_zone_keeps_its_offsets(load):
    load(OZARK)
    correcting.correct_timezone(Timezone.objects.get(), dst_offset=-6.0)

    report = load(OZARK, timezones=[timezone_line(gmt_offset=-7.0, dst_offset=-5.0)])

    zone = Timezone.objects.get()
    assert (zone.gmt_offset, zone.dst_offset) == (-6.0, -6.0)
    assert report.changed_timezones == set()
    assert report.corrected == 1


def test_what_was_read_before_a_correction_is_not_kept(load):
    load(OZARK)
    before = places.find("ozark")

    correcting.correct_city(City.objects.get(), latitude=1.5)

    assert (before["latitude"], places.find("ozark")["latitude"]) == (39.1, 1.5)


def test_a_name_that_another_city_of_the_region_has_is_refused():
    city, other = make_city("Ozark"), make_city("Springfield")

    with pytest.raises(correcting.NameTaken):
        correcting.correct_city(city, name="Springfield")

    assert {each.name for each in City.objects.all()} == {"Ozark", "Springfield"}
    assert not Correction.objects.exists()
    assert other.region == city.region


def test_a_city_tells_which_time_zone_it_had():
    city, zone = make_city(), make_timezone("America/New_York")
    before = city.timezone_id

    assert correcting.correct_city(city, timezone=zone) == before
    assert City.objects.get().timezone == zone
