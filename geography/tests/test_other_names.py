"""Other names of cities: which are taken from GeoNames' files, and that they are found."""

import pytest

from geography import geonames, geonames_files, places
from geography.models import City, OtherCityName
from geography.tests.factories import (
    city_line,
    country_line,
    name_line,
    region_line,
    write_dump,
)

INDIA = {
    "countries": [country_line(), country_line("IN", "India")],
    "regions": [region_line(), region_line("IN.16", "Maharashtra")],
}
MUMBAI = (1275339, "Mumbai", "IN.16")
LARGE = {"population": 12_691_836}


def stored():
    """Return the other names by GeoNames' id, sorted."""
    rows = OtherCityName.objects.order_by("search_name")
    return list(rows.values_list("city__geonames_id", "search_name"))


def test_a_large_city_has_the_names_of_its_own_line(load):
    names = "BOM,Bombay,Bombaim,Mumbai,मुंबई,São Bom Bahia,'Bombay',Mumbaī"

    report = load(city_line(*MUMBAI, **LARGE, other_names=names), **INDIA)

    assert stored() == [(1275339, "bombaim"), (1275339, "bombay")]
    assert report.other_names == 2
    assert "2 other names" in str(report)


def test_a_small_city_has_none_of_them(load):
    load(city_line(*MUMBAI, population=99_999, other_names="Bombay"), **INDIA)

    assert stored() == []


def test_of_the_file_of_names_the_english_ones_are_taken(load):
    load(
        city_line(*MUMBAI, **LARGE),
        city_line(2, "Ozark", population=5),
        **INDIA,
        names=[
            name_line(1275339, "Bombay"),
            name_line(1275339, "Bombay Metropolis", ""),
            name_line(1275339, "Bombaim", "pt"),
            name_line(1275339, "https://en.wikipedia.org/wiki/Mumbai", "link"),
            name_line(1275339, "BOM", "iata"),
            name_line(2, "Ozark Town"),
            name_line(2, "Of no known language", ""),
            name_line(3, "Of no city"),
        ],
    )

    assert stored() == [(1275339, "bombay"), (1275339, "bombay metropolis"), (2, "ozark town")]


def test_a_load_without_names_leaves_them(load):
    load(city_line(*MUMBAI, **LARGE), **INDIA, names=[name_line(1275339, "Bombay")])
    before = list(OtherCityName.objects.values())

    load(city_line(*MUMBAI, **LARGE), **INDIA)
    load(city_line(*MUMBAI, **LARGE, other_names="Bombay"), **INDIA)

    assert list(OtherCityName.objects.values()) == before


def test_the_file_of_names_removes_what_it_does_not_hold(load):
    load(city_line(*MUMBAI, **LARGE), **INDIA, names=[name_line(1275339, "Bombay")])

    load(city_line(*MUMBAI, **LARGE), **INDIA, names=[name_line(1275339, "City of Dreams")])

    assert stored() == [(1275339, "city of dreams")]


def test_a_city_that_leaves_the_dump_takes_its_names_along(load):
    load(city_line(*MUMBAI, **LARGE, other_names="Bombay"), city_line(2), **INDIA)

    report = load(city_line(2), **INDIA)

    assert (report.removed, report.kept, stored()) == (1, 0, [])


def test_a_city_that_stays_keeps_its_names(load, settle):
    load(city_line(*MUMBAI, **LARGE, other_names="Bombay"), city_line(2), **INDIA)
    settle(City.objects.get(name="Mumbai"))

    report = load(city_line(2), **INDIA)

    assert (report.removed, report.kept) == (0, 1)
    assert stored() == [(1275339, "bombay")]


@pytest.mark.parametrize("line", ["1\tno number\ten\tBombay", "1\t2\ten"])
def test_a_malformed_file_of_names_changes_nothing(load, line):
    with pytest.raises(geonames_files.Malformed, match=r"alternateNamesV2.zip, line 2"):
        load(city_line(*MUMBAI), **INDIA, names=[name_line(1275339, "Bombay"), line])

    assert not City.objects.exists()


@pytest.mark.parametrize("location", ["Bom Bahia", "bom bahia india", "Bom-Bahía, Maharashtra"])
def test_a_city_is_found_by_its_other_name(load, location):
    load(city_line(*MUMBAI, **LARGE, other_names="Bom Bahia"), city_line(2), **INDIA)

    assert places.find(location)["city"] == "Mumbai"


def test_a_name_of_its_own_comes_first(load):
    load(
        city_line(*MUMBAI, **LARGE, other_names="Manhattan"),
        city_line(2, "Manhattan", population=1),
        **INDIA,
    )

    assert places.find("manhattan")["region"] == "Missouri"
    assert places.find("manhattan missouri")["region"] == "Missouri"
    assert places.find("manhattan india")["city"] == "Mumbai"


def test_of_other_names_that_are_equal_the_most_populous_city_is_meant(load):
    load(
        city_line(*MUMBAI, **LARGE, other_names="Big Town"),
        city_line(2, "Ozark", population=100_000, other_names="Big Town"),
        **INDIA,
    )

    assert places.find("big town")["city"] == "Mumbai"
    assert places.find("big town missouri")["city"] == "Ozark"


def test_nothing_takes_more_than_five_queries(load, django_assert_max_num_queries):
    load(city_line(*MUMBAI, **LARGE, other_names="Bombay"), **INDIA)

    with django_assert_max_num_queries(5):
        places.find("nowhere at all in the wide world")


@pytest.mark.django_db
def test_the_file_of_names_is_downloaded_if_asked_for(tmp_path, httpserver, settings):
    dump = write_dump(tmp_path, [city_line(*MUMBAI)], **INDIA, names=[name_line(1275339, "Bombay")])
    for path in dump.iterdir():
        httpserver.expect_request(f"/dump/{path.name}").respond_with_data(path.read_bytes())
    settings.GEONAMES_URL = httpserver.url_for("/dump")

    geonames.load()
    without = stored()
    geonames.load(with_other_names=True)

    assert (without, stored()) == ([], [(1275339, "bombay")])
    asked = [request.path for request, _ in httpserver.log]
    assert asked.count("/dump/alternateNamesV2.zip") == 1
