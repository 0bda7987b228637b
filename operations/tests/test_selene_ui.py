"""Selene UI in a browser: its calls in their order and form, over HTTP and with cookies."""

import base64
import re

import pytest

from operations.tests.selene_ui import btoa

UUID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")
TIME = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d+Z")
SAN_FRANCISCO = {
    "country": "United States",
    "region": "California",
    "city": "San Francisco",
    "timezone": "America/Los_Angeles",
}
NO_PLACE = {
    "country": dict.fromkeys(("id", "name", "isoCode")),
    "region": dict.fromkeys(("id", "name", "regionCode")),
    "city": dict.fromkeys(("id", "name", "timezone", "latitude", "longitude")),
    "timezone": dict.fromkeys(("id", "name", "gmtOffset", "dstOffset")),
}
NO_PANTACOR = dict.fromkeys(
    ("pantacorId", "autoUpdate", "releaseChannel", "sshPublicKey")
    + ("ipAddress", "deploymentId", "claimed")
)


def new_device(code, **fields):
    """Return what the add-device page sends when nobody chose a place."""
    return {
        "name": "Kitchen",
        "pairingCode": code,
        "placement": "Shelf",
        "country": None,
        "voice": "British Male",
        "wakeWord": "Hey Mycroft",
    } | fields


def listed(browser, path, key, value):
    """Return the item of a list that a page shows."""
    status, items = browser.get(path)
    assert status == 200
    return next(item for item in items if item[key] == value)


def own_device(browser):
    """Return the one device of the account, as the list and the page of the device show it."""
    status, [device] = browser.get("/api/devices")
    assert (status, browser.get(f"/api/devices/{device['id']}")) == (200, (200, device))
    return device


def test_the_sign_up_page_loads_although_nothing_was_typed_yet(browser):
    unknown = {"accountExists": False, "noFederatedEmail": False}
    _, terms = browser.get("/api/agreement/terms-of-use")
    _, policy = browser.get("/api/agreement/privacy-policy")

    assert browser.get("/api/validate-email?platform=Internal&token=") == (200, unknown)
    assert terms.keys() == policy.keys() == {"id", "type", "version", "content"}
    assert (terms["type"], policy["type"]) == ("Terms of Use", "Privacy Policy")


@pytest.mark.parametrize("token", ["x", "%3F", btoa("no address"), btoa("\xff\0"), "%ED%A0%80"])
def test_an_unusable_address_is_answered_as_unknown(browser, token):
    answer = browser.get(f"/api/validate-email?platform=Internal&token={token}")

    assert answer == (200, {"accountExists": False, "noFederatedEmail": False})


def test_an_address_is_free_until_somebody_signs_up_with_it(browser):
    path = f"/api/validate-email?platform=Internal&token={btoa(browser.email)}"
    before = browser.get(path)

    browser.sign_up()

    assert before == (200, {"accountExists": False, "noFederatedEmail": False})
    assert browser.get(path) == (200, {"accountExists": True, "noFederatedEmail": False})


def test_the_second_try_to_sign_up_succeeds_although_it_is_encoded_twice(browser):
    refused = browser.sign_up(password=btoa("short"))

    again = browser.sign_up(encode=lambda text: btoa(btoa(text)))

    reason = "This password is too short. It must contain at least 8 characters."
    assert refused == (400, {"login": {"password": [reason]}})
    assert again == (200, "Account added successfully")
    assert browser.log_in() == (204, None)


@pytest.mark.parametrize("encoding", ["latin-1", "utf-8"])
def test_a_password_with_accents_and_the_separator_logs_in(browser, encoding):
    browser.sign_up()
    credentials = f"{browser.email}:||:{browser.password}".encode(encoding)
    basic = base64.b64encode(credentials).decode()

    answer = browser.ask("GET", "/api/internal-login", Authorization=f"Basic {basic}")

    assert answer == (204, None)


def test_a_wrong_password_is_refused_and_leaves_no_cookie(browser):
    browser.sign_up()
    browser.password = "another"

    refused = browser.log_in()

    assert refused == (401, {"error": "provided credentials not found"})
    assert list(browser.session.cookies) == []


def test_a_script_sees_that_somebody_is_logged_in_but_no_token(browser):
    browser.sign_up()
    before = browser.document_cookie()

    browser.log_in()

    names = {"seleneAccess", "seleneRefresh", "seleneRefreshPresent"}
    assert before == ""
    assert browser.document_cookie() == "seleneRefreshPresent=1"
    assert {cookie.name for cookie in browser.session.cookies} == names


def test_a_new_account_has_a_profile_but_neither_preferences_defaults_nor_devices(owner):
    status, profile = owner.get("/api/account")

    agreements = profile["agreements"]
    assert status == 200
    assert profile == {
        "id": profile["id"],
        "emailAddress": owner.email,
        "username": None,
        "federatedLogin": False,
        "lastActivity": None,
        "agreements": agreements,
        "membership": None,
    }
    assert UUID.fullmatch(profile["id"])
    assert [each["type"] for each in agreements] == ["Privacy Policy", "Terms of Use"]
    assert [each.keys() for each in agreements] == [{"id", "type", "acceptDate"}] * 2
    assert owner.get("/api/preferences") == (204, None)
    assert owner.get("/api/defaults") == (204, None)
    assert owner.get("/api/device-count") == (200, {"deviceCount": 0})
    assert owner.get("/api/devices") == (200, [])
    assert owner.get("/api/geographies") == (200, [])
    assert owner.get("/api/skills") == (200, [])


def test_the_first_page_saves_a_username_beside_a_membership_of_no_action(owner):
    body = {"username": owner.email, "membership": {"action": None}}

    saved = owner.ask("PATCH", "/api/account", body)

    _, profile = owner.get("/api/account")
    assert saved == (204, None)
    assert (profile["username"], profile["membership"]) == (owner.email, None)


def test_preferences_are_shown_as_they_were_saved(owner):
    body = {"dateFormat": "DD/MM/YYYY", "measurementSystem": "Metric", "timeFormat": "24 Hour"}
    saved = owner.ask("POST", "/api/preferences", body)
    _, first = owner.get("/api/preferences")

    changed = owner.ask("PATCH", "/api/preferences", body | {"timeFormat": "12 Hour"})

    assert (saved, first) == ((204, None), body | {"id": first["id"]})
    assert changed == (204, None)
    assert owner.get("/api/preferences") == (200, first | {"timeFormat": "12 Hour"})


def test_defaults_are_shown_with_all_that_the_add_device_page_fills_in(owner):
    body = SAN_FRANCISCO | {"voice": "American Male", "wakeWord": "Christopher"}

    saved = owner.ask("POST", "/api/defaults", body)

    _, defaults = owner.get("/api/defaults")
    assert saved == (204, None)
    assert defaults == {
        "id": defaults["id"],
        **san_francisco(owner),
        "voice": voice(owner, "American Male", "mimic2", "kusal"),
        "wakeWord": wake_word(owner, "Christopher"),
    }


def san_francisco(browser):
    """Return the place as a device shows it, with the ids that the lists give."""
    country = listed(browser, "/api/countries", "name", "United States")
    region = listed(browser, f"/api/regions?country={country['id']}", "name", "California")
    city = listed(browser, f"/api/cities?region={region['id']}", "name", "San Francisco")
    path = f"/api/timezones?country={country['id']}"
    zone = listed(browser, path, "name", "America/Los_Angeles")
    assert (country["isoCode"], region["regionCode"]) == ("US", "US.CA")
    assert (zone["gmtOffset"], zone["dstOffset"]) == (-8.0, -7.0)
    return {"country": country, "region": region, "city": city, "timezone": zone}


def voice(browser, name, engine, setting_name):
    chosen = listed(browser, "/api/voices", "name", name)["id"]
    return {"id": chosen, "displayName": name, "engine": engine, "settingName": setting_name}


def wake_word(browser, name):
    chosen = listed(browser, "/api/wake-words", "name", name.lower())["id"]
    return {"id": chosen, "name": name, "engine": "precise"}


@pytest.mark.parametrize("name", ["British Male", "American Male"])
def test_the_voices_that_the_page_offers_exist(browser, name):
    assert listed(browser, "/api/voices", "name", name)["userDefined"] is False


@pytest.mark.parametrize("name", ["hey mycroft", "christopher", "hey ezra", "hey jarvis"])
def test_the_wake_words_that_the_page_offers_exist(owner, name):
    assert listed(owner, "/api/wake-words", "name", name)["userDefined"] is False


@pytest.mark.parametrize("typed", ["", "0", "000000", "no code", "%2F..%2F", "%25", "%ED%A0%80"])
def test_whatever_is_typed_as_a_code_is_answered(owner, typed):
    assert owner.get(f"/api/pairing-code/{typed}") == (200, {"isValid": False})


def test_a_device_is_added_without_a_country_after_a_wrong_code(owner, code):
    refused = owner.ask("POST", "/api/devices", new_device("000000"))
    checked = owner.get(f"/api/pairing-code/{code}")

    added = owner.ask("POST", "/api/devices", new_device(code))

    device = own_device(owner)
    _, profile = owner.get("/api/account")
    assert refused == (400, {"pairingCode": ["pairing code not found"]})
    assert checked == (200, {"isValid": True})
    assert added == (204, None)
    assert device == {
        "id": device["id"],
        "accountId": profile["id"],
        "name": "Kitchen",
        "placement": "Shelf",
        "platform": "unknown",
        "coreVersion": "unknown",
        "enclosureVersion": "unknown",
        "addTs": device["addTs"],
        "lastContactTs": None,
        "status": "Disconnected",
        "disconnectDuration": "unknown",
        **NO_PLACE,
        "voice": voice(owner, "British Male", "mimic", "ap"),
        "wakeWord": wake_word(owner, "Hey Mycroft"),
        "pantacorConfig": NO_PANTACOR,
    }
    assert UUID.fullmatch(device["id"])
    assert TIME.fullmatch(device["addTs"])


def test_a_device_is_added_with_the_whole_place(owner, code):
    added = owner.ask("POST", "/api/devices", new_device(code, **SAN_FRANCISCO))

    device, place = own_device(owner), san_francisco(owner)
    assert added == (204, None)
    assert {key: device[key] for key in place} == place
    assert owner.get("/api/device-count") == (200, {"deviceCount": 1})
    assert owner.get("/api/geographies") == (
        200,
        [{"id": place["country"]["id"], "name": "United States", "userDefined": True}],
    )


def test_a_device_that_is_added_without_a_country_stands_where_the_defaults_say(owner, code):
    owner.ask("POST", "/api/defaults", SAN_FRANCISCO | {"voice": None, "wakeWord": None})

    added = owner.ask("POST", "/api/devices", new_device(code))

    device, place = own_device(owner), san_francisco(owner)
    assert added == (204, None)
    assert {key: device[key] for key in place} == place


def test_half_a_place_is_refused_and_the_code_can_be_typed_again(owner, code):
    half = new_device(code, country="United States")

    refused = owner.ask("POST", "/api/devices", half)

    required = ["This field is required."]
    assert refused == (400, dict.fromkeys(("region", "city", "timezone"), required))
    assert owner.get(f"/api/pairing-code/{code}") == (200, {"isValid": True})


def test_what_is_edited_of_a_device_is_shown(owner, code):
    owner.ask("POST", "/api/devices", new_device(code))
    device = own_device(owner)
    names = {"name": "Bedroom", "placement": "Night table"}
    chosen = {"voice": "American Male", "wakeWord": "Hey Jarvis"}

    edited = owner.ask("PATCH", f"/api/devices/{device['id']}", names | SAN_FRANCISCO | chosen)

    assert edited == (204, None)
    assert own_device(owner) == device | names | san_francisco(owner) | {
        "voice": voice(owner, "American Male", "mimic2", "kusal"),
        "wakeWord": wake_word(owner, "Hey Jarvis"),
    }


def test_a_device_that_is_removed_is_gone_from_the_list(owner, code):
    owner.ask("POST", "/api/devices", new_device(code))
    path = f"/api/devices/{own_device(owner)['id']}"

    removed = owner.ask("DELETE", path)

    assert removed == (204, None)
    assert owner.get("/api/devices") == (200, [])
    assert owner.get(path) == (404, {"error": "device not found"})


def test_who_has_logged_out_is_refused_and_seen_as_logged_out(owner):
    stolen = dict(owner.session.cookies)

    left = owner.get("/api/logout")

    nobody = (401, {"error": "no authentication tokens found"})
    assert left == (204, None)
    assert owner.document_cookie() == ""
    assert list(owner.session.cookies) == []
    assert [owner.get(path) for path in ("/api/account", "/api/logout")] == [nobody, nobody]
    owner.session.cookies.update(stolen)
    assert owner.get("/api/account")[0] == 401


def test_who_has_deleted_the_account_is_logged_out_and_can_sign_up_again(owner):
    deleted = owner.ask("DELETE", "/api/account")

    assert deleted == (204, None)
    assert owner.document_cookie() == ""
    assert owner.log_in() == (401, {"error": "provided credentials not found"})
    assert owner.sign_up() == (200, "Account added successfully")
