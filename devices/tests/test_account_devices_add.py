import pytest

from accounts.tests.factories import make_account
from accounts.tests.threads import at_once
from conftest import sign_in
from devices import defaults, pairing
from devices.models import Device, PairingSession
from devices.tests.factories import make_device

PLACE = {
    "country": "United States",
    "region": "California",
    "city": "San Francisco",
    "timezone": "America/Los_Angeles",
}
NEW = {"name": "Probe One", "voice": "American Male", "wakeWord": "Hey Mycroft"}
RECORDED = NEW | PLACE | {"placement": "Kitchen"}

pytestmark = pytest.mark.usefixtures("shipped")


@pytest.fixture
def code(db):
    """The code that a device shows now."""
    return pairing.issue_code("state")[0].code


def is_valid(client, code):
    return client.get(f"/api/pairing-code/{code}").json()["isValid"]


def test_a_device_is_paired_by_its_code(account, account_client, api, san_francisco):
    issued = api.get("/v1/device/code?state=s1").json()

    response = account_client.post("/api/devices", RECORDED | {"pairingCode": issued["code"]})

    assert (response.status_code, response.content) == (204, b"")
    device = account.devices.get()
    assert (device.name, device.placement) == ("Probe One", "Kitchen")
    assert (device.city, device.timezone) == (san_francisco, san_francisco.timezone)
    assert device.voice.display_name == "American Male"
    assert device.wake_word.name == "hey mycroft"
    login = api.post("/v1/device/activate", {"token": issued["token"], "state": "s1"})
    assert login.json()["uuid"] == str(device.pk)


@pytest.mark.parametrize("style", [str.lower, " ".join, "  {} ".format])
@pytest.mark.usefixtures("san_francisco")
def test_a_code_may_be_typed_in_any_case_and_with_spaces(account, account_client, code, style):
    response = account_client.post("/api/devices", RECORDED | {"pairingCode": style(code)})

    assert response.status_code == 204
    assert account.devices.count() == 1


@pytest.mark.parametrize(
    "place", [{}, {"country": None}, dict.fromkeys(PLACE), dict.fromkeys(PLACE, "")]
)
def test_without_place_and_default_the_device_stands_nowhere(account, account_client, code, place):
    response = account_client.post("/api/devices", NEW | place | {"pairingCode": code})

    assert response.status_code == 204
    device = account.devices.get()
    assert (device.city, device.timezone, device.placement) == (None, None, "")


@pytest.mark.parametrize("place", [{}, {"country": None}])
@pytest.mark.parametrize("zone", ["America/Los_Angeles", None])
def test_without_place_the_device_stands_at_the_account_s_default(
    account, account_client, code, kansas_city, san_francisco, place, zone
):
    names = {"country": "United States", "region": "Missouri", "city": "Kansas City"}
    defaults.change(account, place_names=names | {"timezone": zone})

    account_client.post("/api/devices", NEW | place | {"pairingCode": code})

    device = account.devices.get()
    assert device.city == kansas_city
    assert device.timezone.name == (zone or "America/Chicago")


def test_half_a_default_place_is_none(account, account_client, code, kansas_city):
    defaults.change(account, place_names={"country": "United States"})

    response = account_client.post("/api/devices", NEW | {"pairingCode": code})

    assert response.status_code == 204
    assert account.devices.get().city is None


def test_what_is_missing_is_named(account_client):
    response = account_client.post("/api/devices", {"name": "Probe One"})

    assert response.status_code == 400
    required = ["This field is required."]
    assert response.json() == {
        "voice": required,
        "wakeWord": required,
        "pairingCode": required,
    }


LONG = "Ensure this field has no more than {} characters."


@pytest.mark.usefixtures("san_francisco", "vancouver")
@pytest.mark.parametrize(
    ("change", "reasons"),
    [
        ({"region": None}, {"region": ["This field is required."]}),
        (
            {"country": None, "city": "", "timezone": None},
            dict.fromkeys(["country", "city", "timezone"], ["This field is required."]),
        ),
        ({"country": "Canada"}, {"region": ["region not found in this country"]}),
        ({"city": "Vancouver"}, {"city": ["city not found in this region"]}),
        ({"timezone": "PST"}, {"timezone": ["time zone not found"]}),
        ({"voice": "american male"}, {"voice": ["voice not found"]}),
        ({"voice": None}, {"voice": ["This field may not be null."]}),
        ({"wakeWord": "Hey You"}, {"wakeWord": ["wake word not found"]}),
        ({"name": ""}, {"name": ["This field may not be blank."]}),
        ({"name": {}}, {"name": ["Not a valid string."]}),
        ({"name": "x" * 101}, {"name": [LONG.format(100)]}),
        ({"placement": "x" * 101}, {"placement": [LONG.format(100)]}),
        ({"city": "x" * 100_000}, {"city": [LONG.format(200)]}),
        ({"pairingCode": "000000"}, {"pairingCode": ["pairing code not found"]}),
        ({"pairingCode": "x" * 100}, {"pairingCode": ["pairing code not found"]}),
        ({"pairingCode": None}, {"pairingCode": ["This field may not be null."]}),
        ({"pairingCode": ["A"]}, {"pairingCode": ["Not a valid string."]}),
        ({"autoUpdate": "perhaps"}, {"autoUpdate": ["Must be a valid boolean."]}),
        ({"sshPublicKey": []}, {"sshPublicKey": ["Not a valid string."]}),
        (
            {"releaseChannel": "nightly"},
            {"releaseChannel": ['"nightly" is not a valid choice.']},
        ),
    ],
)
def test_what_is_wrong_is_named_and_the_code_stays_good(account_client, code, change, reasons):
    body = RECORDED | {"pairingCode": code} | change

    response = account_client.post("/api/devices", body)

    assert response.status_code == 400
    assert response.json() == reasons
    assert not Device.objects.exists()
    assert is_valid(account_client, code)


@pytest.mark.parametrize(
    "body",
    [
        b"[]",
        b"null",
        b'"text"',
        b'{"name": "a',
        b'{"name": "\\u0000", "voice": "x", "wakeWord": "x", "pairingCode": "x"}',
        b'{"name": "\\ud800", "voice": "x", "wakeWord": "x", "pairingCode": "x"}',
        b"\xff\xfe",
    ],
)
def test_a_body_that_is_no_object_is_refused(account_client, body):
    response = account_client.post("/api/devices", body, content_type="application/json")

    assert response.status_code == 400
    assert list(response.json()) == ["error"]
    assert not Device.objects.exists()


def test_pantacor_settings_are_ignored_on_other_devices(account, account_client, code):
    wishes = {"autoUpdate": True, "sshPublicKey": "", "releaseChannel": "Stable"}

    response = account_client.post("/api/devices", NEW | wishes | {"pairingCode": code})

    assert response.status_code == 204
    assert not hasattr(account.devices.get(), "pantacor_config")


def test_a_name_the_account_uses_is_refused_and_the_code_stays_good(account, account_client, code):
    make_device(account, name="Probe One")

    response = account_client.post("/api/devices", NEW | {"pairingCode": code})

    assert response.status_code == 400
    assert response.json() == {"name": ["you have a device of this name"]}
    assert account.devices.count() == 1
    assert is_valid(account_client, code)


def test_a_name_another_account_uses_is_free(account, account_client, code):
    make_device(name="Probe One")

    response = account_client.post("/api/devices", NEW | {"pairingCode": code})

    assert response.status_code == 204
    assert account.devices.count() == 1


def test_a_code_can_be_claimed_once_only(account_client, code):
    claim = NEW | {"pairingCode": code}
    account_client.post("/api/devices", claim)

    again = account_client.post("/api/devices", claim | {"name": "Probe Again"})
    other = sign_in(make_account()).post("/api/devices", claim)

    for response in (again, other):
        assert response.status_code == 400
        assert response.json() == {"pairingCode": ["pairing code not found"]}
    assert Device.objects.count() == 1


def test_an_account_can_have_so_many_devices(account, account_client, code, settings):
    settings.MAX_DEVICES = 1
    make_device(account)

    response = account_client.post("/api/devices", NEW | {"pairingCode": code})

    assert response.status_code == 400
    assert response.json() == {"error": "an account can have 1 devices"}
    assert account.devices.count() == 1
    assert is_valid(account_client, code)


def test_adding_a_device_needs_a_login(api, code):
    response = api.post("/api/devices", NEW | {"pairingCode": code})

    assert response.status_code == 401
    assert list(response.json()) == ["error"]
    assert not Device.objects.exists()


def claim(client, code, name):
    return lambda: client.post("/api/devices", NEW | {"pairingCode": code, "name": name})


@pytest.mark.django_db(transaction=True)
def test_of_two_people_who_claim_a_code_at_once_one_gets_the_device(code):
    clients = [sign_in(make_account()), sign_in(make_account())]

    responses = at_once(*[claim(client, code, "Kitchen") for client in clients])

    assert sorted(response.status_code for response in responses) == [204, 400]
    refused = next(response for response in responses if response.status_code == 400)
    assert refused.json() == {"pairingCode": ["pairing code not found"]}
    assert PairingSession.objects.get().device == Device.objects.get()


@pytest.mark.django_db(transaction=True)
def test_a_claim_sent_twice_at_once_makes_one_device(code):
    account = make_account()

    responses = at_once(*[claim(sign_in(account), code, "Kitchen")] * 2)

    assert sorted(response.status_code for response in responses) == [204, 400]
    assert Device.objects.count() == 1


@pytest.mark.django_db(transaction=True)
def test_of_two_devices_added_at_once_under_one_name_one_stays_claimable():
    account = make_account()
    codes = [pairing.issue_code("state")[0].code for _ in range(2)]

    responses = at_once(*[claim(sign_in(account), code, "Kitchen") for code in codes])

    assert sorted(response.status_code for response in responses) == [204, 400]
    assert Device.objects.count() == 1
    assert sorted(map(pairing.is_claimable, codes)) == [False, True]


@pytest.mark.django_db(transaction=True)
def test_the_limit_holds_for_devices_added_at_once(settings):
    settings.MAX_DEVICES = 1
    account = make_account()
    codes = [pairing.issue_code("state")[0].code for _ in range(2)]

    responses = at_once(*[claim(sign_in(account), code, f"In {code}") for code in codes])

    assert sorted(response.status_code for response in responses) == [204, 400]
    assert account.devices.count() == 1
