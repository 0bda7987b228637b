import secrets

import pytest
import requests

from operations.tests.selene_ui import Browser


@pytest.fixture
def browser(running_server):
    browser = Browser(running_server.url)
    yield browser
    browser.session.close()


@pytest.fixture
def owner(browser):
    """A browser in which somebody has signed up and in."""
    assert browser.sign_up() == (200, "Account added successfully")
    assert browser.log_in() == (204, None)
    return browser


@pytest.fixture
def code(running_server):
    """The pairing code that a device shows."""
    url = f"{running_server.url}/v1/device/code?state={secrets.token_hex(8)}"
    return requests.get(url, timeout=30).json()["code"]
