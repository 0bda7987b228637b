import pytest

from accounts.tests.factories import make_account
from accounts.tests.threads import at_once
from devices import defaults
from devices.models import AccountDefaults
from devices.tests.factories import make_voice, make_wake_word

FULL = {
    "city": "Kansas City",
    "country": "United States",
    "region": "Missouri",
    "timezone": "America/Chicago",
    "voice": "American Male",
    "wakeWord": "Hey Mycroft",
}
NOTHING = {
    "country": {"id": None, "name": None, "isoCode": None},
    "region": {"id": None, "name": None, "regionCode": None},
    "city": {
        "id": None,
        "name": None,
        "timezone": None,
        "latitude": None,
        "longitude": None,
    },
    "timezone": {"id": None, "name": None, "gmtOffset": None, "dstOffset": None},
    "voice": {"id": None, "settingName": None, "displayName": None, "engine": None},
    "wakeWord": {"id": None, "name": None, "engine": None},
}


def shown(client):
    """Return the defaults without their id."""
    body = client.get("/api/defaults").json()
    del body["id"]
    return body


def test_defaults_are_empty_until_they_are_set(account_client):
    response = account_client.get("/api/defaults")

    assert (response.status_code, response.content) == (204, b"")


@pytest.mark.usefixtures("shipped")
@pytest.mark.parametrize("method", ["post", "patch"])
def test_defaults_are_read_as_they_were_set(account_client, kansas_city, method):
    response = getattr(account_client, method)("/api/defaults", FULL)

    assert (response.status_code, response.content) == (204, b"")
    row = AccountDefaults.objects.get()
    assert account_client.get("/api/defaults").json() == {
        "id": str(row.pk),
        "country": {
            "id": str(kansas_city.region.country_id),
            "name": "United States",
            "isoCode": "US",
        },
        "region": {
            "id": str(kansas_city.region_id),
            "name": "Missouri",
            "regionCode": "US.MO",
        },
        "city": {
            "id": str(kansas_city.pk),
            "name": "Kansas City",
            "timezone": "America/Chicago",
            "latitude": 39.09973,
            "longitude": -94.57857,
        },
        "timezone": {
            "id": str(kansas_city.timezone_id),
            "name": "America/Chicago",
            "gmtOffset": -6.0,
            "dstOffset": -5.0,
        },
        "voice": {
            "id": str(row.voice_id),
            "settingName": "kusal",
            "displayName": "American Male",
            "engine": "mimic2",
        },
        "wakeWord": {"id": str(row.wake_word_id), "name": "Hey Mycroft", "engine": "precise"},
    }


def test_objects_are_there_where_nothing_is_set(account_client):
    account_client.post("/api/defaults", dict.fromkeys(FULL))

    assert shown(account_client) == NOTHING


@pytest.mark.usefixtures("shipped", "kansas_city")
@pytest.mark.parametrize("field", ["voice", "wakeWord", "timezone", "city"])
def test_null_clears_one_default_and_leaves_the_others(account_client, field):
    account_client.post("/api/defaults", FULL)
    before = shown(account_client)

    response = account_client.patch("/api/defaults", {field: None})

    assert response.status_code == 204
    assert shown(account_client) == before | {field: NOTHING[field]}


@pytest.mark.usefixtures("shipped", "kansas_city")
@pytest.mark.parametrize("method", ["post", "patch"])
def test_absent_defaults_stay(account_client, method):
    account_client.post("/api/defaults", FULL)
    before = shown(account_client)

    getattr(account_client, method)("/api/defaults", {"voice": "British Male"})

    after = shown(account_client)
    assert after["voice"]["displayName"] == "British Male"
    assert after | {"voice": None} == before | {"voice": None}


@pytest.mark.usefixtures("shipped", "kansas_city", "vancouver")
def test_a_new_country_takes_region_and_city_of_the_old_one_away(account_client):
    account_client.post("/api/defaults", FULL)

    response = account_client.patch("/api/defaults", {"country": "Canada"})

    assert response.status_code == 204
    after = shown(account_client)
    assert after["country"]["name"] == "Canada"
    assert (after["region"], after["city"]) == (NOTHING["region"], NOTHING["city"])
    assert after["timezone"]["name"] == "America/Chicago"


@pytest.mark.usefixtures("shipped", "kansas_city")
def test_the_same_country_again_leaves_the_place(account_client):
    account_client.post("/api/defaults", FULL)
    before = shown(account_client)

    account_client.patch("/api/defaults", {"country": "United States"})

    assert shown(account_client) == before


@pytest.mark.usefixtures("shipped", "kansas_city", "vancouver")
@pytest.mark.parametrize(
    ("change", "reasons"),
    [
        ({"country": "Atlantis"}, {"country": ["country not found"]}),
        ({"country": "united states"}, {"country": ["country not found"]}),
        ({"region": "Kansas"}, {"region": ["region not found in this country"]}),
        ({"country": "Canada"}, {"region": ["region not found in this country"]}),
        ({"city": "Vancouver"}, {"city": ["city not found in this region"]}),
        ({"country": None}, {"country": ["a region needs its country"]}),
        ({"region": None}, {"region": ["a city needs its region"]}),
        ({"timezone": "America/Nowhere"}, {"timezone": ["time zone not found"]}),
        ({"voice": "Donald Duck"}, {"voice": ["voice not found"]}),
        ({"wakeWord": "hey you"}, {"wakeWord": ["wake word not found"]}),
        ({"voice": ["British Male"]}, {"voice": ["Not a valid string."]}),
        ({"city": {"name": "Kansas City"}}, {"city": ["Not a valid string."]}),
        (
            {"city": "x" * 201},
            {"city": ["Ensure this field has no more than 200 characters."]},
        ),
    ],
)
def test_what_is_not_in_the_lists_is_named(account_client, change, reasons):
    response = account_client.post("/api/defaults", FULL | change)

    assert response.status_code == 400
    assert response.json() == reasons
    assert not AccountDefaults.objects.exists()


@pytest.mark.parametrize("method", ["get", "post", "patch"])
@pytest.mark.django_db
def test_defaults_need_a_login(api, method):
    response = getattr(api, method)("/api/defaults", {})

    assert response.status_code == 401
    assert list(response.json()) == ["error"]


def test_defaults_of_other_accounts_are_not_touched(account_client):
    other = make_account()
    defaults.change(other, place_names={}, voice=make_voice("British Male"))

    account_client.post("/api/defaults", {"voice": None})

    assert defaults.of(other).voice.display_name == "British Male"


def test_defaults_are_read_in_two_queries(
    account_client, kansas_city, django_assert_num_queries, shipped
):
    account_client.post("/api/defaults", FULL)

    with django_assert_num_queries(2):
        account_client.get("/api/defaults")


@pytest.mark.django_db(transaction=True)
def test_the_first_defaults_can_be_set_twice_at_once():
    account, voice, wake_word = make_account(), make_voice(), make_wake_word()

    at_once(
        lambda: defaults.change(account, place_names={}, voice=voice),
        lambda: defaults.change(account, place_names={}, wake_word=wake_word),
    )

    row = AccountDefaults.objects.get()
    assert (row.voice, row.wake_word) == (voice, wake_word)
