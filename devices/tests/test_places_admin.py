"""Correcting places in the back office, and the devices that are there."""

import pytest
from django.contrib.auth.models import Permission

from accounts.tests.factories import make_account
from accounts.tests.pages import shown_form
from devices import editing
from devices.models import AccountDefaults
from devices.tests.factories import make_device
from geography.models import City, Correction
from geography.tests.factories import make_city, make_timezone

pytestmark = pytest.mark.django_db


@pytest.fixture
def staff_client(client):
    """A browser of somebody who may do everything."""
    staff = make_account(is_staff=True, is_superuser=True)
    client.force_login(staff, backend="django.contrib.auth.backends.ModelBackend")
    return client


@pytest.fixture
def here(device, kansas_city):
    """``device``, in Kansas City."""
    editing.change(device, city=kansas_city, timezone=kansas_city.timezone)
    return device


def page_of(place):
    return f"/admin/geography/{place._meta.model_name}/{place.pk}/change/"


def correct(client, place, **changes):
    return client.post(page_of(place), shown_form(client.get(page_of(place))) | changes)


def poll(client, device, tag=""):
    return client.get(f"/v1/device/{device.pk}/location", headers={"If-None-Match": tag})


@pytest.mark.parametrize(
    ("changes", "shown"),
    [
        ({"name": "Kansas Town"}, lambda body: body["city"]["name"] == "Kansas Town"),
        ({"latitude": "38.5"}, lambda body: body["coordinate"]["latitude"] == 38.5),
        ({"longitude": "-94.25"}, lambda body: body["coordinate"]["longitude"] == -94.25),
    ],
)
def test_a_correction_reaches_devices_there_on_their_next_poll(
    staff_client, here, device_client, kansas_city, changes, shown
):
    tag = poll(device_client, here)["ETag"]
    assert poll(device_client, here, tag).status_code == 304

    response = correct(staff_client, kansas_city, **changes)

    assert response.status_code == 302, response.context["errors"]
    polled = poll(device_client, here, tag)
    assert polled.status_code == 200
    assert shown(polled.json())
    assert Correction.objects.get().city == kansas_city


def test_devices_and_defaults_with_the_city_s_old_zone_get_its_new_one(
    staff_client, here, device_client, kansas_city, san_francisco
):
    set_apart = make_device(city=kansas_city, timezone=san_francisco.timezone)
    defaults = AccountDefaults.objects.create(
        account=here.account,
        country=kansas_city.region.country,
        region=kansas_city.region,
        city=kansas_city,
        timezone=kansas_city.timezone,
    )
    zone = make_timezone("America/Denver", gmt_offset=-7.0, dst_offset=-6.0)
    tag = poll(device_client, here)["ETag"]

    response = correct(staff_client, kansas_city, timezone=zone.pk)

    assert response.status_code == 302, response.context["errors"]
    polled = poll(device_client, here, tag)
    assert polled.json()["timezone"]["code"] == "America/Denver"
    set_apart.refresh_from_db()
    defaults.refresh_from_db()
    assert (set_apart.timezone, defaults.timezone) == (san_francisco.timezone, zone)
    assert set_apart.version > 1


def test_an_offset_reaches_devices_in_the_zone(staff_client, here, device_client, kansas_city):
    tag = poll(device_client, here)["ETag"]

    response = correct(staff_client, kansas_city.timezone, dst_offset="-6")

    assert response.status_code == 302, response.context["errors"]
    polled = poll(device_client, here, tag)
    assert polled.json()["timezone"]["dstOffset"] == -21_600_000
    assert Correction.objects.get().timezone == kansas_city.timezone


def test_devices_elsewhere_are_left_alone(staff_client, here, kansas_city, vancouver):
    there = make_device(city=vancouver, timezone=vancouver.timezone)

    correct(staff_client, kansas_city, latitude="1")

    version = there.version
    there.refresh_from_db()
    assert there.version == version


def test_a_page_saved_as_it_was_corrects_nothing(staff_client, here, kansas_city):
    version = type(here).objects.get().version

    responses = [
        correct(staff_client, kansas_city),
        correct(staff_client, kansas_city.timezone),
    ]

    assert [response.status_code for response in responses] == [302, 302]
    assert not Correction.objects.exists()
    assert type(here).objects.get().version == version


@pytest.mark.parametrize(
    ("changes", "error"),
    [
        ({"latitude": "91"}, "less than or equal to 90"),
        ({"longitude": "-181"}, "greater than or equal to -180"),
        ({"latitude": "nan"}, "Enter a number"),
        ({"name": "Liberty"}, "another city of the region has this name"),
        ({"name": ""}, "required"),
        ({"timezone": ""}, "required"),
        ({"population": "-1"}, "greater than or equal to 0"),
    ],
)
def test_what_cannot_be_is_refused(staff_client, kansas_city, changes, error):
    make_city("Liberty", kansas_city.region)

    response = correct(staff_client, kansas_city, **changes)

    assert response.status_code == 200
    assert error in response.text
    assert not Correction.objects.exists()


@pytest.mark.parametrize("changes", [{"gmt_offset": "16"}, {"dst_offset": "-15.5"}])
def test_offsets_are_of_this_earth(staff_client, changes):
    response = correct(staff_client, make_timezone(), **changes)

    assert response.status_code == 200
    assert not Correction.objects.exists()


def test_a_place_is_given_back(staff_client, kansas_city):
    correct(staff_client, kansas_city, name="Kansas Town")
    page = page_of(kansas_city)
    offered = [each["title"] for each in staff_client.get(page).context["actions_detail"]]

    response = staff_client.post(page.replace("change", "give_back"))

    assert offered == ["Give back to GeoNames"]
    assert response.status_code == 302
    assert not Correction.objects.exists()
    assert City.objects.get().name == "Kansas Town"
    assert staff_client.get(page).context["actions_detail"] == []


def test_corrected_places_are_found(staff_client, kansas_city, vancouver):
    correct(staff_client, kansas_city, latitude="1")
    correct(staff_client, vancouver.timezone, gmt_offset="-9")

    cities = staff_client.get("/admin/geography/city/?corrected=yes").context["cl"].result_list
    zones = staff_client.get("/admin/geography/timezone/?corrected=yes").context["cl"].result_list

    assert list(cities) == [kansas_city]
    assert list(zones) == [vancouver.timezone]


def test_who_may_only_look_corrects_nothing(client, kansas_city):
    staff = make_account(is_staff=True)
    names = ["view_city", "view_timezone"]
    staff.user_permissions.set(Permission.objects.filter(codename__in=names))
    client.force_login(staff, backend="django.contrib.auth.backends.ModelBackend")

    for place in (kansas_city, kansas_city.timezone):
        page = page_of(place)
        assert "<select" not in client.get(page).text
        assert client.post(page, {"name": "x"}).status_code == 403
        assert client.post(page.replace("change", "give_back")).status_code == 403


def test_a_city_is_neither_added_nor_deleted(staff_client, kansas_city):
    page = page_of(kansas_city)

    assert staff_client.get("/admin/geography/city/add/").status_code == 403
    assert staff_client.post(page.replace("change", "delete")).status_code == 403
