"""GET /api/countries, /api/regions, /api/cities, /api/timezones."""

import uuid

import pytest

from geography.tests.factories import make_city, make_country, make_region, make_timezone

pytestmark = pytest.mark.django_db
UNKNOWN = uuid.UUID(int=1)


def test_anybody_may_list_the_countries(client):
    country = make_country("US", "United States")

    response = client.get("/api/countries")

    assert response.status_code == 200
    assert response.json() == [{"id": str(country.pk), "isoCode": "US", "name": "United States"}]


def test_a_dead_session_does_not_stand_in_the_way(client):
    client.cookies["seleneAccess"] = "long gone"

    response = client.get("/api/countries")

    assert response.status_code == 200
    assert response.json() == []


def test_names_are_ordered_without_regard_to_case_and_accents(client):
    for iso_code, name in [
        ("ZW", "Zimbabwe"),
        ("AX", "Åland"),
        ("AL", "Albania"),
        ("DZ", "algeria"),
    ]:
        make_country(iso_code, name)

    response = client.get("/api/countries")

    names = [country["name"] for country in response.json()]
    assert names == ["Åland", "Albania", "algeria", "Zimbabwe"]


def test_a_space_comes_before_any_letter(client):
    region = make_region()
    for name in ("Sanford", "San Jose", "San-Benito"):
        make_city(name, region)

    response = client.get(f"/api/cities?region={region.pk}")

    assert [city["name"] for city in response.json()] == ["San-Benito", "San Jose", "Sanford"]


def test_the_regions_of_a_country_are_listed(client):
    missouri = make_region("US.MO", "Missouri")
    make_region("CA.08", "Ontario", make_country("CA", "Canada"))

    response = client.get(f"/api/regions?country={missouri.country.pk}")

    assert response.status_code == 200
    assert response.json() == [{"id": str(missouri.pk), "regionCode": "US.MO", "name": "Missouri"}]


def test_the_cities_of_a_region_are_listed(client):
    city = make_city("Kansas City", make_region(), latitude=39.09973, longitude=-94.57857)
    make_city("Lawrence", make_region("US.KS", "Kansas"))

    response = client.get(f"/api/cities?region={city.region.pk}")

    assert response.status_code == 200
    assert response.json() == [
        {
            "id": str(city.pk),
            "name": "Kansas City",
            "latitude": 39.09973,
            "longitude": -94.57857,
            "timezone": "America/Chicago",
        }
    ]


def test_the_time_zones_of_a_country_are_listed(client):
    zone = make_timezone("America/Los_Angeles", gmt_offset=-8.0, dst_offset=-7.0)
    make_timezone("America/Toronto", make_country("CA", "Canada"))

    response = client.get(f"/api/timezones?country={zone.country.pk}")

    assert response.status_code == 200
    assert response.json() == [
        {
            "id": str(zone.pk),
            "name": "America/Los_Angeles",
            "gmtOffset": -8.0,
            "dstOffset": -7.0,
        }
    ]


@pytest.mark.parametrize("number", [1, 3])
def test_a_list_takes_two_queries_however_long(client, number, django_assert_num_queries):
    for index in range(number):
        city = make_city(f"City {index}", make_region(), make_timezone(f"Zone/{index}"))

    paths = (f"cities?region={city.region_id}", f"timezones?country={city.timezone.country_id}")
    with django_assert_num_queries(4):  # the revision, and what is listed
        bodies = [client.get(f"/api/{path}").json() for path in paths]

    assert [len(body) for body in bodies] == [number, number]


@pytest.mark.parametrize(
    "path", ["/api/regions?country=", "/api/cities?region=", "/api/timezones?country="]
)
def test_an_unknown_place_holds_nothing(client, path):
    response = client.get(f"{path}{UNKNOWN}")

    assert response.status_code == 200
    assert response.json() == []


@pytest.mark.parametrize(
    ("path", "parameter"),
    [("/api/regions", "country"), ("/api/cities", "region"), ("/api/timezones", "country")],
)
def test_the_place_must_be_named(client, path, parameter):
    response = client.get(path)

    assert response.status_code == 400
    assert response.json() == {parameter: ["This field is required."]}


@pytest.mark.parametrize("value", ["", "US", "%ED%A0%80", "0" * 5000, "1&country=2"])
def test_a_place_that_is_no_id_is_refused(client, value):
    response = client.get(f"/api/regions?country={value}")

    assert response.status_code == 400
    assert response.json() == {"country": ["Must be a valid UUID."]}


@pytest.mark.parametrize("path", ["countries", "regions", "cities", "timezones"])
def test_a_list_is_only_read(client, path):
    response = client.post(f"/api/{path}")

    assert response.status_code == 405
    assert response.json() == {"error": 'Method "POST" not allowed.'}
