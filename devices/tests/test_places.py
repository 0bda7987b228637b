import pytest

from devices import places
from devices.models import Device
from devices.tests.factories import make_device
from geography.models import Region


def test_a_place_is_found_by_its_names(kansas_city):
    found = places.resolve("United States", "Missouri", "Kansas City", "America/Chicago")

    assert found == (kansas_city, kansas_city.timezone)


def test_a_time_zone_can_be_another_than_the_city_s(kansas_city, vancouver):
    found = places.resolve("United States", "Missouri", "Kansas City", "America/Vancouver")

    assert found == (kansas_city, vancouver.timezone)


@pytest.mark.usefixtures("kansas_city", "san_francisco", "vancouver")
@pytest.mark.parametrize(
    ("names", "reasons"),
    [
        (
            ("Atlantis", "Missouri", "Kansas City", "America/Chicago"),
            {"country": ["country not found"]},
        ),
        (
            ("Canada", "Missouri", "Kansas City", "America/Chicago"),
            {"region": ["region not found in this country"]},
        ),
        (
            ("United States", "California", "Kansas City", "America/Chicago"),
            {"city": ["city not found in this region"]},
        ),
        (
            ("United States", "Missouri", "kansas city", "Chicago"),
            {"city": ["city not found in this region"], "timezone": ["time zone not found"]},
        ),
    ],
)
def test_a_place_that_does_not_exist_is_refused_with_the_field_that_is_wrong(names, reasons):
    with pytest.raises(places.UnknownPlace) as refused:
        places.resolve(*names)

    assert refused.value.reasons == reasons


def test_a_city_is_found_though_two_regions_of_its_country_share_a_name(kansas_city):
    country = kansas_city.region.country
    Region.objects.create(country=country, name="Missouri", region_code="US.00")

    found = places.resolve("United States", "Missouri", "Kansas City", "America/Chicago")

    assert found == (kansas_city, kansas_city.timezone)


def test_a_place_is_found_in_two_queries(kansas_city, django_assert_num_queries):
    with django_assert_num_queries(2):
        places.resolve("United States", "Missouri", "Kansas City", "America/Chicago")


def test_only_devices_in_changed_places_show_something_else(kansas_city, san_francisco):
    in_city = make_device(city=kansas_city, timezone=san_francisco.timezone)
    in_zone = make_device(city=san_francisco, timezone=kansas_city.timezone)
    elsewhere = make_device(city=san_francisco, timezone=san_francisco.timezone)
    nowhere = make_device()

    places.note_changed([kansas_city.pk])
    places.note_changed([], [kansas_city.timezone_id])

    versions = dict(Device.objects.values_list("pk", "version"))
    assert versions == {in_city.pk: 2, in_zone.pk: 2, elsewhere.pk: 1, nowhere.pk: 1}
