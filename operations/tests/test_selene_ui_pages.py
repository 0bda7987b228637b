"""Selene UI's pages about skills, the marketplace and what an account signs in with."""

import base64
import email
import re
import secrets
import time
from urllib.parse import quote

import pytest
import requests
from cryptography.hazmat.primitives.asymmetric import ed25519
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from market.tests.factories import entry, manifest_of, meta, text
from operations.tests.selene_ui import btoa

INSTALLER = "mycroft-installer|21.02"
RADIO = "my-radio|21.02"
LINK = re.compile(r"https?://\S+token=(\S+)")


class PairedDevice:
    """A device of the account that is signed in at ``owner``, as far as the pages depend on it."""

    def __init__(self, owner):
        state = secrets.token_hex(8)
        self._url = owner.url
        shown = self._ask("GET", f"code?state={state}").json()
        names = {"voice": "British Male", "wakeWord": "Hey Mycroft"}
        body = {"name": "Kitchen", "pairingCode": shown["code"], "country": None, **names}
        assert owner.ask("POST", "/api/devices", body) == (204, None)
        proof = {"state": state, "token": shown["token"]}
        self._login = self._ask("POST", "activate", proof).json()

    def put(self, path, body):
        assert self._ask("PUT", f"{self._login['uuid']}/{path}", body).ok

    def settings(self):
        return self._ask("GET", f"{self._login['uuid']}/skill/settings").json()

    def _ask(self, method, path, body=None):
        login = getattr(self, "_login", {"accessToken": ""})
        headers = {"Authorization": f"Bearer {login['accessToken']}"}
        url = f"{self._url}/v1/device/{path}"
        return requests.request(method, url, json=body, headers=headers, timeout=30)


@pytest.fixture
def device(owner):
    return PairedDevice(owner)


@pytest.fixture
def mailed(running_server):
    """Return a function that waits for the mail to an address and returns the token in its link."""

    def mailed(address):
        give_up = time.monotonic() + 20
        while time.monotonic() < give_up:
            for file in (running_server.data_dir / "mail").glob("*.eml"):
                mail = email.message_from_bytes(file.read_bytes())
                if mail["To"] == address and (found := LINK.search(_plain(mail))):
                    return found[1]
            time.sleep(0.05)
        raise AssertionError(f"no mail to {address}")

    return mailed


def _plain(mail):
    [part] = [part for part in mail.walk() if part.get_content_type() == "text/plain"]
    return part.get_payload(decode=True).decode()


def test_skills_are_shown_and_what_is_saved_reaches_the_device(owner, device):
    device.put("skillJson", manifest_of(entry(RADIO)))
    fields = [text("station", "WDR"), text("volume", "5", type="number")]
    device.put("settingsMeta", meta(RADIO, *fields, display_name="Radio"))

    _, [skill] = owner.get("/api/skills")
    path = f"/api/skills/{skill['familyName']}/settings"
    _, entries = owner.get(path)
    entries[0]["settingsValues"] |= {"station": "Zoë FM", "volume": 0.5}
    body = {"skillIds": skill["skillIds"], "skillSettings": entries}
    saved = owner.ask("PUT", path, body)

    assert skill == {
        "familyName": "my-radio",
        "marketId": None,
        "name": "Radio",
        "hasSettings": True,
        "skillIds": skill["skillIds"],
    }
    assert entries[0]["deviceNames"] == ["Kitchen"]
    assert saved == (200, None)
    assert device.settings() == {RADIO: {"station": "Zoë FM", "volume": 0.5}}


def test_a_skill_without_settings_has_an_empty_page(owner, device):
    device.put("skillJson", manifest_of(entry(RADIO)))

    page = owner.get("/api/skills/my-radio/settings")

    nothing = {"settingsDisplay": {"sections": []}, "settingsValues": {}}
    assert page == (200, [nothing | {"deviceNames": ["Kitchen"]}])


def test_visitors_browse_the_marketplace(browser):
    _, everything = browser.get("/api/skills/available?search=undefined")
    _, found = browser.get("/api/skills/available?search=WEATHER%20")
    skills = everything["skills"]
    _, page = browser.get(f"/api/skills/{skills[0]['id']}")

    assert browser.get("/api/skills/available") == (200, everything)
    assert len(found["skills"]) < len(skills)
    assert "Weather" in [skill["displayName"] for skill in found["skills"]]
    assert all(skill["icon"] or skill["iconImage"] for skill in skills)
    assert page["displayName"] == skills[0]["displayName"]
    assert page["categories"]
    assert browser.get("/api/skills/status") == (204, None)
    assert browser.get("/api/account")[0] == 401


@pytest.mark.parametrize("term", ["%", "_", "%5C", "%27%22", "%F0%9F%8C%99", "%ED%A0%80", "%2500"])
def test_whatever_is_searched_for_is_answered(browser, term):
    status, body = browser.get(f"/api/skills/available?search={term}")

    assert status == 200
    assert isinstance(body["skills"], list)


def test_a_skill_is_installed_and_removed_with_a_click(owner, device):
    on_device = [entry(INSTALLER)]
    device.put("skillJson", manifest_of(*on_device))
    lists = [text(name, "[]") for name in ("to_install", "to_remove")]
    device.put("settingsMeta", meta(INSTALLER, *lists, display_name="Installer"))
    _, found = owner.get("/api/skills/available?search=weather")
    [weather] = [skill["id"] for skill in found["skills"] if skill["displayName"] == "Weather"]

    install = {"section": "to_install", "skillDisplayId": weather}
    clicked = owner.ask("PUT", "/api/skills/install", install)
    waiting, asked = state(owner, weather), device.settings()[INSTALLER]
    device.put("skillJson", manifest_of(*on_device, entry("mycroft-weather|21.02")))
    installed = state(owner, weather)
    removal = {"section": "to_remove", "skill_name": weather}
    removed = owner.ask("PUT", "/api/skills/install", removal)

    assert (clicked, waiting) == ((204, None), "installing")
    assert asked == {"to_install": [{"name": "mycroft-weather"}], "to_remove": []}
    assert (installed, removed, state(owner, weather)) == ("installed", (204, None), "uninstalling")
    assert device.settings()[INSTALLER] == {
        "to_install": [],
        "to_remove": [{"name": "mycroft-weather"}],
    }


def state(owner, market_id):
    _, body = owner.get("/api/skills/status")
    return body["installStatuses"].get(market_id)


def test_without_a_device_that_installs_the_click_is_refused_with_a_reason(owner):
    _, found = owner.get("/api/skills/available?search=weather")
    body = {"section": "to_install", "skillDisplayId": found["skills"][0]["id"]}

    status, refused = owner.ask("PUT", "/api/skills/install", body)

    assert status == 400
    assert "Installer skill" in refused["error"]


def test_the_profile_page_is_filled_and_saved(owner):
    _, memberships = owner.get("/api/memberships")

    joined = owner.ask("PATCH", "/api/account", {"openDataset": True})
    unknown = owner.ask("PATCH", "/api/account", {"password": "x"})

    _, profile = owner.get("/api/account")
    assert [each["type"] for each in memberships] == ["Monthly Membership", "Yearly Membership"]
    assert joined == (204, None)
    assert unknown == (400, {"errors": ["update of password not supported"]})
    assert "Open Dataset" in [each["type"] for each in profile["agreements"]]


def test_the_password_is_changed_on_the_profile_page(owner):
    changed = owner.ask("PUT", "/api/change-password", {"password": btoa("Señor Mañana 7")})
    refused = owner.log_in()

    owner.password = "Señor Mañana 7"
    assert changed == (204, None)
    assert refused == (401, {"error": "provided credentials not found"})
    assert owner.log_in() == (204, None)


def test_the_address_is_changed_by_the_link_in_a_mail(owner, mailed):
    address = f"{secrets.token_hex(6)}+new@example.com"
    asked = owner.ask("PUT", "/api/change-email", {"token": btoa(address)})
    # The page reads the token of its own address, and decodes "+" as a space.
    token = mailed(address).replace("+", " ")
    before = owner.get("/api/account")[1]["emailAddress"]

    verified = owner.ask("PUT", "/api/verify-email", {"token": token})
    again = owner.ask("PUT", "/api/verify-email", {"token": token})

    assert (asked, before, verified) == ((204, None), owner.email, (204, None))
    assert owner.get("/api/account")[1]["emailAddress"] == address
    assert again == (400, {"token": ["the link is not valid any more"]})


def test_a_lost_password_is_replaced_by_the_link_in_a_mail(browser, mailed):
    browser.sign_up()
    asked = browser.ask("POST", "/api/password-reset", {"emailAddress": browser.email})
    token = mailed(browser.email)

    checked = browser.ask("POST", "/api/validate-token", {"token": token})
    new = {"accountId": checked[1]["accountId"], "password": btoa("Übermut 2026")}
    changed = browser.ask("PUT", "/api/password-change", new)
    checked_again = browser.ask("POST", "/api/validate-token", {"token": token})

    browser.password = "Übermut 2026"
    fine, void = {"tokenExpired": False, "tokenInvalid": False}, {"tokenInvalid": True}
    assert asked == (200, None)
    assert checked == (200, fine | {"accountId": new["accountId"]})
    assert changed == (204, None)
    assert checked_again == (200, fine | void | {"accountId": None})
    assert browser.log_in() == (204, None)


def test_whoever_knows_an_account_id_sets_no_password(browser, owner):
    _, profile = owner.get("/api/account")
    browser.session.cookies.clear()
    body = {"accountId": profile["id"], "password": btoa("stolen it is")}

    status, refused = browser.ask("PUT", "/api/password-change", body)

    assert (status, refused.keys()) == (401, {"error"})


@pytest.mark.parametrize("typed", ["", "no key", "ssh-rsa AAAA", "%", "ssh-rsa ÿ\udcff"])
def test_whatever_is_typed_as_a_key_is_answered(owner, typed):
    encoded = quote(quote(typed.encode(errors="surrogateescape")))

    assert owner.get(f"/api/ssh-key?key={encoded}") == (200, {"isValid": False})


def test_a_key_is_encoded_twice(owner):
    public = ed25519.Ed25519PrivateKey.generate().public_key()
    key = public.public_bytes(Encoding.OpenSSH, PublicFormat.OpenSSH).decode()

    answer = owner.get(f"/api/ssh-key?key={quote(quote(f'{key} me+you@host', safe=''), safe='')}")

    assert answer == (200, {"isValid": True})


def test_the_second_try_to_change_the_address_is_encoded_twice(owner, mailed):
    address = f"{secrets.token_hex(6)}@example.com"
    refused = owner.ask("PUT", "/api/change-email", {"token": btoa("no address")})
    twice = base64.b64encode(btoa(address).encode()).decode()

    asked = owner.ask("PUT", "/api/change-email", {"token": twice})

    assert refused == (400, {"token": ["not an email address"]})
    assert asked == (204, None)
    assert mailed(address)
