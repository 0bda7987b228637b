"""Signing in to the back office in two steps, and its dashboard, in a real browser."""

import re

import pytest
from django_otp.oath import totp

from operations.tests.browser import LOOKS, chromium, overflow, page_of
from operations.tests.test_back_office_browser import EMAIL, PASSWORD, keep

pytestmark = pytest.mark.household  # a browser is the same in both shapes


@pytest.fixture(scope="module")
def server():
    from conftest import _new_live_server

    server = _new_live_server(
        DJANGO_SUPERUSER_PASSWORD=PASSWORD, SELENE_STAFF_TWO_STEP="true", SELENE_RUN_JOBS="false"
    )
    server.start()
    server.manage("createsuperuser", "--noinput", "--email", EMAIL)
    server.manage("seed_demo", "--accounts", "20", "--devices", "60", "--force")
    server.manage("count_fleet")
    yield server
    server.close()


@pytest.fixture(scope="module")
def browser():
    with chromium() as browser:
        yield browser


def code(key):
    """Return what an app shows that was given ``key``."""
    from base64 import b32decode

    return f"{totp(b32decode(key.replace(' ', ''))):06}"


@pytest.fixture(scope="module")
def signed_in(server, browser):
    """The cookies of somebody who has given password and code, and a recovery code."""
    with page_of(browser, server.url) as page:
        page.goto("/admin/")
        page.fill("[name=username]", EMAIL)
        page.fill("[name=password]", PASSWORD)
        page.click("[type=submit]")
        page.wait_for_url("**/admin/two-step/own/**")
        keep(page, "two-step")
        page.fill("[name=code]", code(page.locator("code").inner_text()))
        page.click("button:has-text('Set up')")
        page.wait_for_selector("text=They are shown only now")
        keep(page, "recovery-codes")
        recovery = page.locator("ul li").first.inner_text()
        page.click("text=I have kept them")
        page.wait_for_selector("#attention")
        return page.context.storage_state(), recovery


def test_who_lost_the_phone_signs_in_by_a_recovery_code(server, browser, signed_in):
    with page_of(browser, server.url) as page:
        page.goto("/admin/devices/device/")
        page.fill("[name=username]", EMAIL)
        page.fill("[name=password]", PASSWORD)
        page.click("[type=submit]")
        page.wait_for_url("**/admin/two-step/?next=/admin/devices/device/")
        keep(page, "second-step")
        page.fill("[name=code]", signed_in[1])
        page.click("button:has-text('Sign in')")
        page.wait_for_url("**/admin/devices/device/")


@pytest.mark.parametrize("look", LOOKS)
def test_the_dashboard_fits_the_screen_and_can_be_read(server, browser, signed_in, look):
    with page_of(browser, server.url, signed_in[0], look) as page:
        page.goto("/admin/")
        page.click("nav[aria-label=Period] a:has-text('90 days')")
        page.wait_for_url("**/admin/?days=90")
        keep(page, f"dashboard-{look}")
        land, paper = (
            page.evaluate(f"getComputedStyle(document.querySelector('{what}')).{style}")
            for what, style in ((".world .land", "fill"), ("#main", "backgroundColor"))
        )

        assert overflow(page) == 0
        assert page.locator(".dash h2").first.inner_text() == "Needs attention"
        assert page.locator("svg.world circle").count() > 10
        assert page.locator("figure .plot svg").count() >= 6
        assert land != paper


def test_the_numbers_behind_a_picture_can_be_opened(server, browser, signed_in):
    with page_of(browser, server.url, signed_in[0]) as page:
        page.goto("/admin/")
        chart = page.locator("figure:has(h3:text-is('Accounts'))")
        chart.locator("summary").click()

        total = chart.locator("tr").last.locator("td").first.inner_text()
        assert re.fullmatch(r"\d+", total)
        assert f"accounts: {total}" in chart.locator(".legend").inner_text()


@pytest.mark.parametrize("look", LOOKS)
def test_other_pages_of_operations_fit_the_screen(server, browser, signed_in, look):
    with page_of(browser, server.url, signed_in[0], look) as page:
        too_wide = {}
        for name in ("operations/jobrun", "auditlog/logentry", "operations/apicallday"):
            page.goto(f"/admin/{name}/")
            too_wide[name] = overflow(page)
            keep(page, f"{name.replace('/', '-')}-{look}")

    assert set(too_wide.values()) == {0}


def test_a_job_is_run_by_a_click(server, browser, signed_in):
    with page_of(browser, server.url, signed_in[0]) as page:
        page.goto("/admin/operations/jobrun/")
        page.click("button[aria-label='Run send_mail now']")
        page.wait_for_selector("text=send_mail will run within seconds")

        assert "waiting" in page.locator("tr:has(button[value=send_mail])").inner_text()
