"""Loading dumps: what is stored, what stays, what is reported."""

import random
import uuid

import pytest
from django.db import IntegrityError, connection

from geography import bulk, geonames
from geography.models import City, Country, Region, Timezone
from geography.tests.factories import (
    city_line,
    country_line,
    make_city,
    region_line,
    timezone_line,
    write_dump,
)

US_REGIONS = [region_line("US.MO", "Missouri"), region_line("US.KS", "Kansas")]


def names():
    """Return which GeoNames' id has which name."""
    return dict(City.objects.values_list("geonames_id", "name"))


def ids():
    """Return our ids by what identifies the rows in GeoNames."""
    return {
        model: dict(model.objects.values_list(key, "pk"))
        for model, key in [
            (Country, "iso_code"),
            (Region, "region_code"),
            (Timezone, "name"),
            (City, "geonames_id"),
        ]
    }


def test_a_dump_is_stored(load):
    report = load(city_line(1, "Ozark-St. Charles", latitude=38.5, longitude=-90.5, population=9))

    city = City.objects.select_related("region__country", "timezone__country").get()
    assert (report.countries, report.regions, report.timezones, report.cities) == (1, 1, 1, 1)
    assert (city.geonames_id, city.name, city.search_name) == (
        1,
        "Ozark-St. Charles",
        "ozark st charles",
    )
    assert (city.latitude, city.longitude, city.population) == (38.5, -90.5, 9)
    assert (city.region.region_code, city.region.name) == ("US.MO", "Missouri")
    assert (city.region.country.iso_code, city.region.country.name) == ("US", "United States")
    assert (city.timezone.name, city.timezone.country) == ("America/Chicago", city.region.country)
    assert (city.timezone.gmt_offset, city.timezone.dst_offset) == (-6.0, -5.0)


def test_a_name_may_hold_what_copy_writes_otherwise(load):
    load(city_line(1, "Back\\slash\\N"), city_line(2, "\\N"), city_line(3, 'Quo"te'))

    assert names() == {1: "Back\\slash\\N", 2: "\\N", 3: 'Quo"te'}


def test_a_second_load_changes_nothing(load):
    lines = [city_line(number, f"City {number}", population=number) for number in range(20)]
    load(*lines)
    before = ids()

    report = load(*lines)

    assert ids() == before
    assert (report.added, report.updated, report.removed, report.kept) == (0, 0, 0, 0)
    assert (report.changed_cities, report.changed_timezones) == (set(), set())


def test_the_order_of_the_lines_does_not_matter(load):
    lines = [city_line(number, f"City {number % 3}", population=number) for number in range(9)]
    load(*lines)
    before = ids()

    report = load(*reversed(lines))

    assert ids() == before
    assert report.updated == 0


def test_of_several_cities_of_a_name_the_most_populous_stays(load):
    report = load(
        city_line(1, "Springfield", population=10),
        city_line(2, "Springfield", population=30),
        city_line(3, "Springfield", population=20),
    )

    assert names() == {2: "Springfield"}
    assert report.duplicates == 2


def test_of_equally_populous_ones_the_oldest_stays(load):
    load(city_line(2, "Springfield"), city_line(1, "Springfield"), city_line(3, "Springfield"))

    assert names() == {1: "Springfield"}


def test_a_name_may_occur_in_every_region(load):
    lines = [city_line(1, "Kansas City"), city_line(2, "Kansas City", "US.KS")]

    report = load(*lines, regions=US_REGIONS)

    assert names() == {1: "Kansas City", 2: "Kansas City"}
    assert report.duplicates == 0


def test_what_lies_nowhere_known_is_counted(load):
    report = load(
        city_line(1, "Kansas City"),
        city_line(2, "Atlantis", "US.XX"),
        city_line(3, "Lemuria", "US."),
        city_line(4, "Mu", timezone="Pacific/Mu"),
        regions=[region_line(), region_line("XX.01", "Nowhere")],
        timezones=[timezone_line(), timezone_line("Nowhere/Nowhere", "XX")],
    )

    assert names() == {1: "Kansas City"}
    assert (report.unknown_region, report.unknown_timezone, report.unknown_country) == (2, 1, 2)
    assert str(report) == (
        "1 countries, 1 regions, 1 time zones, 1 cities (1 new, 0 updated, 0 removed, 0 kept for "
        "what refers to them); left out: 0 of a name that is taken, 2 of unknown region, 1 of "
        "unknown time zone, 2 regions or time zones of unknown country"
    )


@pytest.mark.parametrize(
    "change",
    [
        {"name": "Kansas-City"},
        {"name": "KANSAS CITY"},
        {"region_code": "US.KS"},
        {"timezone": "America/Denver"},
        {"latitude": 39.2},
        {"longitude": -94.7},
    ],
)
def test_a_change_that_shows_is_stored_and_reported(load, change):
    others = {
        "regions": US_REGIONS,
        "timezones": [timezone_line(), timezone_line("America/Denver", gmt_offset=-7.0)],
    }
    load(city_line(1), city_line(2, "Unchanged"), **others)
    city = City.objects.get(geonames_id=1)

    report = load(city_line(1, **change), city_line(2, "Unchanged"), **others)

    changed = City.objects.get(geonames_id=1)
    stored = {
        "name": changed.name,
        "region_code": changed.region.region_code,
        "timezone": changed.timezone.name,
        "latitude": changed.latitude,
        "longitude": changed.longitude,
    }
    assert changed.pk == city.pk
    assert stored | change == stored
    assert (report.updated, report.changed_cities) == (1, {city.pk})


def test_a_renamed_city_is_found_by_its_new_name(load):
    load(city_line(1, "Bangalore"))

    load(city_line(1, "Bengalūru"))

    assert City.objects.get().search_name == "bengaluru"


def test_another_population_is_stored_but_shows_nowhere(load):
    load(city_line(1, population=10))

    report = load(city_line(1, population=20))

    assert City.objects.get().population == 20
    assert (report.updated, report.changed_cities) == (1, set())


def test_a_new_folding_of_names_is_stored(load):
    load(city_line(1, "Łódź"))
    City.objects.update(search_name="łodz")

    report = load(city_line(1, "Łódź"))

    assert City.objects.get().search_name == "lodz"
    assert (report.updated, report.changed_cities) == (1, set())


def test_the_name_of_a_region_shows_in_its_cities(load):
    lines = [city_line(1), city_line(2, "Lawrence", "US.KS")]
    load(*lines, regions=US_REGIONS)
    region = Region.objects.get(region_code="US.MO")

    report = load(*lines, regions=[region_line("US.MO", "Misuri"), US_REGIONS[1]])

    region.refresh_from_db()
    assert (region.name, region.search_name) == ("Misuri", "misuri")
    assert report.changed_cities == {City.objects.get(geonames_id=1).pk}


def test_the_name_of_a_country_shows_in_its_cities(load):
    others = {
        "regions": [region_line(), region_line("CZ.52", "Praha")],
        "countries": [country_line(), country_line("CZ", "Czech Republic")],
    }
    lines = [city_line(1), city_line(2, "Prague", "CZ.52")]
    load(*lines, **others)

    report = load(*lines, **others | {"countries": [country_line(), country_line("CZ", "Czechia")]})

    assert Country.objects.get(iso_code="CZ").name == "Czechia"
    assert report.changed_cities == {City.objects.get(geonames_id=2).pk}


def test_other_offsets_of_a_time_zone_are_reported(load):
    load(city_line(1), timezones=[timezone_line(), timezone_line("America/Denver")])
    zone = Timezone.objects.get(name="America/Chicago")

    report = load(
        city_line(1), timezones=[timezone_line(dst_offset=-6.0), timezone_line("America/Denver")]
    )

    zone.refresh_from_db()
    assert (zone.gmt_offset, zone.dst_offset) == (-6.0, -6.0)
    assert (report.changed_timezones, report.changed_cities) == ({zone.pk}, set())


def test_two_cities_may_swap_their_names(load):
    load(city_line(1, "Old Town"), city_line(2, "New Town"))
    before = ids()

    report = load(city_line(1, "New Town"), city_line(2, "Old Town"))

    assert names() == {1: "New Town", 2: "Old Town"}
    assert ids() == before
    assert report.updated == 2


def test_names_may_move_in_a_circle_through_regions(load):
    places = [("A", "US.MO"), ("A", "US.KS"), ("B", "US.KS"), ("B", "US.MO")]
    load(*(city_line(n, *place) for n, place in enumerate(places)), regions=US_REGIONS)
    before = ids()
    turned = places[1:] + places[:1]

    load(*(city_line(n, *place) for n, place in enumerate(turned)), regions=US_REGIONS)

    stored = City.objects.order_by("geonames_id").values_list("name", "region__region_code")
    assert list(stored) == turned
    assert ids() == before


def test_a_name_may_pass_to_a_new_city(load):
    load(city_line(1, "Springfield"))

    load(city_line(1, "Old Springfield"), city_line(2, "Springfield"))

    assert names() == {1: "Old Springfield", 2: "Springfield"}


def test_a_city_that_left_the_dump_goes(load):
    load(city_line(1, "Kansas City"), city_line(2, "Ghost Town"))

    report = load(city_line(1, "Kansas City"))

    assert names() == {1: "Kansas City"}
    assert (report.removed, report.kept, report.cities) == (1, 0, 1)


def test_a_city_where_a_device_stands_stays(load, settle):
    load(city_line(1, "Kansas City"), city_line(2, "Ghost Town"))
    device = settle(City.objects.get(geonames_id=2))

    report = load(city_line(1, "Kansas City"))

    device.refresh_from_db()
    assert names() == {1: "Kansas City", 2: "Ghost Town"}
    assert device.city.name == "Ghost Town"
    assert (report.removed, report.kept, report.cities) == (0, 1, 2)


def test_a_kept_city_goes_when_nothing_refers_to_it_any_more(load, settle):
    load(city_line(1, "Kansas City"), city_line(2, "Ghost Town"))
    device = settle(City.objects.get(geonames_id=2))
    load(city_line(1, "Kansas City"))
    device.delete()

    report = load(city_line(1, "Kansas City"))

    assert names() == {1: "Kansas City"}
    assert report.removed == 1


def test_a_city_that_grew_takes_the_name_from_one_nobody_lives_in(load):
    load(city_line(1, "Springfield", population=20), city_line(2, "Springfield", population=10))

    load(city_line(1, "Springfield", population=20), city_line(2, "Springfield", population=30))

    assert names() == {2: "Springfield"}


def test_a_kept_city_keeps_its_name_from_its_successor(load, settle):
    load(city_line(1, "Springfield"))
    device = settle(City.objects.get())

    report = load(city_line(2, "Springfield"))

    device.refresh_from_db()
    assert names() == {1: "Springfield"}
    assert device.city.geonames_id == 1
    assert (report.kept, report.added, report.duplicates) == (1, 0, 1)


def test_the_successor_comes_when_the_name_is_free(load, settle):
    load(city_line(1, "Springfield"))
    device = settle(City.objects.get())
    load(city_line(2, "Springfield"))
    device.delete()

    report = load(city_line(2, "Springfield"))

    assert names() == {2: "Springfield"}
    assert (report.removed, report.added) == (1, 1)


def test_a_city_that_may_not_take_a_kept_name_goes_if_it_can(load, settle):
    load(city_line(1, "Springfield"), city_line(2, "Shelbyville"))
    settle(City.objects.get(geonames_id=1))

    report = load(city_line(2, "Springfield"))

    assert names() == {1: "Springfield"}
    assert (report.kept, report.removed) == (1, 1)


def test_a_chain_of_kept_names_is_left_as_it_is(load, settle):
    load(city_line(1, "Springfield"), city_line(2, "Shelbyville"), city_line(3, "Ogdenville"))
    for city in City.objects.all():
        settle(city)

    report = load(
        city_line(2, "Springfield"), city_line(3, "Shelbyville"), city_line(4, "Ogdenville")
    )

    assert names() == {1: "Springfield", 2: "Shelbyville", 3: "Ogdenville"}
    assert (report.kept, report.added, report.updated) == (3, 0, 0)


def test_regions_time_zones_and_countries_that_left_the_dump_go(load):
    load(
        city_line(1),
        countries=[country_line(), country_line("AN", "Netherlands Antilles")],
        regions=US_REGIONS,
        timezones=[timezone_line(), timezone_line("America/Curacao", "AN")],
    )

    load(city_line(1))

    assert list(Country.objects.values_list("iso_code", flat=True)) == ["US"]
    assert list(Region.objects.values_list("region_code", flat=True)) == ["US.MO"]
    assert list(Timezone.objects.values_list("name", flat=True)) == ["America/Chicago"]


def test_the_region_and_time_zone_of_a_kept_city_stay(load, settle):
    others = {
        "countries": [country_line(), country_line("AN", "Netherlands Antilles")],
        "regions": [region_line(), region_line("AN.00", "Curaçao")],
        "timezones": [timezone_line(), timezone_line("America/Curacao", "AN")],
    }
    load(city_line(1), city_line(2, "Willemstad", "AN.00", "America/Curacao"), **others)
    settle(City.objects.get(geonames_id=2))

    report = load(city_line(1))

    assert set(names()) == {1, 2}
    assert (report.countries, report.regions, report.timezones) == (2, 2, 2)


def test_what_depends_on_places_is_told_in_the_same_transaction(tmp_path, load):
    load(city_line(1, "Kansas City"))
    dump = write_dump(tmp_path / "renamed", [city_line(1, "Kaw City")])

    def fail(report):
        assert names() == {1: "Kaw City"}
        assert report.changed_cities
        raise InterruptedError

    with pytest.raises(InterruptedError):
        geonames.load(dump, note_changed=fail)

    assert names() == {1: "Kansas City"}


def test_cities_added_by_hand_are_written_over(load):
    city = make_city("Kansas", geonames_id=1, latitude=0.0)

    load(city_line(1, "Kansas City", latitude=39.1))

    city.refresh_from_db()
    assert (city.name, city.latitude) == ("Kansas City", 39.1)


@pytest.mark.parametrize("seed", range(5))
def test_any_dump_can_follow_any_other(load, seed, settle):
    chance = random.Random(seed)  # noqa: S311 - data of a test
    for _ in range(4):
        lines = [
            city_line(number, chance.choice("ABCD"), chance.choice(["US.MO", "US.KS"]))
            for number in chance.sample(range(8), 6)
        ]
        report = load(*lines, regions=US_REGIONS)
        kept = set(City.objects.order_by("?").values_list("pk", flat=True)[:2])
        for city in City.objects.filter(pk__in=kept, devices=None):
            settle(city)

        again = load(*lines, regions=US_REGIONS)

        assert report.cities == again.cities == City.objects.count()
        assert again.updated == again.added == again.removed == 0


def test_the_rules_and_indexes_are_back_after_a_first_load(load):
    def rules():
        with connection.cursor() as cursor:
            return connection.introspection.get_constraints(cursor, City._meta.db_table)

    before = rules()

    load(city_line(1))

    assert rules() == before


def test_a_row_that_breaks_a_rule_is_refused(load):
    load(city_line(1))
    city = City.objects.get()
    row = (uuid.uuid4().hex, 2, city.region_id.hex, city.timezone_id.hex, "X", "x", 91.0, 0.0, 0)

    with pytest.raises(IntegrityError, match="city_on_earth"):
        bulk.insert(City, iter([row]))


def test_batches_hold_all_items():
    assert list(bulk.batches(range(5), 2)) == [[0, 1], [2, 3], [4]]
