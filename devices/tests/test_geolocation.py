"""GET /v1/geolocation: the place that a spoken name means."""

import pytest

PLACE = {
    "city": "Kansas City",
    "country": "United States",
    "region": "Missouri",
    "latitude": 39.09973,
    "longitude": -94.57857,
    "timezone": "America/Chicago",
}


@pytest.mark.usefixtures("kansas_city", "vancouver")
@pytest.mark.parametrize("said", ["kansas city missouri", "KANSAS%20CITY", "missouri"])
def test_a_place_is_found_by_what_was_said(device_client, said):
    response = device_client.get(f"/v1/geolocation?location={said}")

    assert (response.status_code, response.json()) == (200, {"data": PLACE})


@pytest.mark.usefixtures("kansas_city")
@pytest.mark.parametrize("said", ["atlantis", "%F0%9F%8C%99", "%27%3B--", "%25"])
def test_what_fits_no_place_is_null(device_client, said):
    response = device_client.get(f"/v1/geolocation?location={said}")

    assert (response.status_code, response.json()) == (200, {"data": None})


@pytest.mark.parametrize(
    ("query", "reason"),
    [
        ("", "This field is required."),
        ("?location=", "This field may not be blank."),
        (f"?location={'a' * 301}", "Ensure this field has no more than 300 characters."),
    ],
)
def test_without_a_usable_name_nothing_is_looked_for(device_client, query, reason):
    response = device_client.get(f"/v1/geolocation{query}")

    assert (response.status_code, response.json()) == (400, {"location": [reason]})


@pytest.mark.usefixtures("kansas_city")
def test_without_a_token_nothing_is_found(api):
    response = api.get("/v1/geolocation?location=kansas city")

    assert (response.status_code, response.json()) == (401, {"error": "Oauth token not found"})


@pytest.mark.usefixtures("kansas_city")
def test_an_account_s_login_is_no_token_of_a_device(account_client):
    response = account_client.get("/v1/geolocation?location=kansas city")

    assert (response.status_code, response.json()) == (401, {"error": "Oauth token not found"})
