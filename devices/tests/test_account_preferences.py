import pytest

from accounts.tests.factories import make_account
from accounts.tests.threads import at_once
from devices import preferences
from devices.models import AccountPreferences
from devices.tests.factories import make_device

CHOICES = {"dateFormat": "DD/MM/YYYY", "measurementSystem": "Metric", "timeFormat": "24 Hour"}


def test_preferences_are_empty_until_they_are_set(account_client):
    response = account_client.get("/api/preferences")

    assert (response.status_code, response.content) == (204, b"")


@pytest.mark.parametrize("method", ["post", "patch"])
def test_preferences_are_read_as_they_were_set(account, account_client, method):
    response = getattr(account_client, method)("/api/preferences", CHOICES)

    assert (response.status_code, response.content) == (204, b"")
    row = AccountPreferences.objects.get()
    assert row.account == account
    assert account_client.get("/api/preferences").json() == {"id": str(row.pk), **CHOICES}


def test_preferences_are_replaced_in_place(account_client):
    account_client.post("/api/preferences", CHOICES)
    before = account_client.get("/api/preferences").json()

    account_client.patch("/api/preferences", CHOICES | {"measurementSystem": "Imperial"})

    after = account_client.get("/api/preferences").json()
    assert after == before | {"measurementSystem": "Imperial"}


def test_preferences_of_other_accounts_are_not_touched(account_client):
    other = make_account()
    preferences.change(
        other, date_format="MM/DD/YYYY", measurement_system="Imperial", time_format="12 Hour"
    )

    account_client.post("/api/preferences", CHOICES)

    assert preferences.of(other).time_format == "12 Hour"


@pytest.mark.parametrize("method", ["get", "post", "patch"])
@pytest.mark.django_db
def test_preferences_need_a_login(api, method):
    response = getattr(api, method)("/api/preferences", CHOICES)

    assert response.status_code == 401
    assert list(response.json()) == ["error"]
    assert not AccountPreferences.objects.exists()


@pytest.mark.parametrize("field", list(CHOICES))
@pytest.mark.parametrize(
    ("value", "reason"),
    [
        ("25 Hour", '"25 Hour" is not a valid choice.'),
        (None, "This field may not be null."),
        (["12 Hour"], "\"['12 Hour']\" is not a valid choice."),
        (12, '"12" is not a valid choice.'),
    ],
)
def test_a_wrong_preference_is_named(account_client, field, value, reason):
    response = account_client.post("/api/preferences", CHOICES | {field: value})

    assert response.status_code == 400
    assert response.json() == {field: [reason]}
    assert not AccountPreferences.objects.exists()


@pytest.mark.parametrize("method", ["post", "patch"])
def test_all_preferences_are_required(account_client, method):
    response = getattr(account_client, method)("/api/preferences", {})

    assert response.status_code == 400
    assert response.json() == {field: ["This field is required."] for field in CHOICES}


@pytest.mark.parametrize("body", ["[]", '"text"', "null", "7"])
def test_preferences_are_an_object(account_client, body):
    response = account_client.post("/api/preferences", body, content_type="application/json")

    assert response.status_code == 400
    assert not AccountPreferences.objects.exists()


def test_devices_see_changed_preferences_on_their_next_poll(account_client, device, device_client):
    path = f"/v1/device/{device.pk}/setting"
    before = device_client.get(path)

    account_client.post("/api/preferences", CHOICES)

    after = device_client.get(path, headers={"If-None-Match": before["ETag"]})
    assert after.status_code == 200
    assert after.json() == before.json() | {
        "systemUnit": "metric",
        "dateFormat": "DMY",
        "timeFormat": "full",
    }


@pytest.mark.django_db(transaction=True)
def test_the_first_preferences_can_be_set_twice_at_once():
    account = make_account()
    make_device(account)
    choices = {"date_format": "DD/MM/YYYY", "measurement_system": "Metric"}

    at_once(
        lambda: preferences.change(account, time_format="12 Hour", **choices),
        lambda: preferences.change(account, time_format="24 Hour", **choices),
    )

    assert AccountPreferences.objects.count() == 1
    assert account.devices.get().version == 3
