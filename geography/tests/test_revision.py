"""What a process keeps of the places it read."""

import pytest

from geography import places
from geography.models import City, Region
from geography.tests.factories import city_line, make_city, make_region

pytestmark = pytest.mark.django_db
OZARK, SPRINGFIELD = city_line(1, "Ozark"), city_line(2, "Springfield")


def cities(client):
    region = Region.objects.get(region_code="US.MO")
    return [city["name"] for city in client.get(f"/api/cities?region={region.pk}").json()]


def test_a_list_is_read_once(load, client, django_assert_num_queries):
    load(OZARK)
    first = cities(client)

    with django_assert_num_queries(2):  # the region here, the revision there
        second = cities(client)

    assert first == second == ["Ozark"]


def test_a_place_is_looked_for_once(load, django_assert_num_queries):
    load(OZARK)
    first = places.find("ozark  Missouri")

    with django_assert_num_queries(1):
        second = places.find("Ozark, missouri")

    assert first == second
    assert first["city"] == "Ozark"


def test_what_a_load_changes_is_seen_at_once(load, client):
    load(OZARK)
    before = cities(client), places.find("springfield")

    load(OZARK, SPRINGFIELD)

    assert before == (["Ozark"], None)
    assert cities(client) == ["Ozark", "Springfield"]
    assert places.find("springfield")["city"] == "Springfield"


def test_a_list_of_one_kind_or_place_is_not_taken_for_another(load, client):
    load(OZARK)
    country = Region.objects.get(region_code="US.MO").country_id

    answers = [
        client.get(f"/api/{kind}?country={country}").json() for kind in ("regions", "timezones")
    ]

    assert ["regionCode" in answer[0] for answer in answers] == [True, False]
    assert cities(client) == ["Ozark"]


def test_nothing_is_kept_of_places_that_came_by_other_means(client):
    make_city("Ozark", make_region())
    before = cities(client)

    City.objects.update(name="Springfield")

    assert before == ["Ozark"]
    assert cities(client) == ["Springfield"]
