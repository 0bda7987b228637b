"""A browser as a person has it: Debian's Chromium, on a screen or a phone, in light or dark."""

import shutil
from contextlib import contextmanager

import pytest
from playwright.sync_api import sync_playwright

CHROMIUM = shutil.which("chromium")
SCREEN, PHONE = {"width": 1360, "height": 900}, {"width": 390, "height": 844}
LOOKS = {
    "light": {"viewport": SCREEN, "color_scheme": "light"},
    "dark": {"viewport": SCREEN, "color_scheme": "dark"},
    "phone": {"viewport": PHONE, "color_scheme": "light", "has_touch": True},
}
LIMIT = 15_000  # milliseconds, on a machine that is busy


@contextmanager
def chromium():
    """Start the browser; skip the test where there is none."""
    if CHROMIUM is None:
        pytest.skip("no Chromium here")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        yield browser
        browser.close()


@contextmanager
def page_of(browser, url, state=None, look="light"):
    """Open a page with the cookies of ``state``; afterwards no script may have failed on it."""
    context = browser.new_context(base_url=url, storage_state=state, **LOOKS[look])
    context.set_default_timeout(LIMIT)
    page, failures = context.new_page(), []
    page.on("pageerror", lambda error: failures.append(str(error)))
    page.on("response", lambda answer: answer.status >= 400 and failures.append(answer.url))
    yield page
    context.close()
    assert not failures, failures


def overflow(page):
    """Return by how many pixels the page is wider than the screen."""
    return page.evaluate("document.documentElement.scrollWidth - window.innerWidth")
