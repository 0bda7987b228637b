"""Places in the back office: to be searched and looked at."""

import pytest

from geography.models import City, Country
from geography.tests.factories import make_city, make_country, make_region, make_timezone

pytestmark = pytest.mark.django_db
PAGES = ["country", "region", "city", "timezone"]


@pytest.mark.parametrize("page", PAGES)
@pytest.mark.parametrize("number", [1, 3])
def test_a_page_takes_the_same_queries_however_long(
    admin_client, page, number, django_assert_max_num_queries
):
    for index in range(number):
        country = make_country(f"C{index}", f"Country {index}")
        make_city(
            region=make_region(f"C{index}.01", "Region", country),
            timezone=make_timezone(f"Zone/{index}", country),
        )

    with django_assert_max_num_queries(7):
        response = admin_client.get(f"/admin/geography/{page}/")

    assert response.status_code == 200
    assert len(response.context["cl"].result_list) == number


@pytest.mark.parametrize(
    ("search", "found"),
    [("sao p", ["São Paulo"]), ("SÃO", ["São Paulo"]), ("paulo", []), ("", ["Natal", "São Paulo"])],
)
def test_a_city_is_found_by_how_its_name_begins(admin_client, search, found):
    make_city("São Paulo")
    make_city("Natal")

    response = admin_client.get("/admin/geography/city/", {"q": search})

    assert [city.name for city in response.context["cl"].result_list] == found


def test_a_time_zone_is_found_by_any_part_of_its_name(admin_client):
    make_timezone("America/Chicago")
    make_timezone("Europe/Paris")

    response = admin_client.get("/admin/geography/timezone/", {"q": "chic"})

    assert [zone.name for zone in response.context["cl"].result_list] == ["America/Chicago"]


@pytest.mark.parametrize("page", PAGES)
def test_nothing_can_be_added(admin_client, page):
    assert admin_client.get(f"/admin/geography/{page}/add/").status_code == 403


def test_a_place_is_shown_without_a_form(admin_client):
    region = make_region("US.MO", "Missouri")

    response = admin_client.get(f"/admin/geography/region/{region.pk}/change/")

    assert response.status_code == 200
    assert b"Missouri" in response.content
    assert b"<select" not in response.content


def test_a_place_can_be_neither_changed_nor_deleted(admin_client):
    country = make_country("US", "United States")
    page = f"/admin/geography/country/{country.pk}"

    changed = admin_client.post(f"{page}/change/", {"name": "Elsewhere"})
    deleted = admin_client.post(f"{page}/delete/", {"post": "yes"})

    assert (changed.status_code, deleted.status_code) == (403, 403)
    assert Country.objects.get().name == "United States"


def test_strangers_see_no_place(client):
    make_city()

    response = client.get("/admin/geography/city/")

    assert response.status_code == 302
    assert City.objects.count() == 1
