"""The back office in a real browser: pairing by code, the pages of a device and its account."""

import json
import os
import re
from pathlib import Path

import pytest
import requests

from devices.tests.sounds import as_file, tone
from operations.tests.browser import LOOKS, chromium, overflow, page_of
from operations.tests.selene_ui import Browser

pytestmark = pytest.mark.household  # a browser is the same in both shapes

EMAIL, PASSWORD = "staff@selene.test", "correct horse battery"
VERSIONS = {
    "coreVersion": "21.2.2",
    "platform": "picroft",
    "platform_build": "1",
    "enclosureVersion": "1",
}


@pytest.fixture(scope="module")
def server():
    from conftest import _new_live_server

    server = _new_live_server(
        DJANGO_SUPERUSER_PASSWORD=PASSWORD, SELENE_STAFF_TWO_STEP="false", SELENE_RUN_JOBS="false"
    )
    server.start()
    server.manage("createsuperuser", "--noinput", "--email", EMAIL)
    yield server
    server.close()


@pytest.fixture(scope="module")
def browser():
    with chromium() as browser:
        yield browser


@pytest.fixture(scope="module")
def signed_in(server, browser):
    """The cookies of somebody who may do everything."""
    with page_of(browser, server.url) as page:
        page.goto("/admin/")
        page.fill("[name=username]", EMAIL)
        page.fill("[name=password]", PASSWORD)
        page.click("[type=submit]")
        page.wait_for_url("**/admin/")
        return page.context.storage_state()


class Device:
    """Shows a code, and has tokens once somebody typed it."""

    def __init__(self, url):
        self.api = f"{url}/v1"
        shown = requests.get(f"{self.api}/device/code", params={"state": "s"}, timeout=10).json()
        self.code, self.token = shown["code"], shown["token"]

    def activate(self):
        body = VERSIONS | {"token": self.token, "state": "s"}
        answer = requests.post(f"{self.api}/device/activate", json=body, timeout=10).json()
        self.id, self.headers = answer["uuid"], {"Authorization": f"Bearer {answer['accessToken']}"}

    def poll(self, resource=""):
        url = f"{self.api}/device/{self.id}{resource}"
        return requests.get(url, headers=self.headers, timeout=10)

    def hear(self, sound):
        """Send what woke the device."""
        said = {"wake_word": "hey mycroft", "engine": "precise", "timestamp": "1772323200123"}
        files = {"audio": sound, "metadata": json.dumps(said | {"model": "0"}).encode()}
        url = f"{self.api}/device/{self.id}/wake-word-file"
        return requests.post(url, files=files, headers=self.headers, timeout=10)


def choose(page, field, text):
    """Pick from a box that searches as one types."""
    page.click(f"#id_{field} + .select2 .select2-selection")
    page.fill(".select2-search__field", text)
    page.click(f".select2-results__option:has-text('{text}')")


def keep(page, name):
    """Keep a picture where somebody wants to look at it."""
    if folder := os.environ.get("SCREENSHOTS"):
        page.screenshot(path=Path(folder) / f"{name}.png", full_page=True)


@pytest.fixture(scope="module")
def device(server, browser, signed_in):
    """A device that was paired in the back office."""
    device = Device(server.url)
    with page_of(browser, server.url, signed_in) as page:
        page.goto("/admin/devices/device/add/")
        page.fill("[name=code]", device.code.lower())
        page.fill("[name=name]", "Kitchen")
        page.fill("[name=placement]", "Shelf")
        choose(page, "wake_word", "hey mycroft")
        choose(page, "voice", "British Male")
        choose(page, "city", "Kansas City")
        keep(page, "pairing-light")
        page.click("[name=_save]")
        page.wait_for_url("**/admin/devices/device/")
    device.activate()
    assert device.poll().json()["name"] == "Kitchen"
    return device


def test_a_change_on_the_page_of_a_device_is_what_it_polls(server, browser, signed_in, device):
    with page_of(browser, server.url, signed_in) as page:
        page.goto(f"/admin/devices/device/{device.id}/change/")
        page.fill("[name=placement]", "Window sill")
        page.click("[name=_save]")
        page.wait_for_url("**/admin/devices/device/")

    assert device.poll().json()["description"] == "Window sill"


@pytest.mark.parametrize("look", ["light", "phone"])
def test_a_device_is_moved_from_the_menu_of_its_page(server, browser, signed_in, device, look):
    with page_of(browser, server.url, signed_in, look) as page:
        page.goto(f"/admin/devices/device/{device.id}/change/")
        if look == "phone":
            page.click("a:visible:has(span:text-is('more_horiz'))")
        page.click("a:has(span:text-is('bolt'))")
        page.wait_for_selector("a:has-text('Move'):visible")
        keep(page, f"menu-{look}")
        page.click("a:has-text('Move'):visible")
        page.fill("[name=email]", "nobody@selene.test")
        page.click("button:has-text('Move')")
        page.wait_for_selector("text=no account has this address")
        page.click("text=Cancel")
        page.wait_for_url(f"**/{device.id}/change/")


def test_a_device_is_found_and_leads_to_its_account(server, browser, signed_in, device):
    with page_of(browser, server.url, signed_in) as page:
        page.goto("/admin/devices/device/?q=kitch")
        page.click("text=Kitchen")
        page.wait_for_url(f"**/{device.id}/change/**")
        page.goto("/admin/accounts/account/?q=kitch")
        page.click(f"#result_list a:has-text('{EMAIL}')")
        page.wait_for_url("**/admin/accounts/account/*/change/**")

        assert page.locator("section[aria-label=Devices] a:has-text('Kitchen')").count() == 1


@pytest.mark.parametrize("look", LOOKS)
def test_pages_fit_the_screen(server, browser, signed_in, device, look):
    with page_of(browser, server.url, signed_in, look) as page:
        page.goto(f"/admin/devices/device/{device.id}/change/")
        account = page.locator("a[href*='/accounts/account/']").last.get_attribute("href")
        pages = {
            "device": page.url,
            "devices": "/admin/devices/device/",
            "account": account,
            "accounts": "/admin/accounts/account/",
            "move": f"/admin/devices/device/{device.id}/move/",
            "lock": f"{account.split('change')[0]}lock/",
            "give": f"{account.split('change')[0]}give_membership/",
            "cities": "/admin/geography/city/?q=kansas",
            "pair": "/admin/devices/device/add/",
            "agreement": "/admin/accounts/agreement/add/",
        }

        too_wide = {}
        for name, url in pages.items():
            page.goto(url)
            too_wide[name] = overflow(page)
            keep(page, f"{name}-{look}")

    assert too_wide == dict.fromkeys(pages, 0)


@pytest.mark.parametrize("look", LOOKS)
def test_a_preview_of_an_agreement_shows_what_differs(server, browser, signed_in, look):
    with page_of(browser, server.url, signed_in, look) as page:
        page.goto("/admin/accounts/agreement/add/")
        page.select_option("[name=type]", "Terms of Use")
        page.fill("[name=version]", "2")
        page.fill("[name=effective_on]", "2099-01-01")
        page.fill("[name=content]", "# Terms\n\nBe *kind* to your device.\n\n- one\n- two")
        page.click("[name=_preview]")
        page.wait_for_selector(".diff ins")
        keep(page, f"preview-{look}")

        assert page.locator(".preview em").inner_text() == "kind"
        assert overflow(page) == 0


def test_a_city_is_corrected_and_the_device_there_has_it(server, browser, signed_in, device):
    with page_of(browser, server.url, signed_in) as page:
        page.goto("/admin/geography/city/?q=kansas+city")
        page.click("#result_list tr:has-text('Missouri') a")
        page.fill("[name=latitude]", "39.5")
        keep(page, "city-light")
        page.click("[name=_save]")
        page.wait_for_url("**/admin/geography/city/**")
        page.goto("/admin/geography/city/?corrected=yes")

        assert page.locator("#result_list a:has-text('Kansas City')").count() == 1
    assert device.poll("/location").json()["coordinate"]["latitude"] == 39.5


def test_one_session_is_ended_from_the_page_of_its_account(server, browser, signed_in, device):
    person = Browser(server.url)
    person.sign_up()
    person.log_in()
    assert person.get("/api/account")[0] == 200
    with page_of(browser, server.url, signed_in) as page:
        page.goto(f"/admin/accounts/account/?q={person.email}")
        page.click(f"#result_list a:has-text('{person.email}')")
        page.click("section[aria-label=Sessions] a:has-text('python-requests')")
        page.click("a:has-text('End session')")
        keep(page, "end-session-light")
        page.click("button:has-text('End session')")
        page.wait_for_selector("text=The session is ended")

    assert person.get("/api/account")[0] == 401
    person.session.close()


def test_a_wake_word_is_listened_to(server, browser, signed_in, device):
    with page_of(browser, server.url, signed_in) as page:
        page.goto(f"/admin/accounts/account/?q={EMAIL}")
        page.click(f"#result_list a:has-text('{EMAIL}')")
        page.goto(re.sub("change/.*", "join_open_dataset/", page.url))
        page.fill("[name=how]", "my own")
        page.click("button:has-text('Note the yes')")
        page.wait_for_selector("text=Takes part in the Open Dataset: my own")
        assert device.hear(as_file(tone(0.2), format="WAV")).status_code == 200
        page.goto("/admin/devices/wakewordsample/")
        page.click("#result_list a[href*='/change/']")
        page.wait_for_selector("audio")
        keep(page, "sample-light")
        page.evaluate("document.querySelector('audio').play()")
        page.wait_for_function("document.querySelector('audio').ended")

        assert page.evaluate("document.querySelector('audio').duration") == pytest.approx(0.2, 0.1)
        page.goto("/admin/auditlog/logentry/")
        assert page.locator("#result_list td:has-text('listened to it')").count() > 0
