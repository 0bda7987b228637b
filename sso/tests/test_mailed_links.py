"""The pages that mails lead to, as a browser without scripts uses them."""

import re
from datetime import timedelta
from html import unescape

import pytest
from django.core import mail
from django.test import Client

from accounts import email_changes, sessions
from accounts.models import Account, EmailChange, OutgoingMail
from accounts.tests.factories import PASSWORD, make_account
from sso import password_reset

ADA = "ada@example.com"
NEW = "another horse battery"
NEW_EMAIL = "ada@new.example"

pytestmark = pytest.mark.django_db


@pytest.fixture
def ada():
    """An account that mail reaches."""
    return make_account(ADA)


@pytest.fixture
def browser():
    """A browser; what it sends without the hidden fields of a form is refused."""
    return Client(enforce_csrf_checks=True)


@pytest.fixture
def reset_link(ada, django_capture_on_commit_callbacks):
    """The link, of this server, to choose another password."""
    with django_capture_on_commit_callbacks(execute=True):
        password_reset.send_link(ADA)
    return link_in(mail.outbox[-1])


@pytest.fixture
def verify_link(ada, django_capture_on_commit_callbacks):
    """The link, of this server, to confirm a new address."""
    with django_capture_on_commit_callbacks(execute=True):
        email_changes.request(ada, NEW_EMAIL)
    return link_in(mail.outbox[-1])


def link_in(message):
    return re.search(r"http://localhost:8000(/\S+)", message.body)[1]


def words(page):
    """Return what a person reads on a page."""
    text = re.sub(r"<(style|title).*?</\1>|<[^>]+>", " ", page.content.decode(), flags=re.DOTALL)
    return " ".join(unescape(text).split())


def hidden(page):
    """Return what the form of a page sends along."""
    return dict(re.findall(r'type="hidden" name="(\w+)" value="([^"]*)"', page.content.decode()))


def submit(browser, page, **fields):
    """Fill the form of ``page`` and send it to where it says."""
    action = re.search(r'<form method="post" action="([^"]+)"', page.content.decode())[1]
    return browser.post(action, hidden(page) | fields)


def test_the_link_in_a_mail_leads_to_a_new_password(ada, browser, reset_link):
    page = browser.get(reset_link)
    done = submit(browser, page, password=NEW, again=NEW)

    ada.refresh_from_db()
    assert page.status_code == 200
    assert f"For the account of {ADA}." in words(page)
    assert done.status_code == 200
    assert "The password is changed" in words(done)
    assert ada.check_password(NEW)
    assert ada.email_proven_at is not None


def test_the_pages_need_nothing_from_elsewhere_and_keep_nothing(browser, reset_link, verify_link):
    for page in map(browser.get, [reset_link, verify_link, "/lost-password"]):
        assert not re.search(r"<script|<img|src=|@import|url\(|<link", page.content.decode())
        assert "no-store" in page.headers["Cache-Control"]
        assert page.headers["Referrer-Policy"] == "same-origin"
        assert page.headers["X-Frame-Options"] == "DENY"


def test_the_pages_name_the_installation(browser, settings):
    settings.INSTALLATION_NAME = "Voices & Co"

    page = browser.get("/lost-password")

    assert words(page).startswith("Voices & Co ")
    assert "<title>Lost password - Voices &amp; Co</title>" in page.content.decode()


@pytest.mark.parametrize(
    ("password", "again", "reason"),
    [
        (NEW, "something else", "The two passwords are not the same."),
        ("password123", "password123", "This password is too common."),
        ("a\0bcdefgh", "a\0bcdefgh", "NUL characters are not allowed"),
    ],
)
def test_a_password_that_will_not_do_can_be_put_right(
    ada, browser, reset_link, password, again, reason
):
    refused = submit(browser, browser.get(reset_link), password=password, again=again)
    done = submit(browser, refused, password=NEW, again=NEW)

    ada.refresh_from_db()
    assert refused.status_code == 400
    assert reason in words(refused)
    assert (done.status_code, ada.check_password(NEW)) == (200, True)


@pytest.mark.parametrize("query", ["", "?token=", "?token=x", "?token=%ff", "?token=a.b.c"])
@pytest.mark.parametrize("path", ["/change-password", "/verify-email"])
def test_a_link_that_is_no_good_says_so(browser, path, query):
    page = browser.get(f"{path}{query}")

    assert page.status_code == 400
    assert "This link has expired or was used." in words(page)
    assert ("Ask for another link" in words(page)) == (path == "/change-password")


@pytest.mark.parametrize("body", [{}, {"token": "x", "password": NEW, "again": NEW}])
@pytest.mark.parametrize("path", ["/change-password", "/verify-email"])
def test_a_form_without_a_good_token_changes_nothing(ada, browser, path, body):
    browser.get("/lost-password")
    csrf = {"csrfmiddlewaretoken": hidden(browser.get("/lost-password"))["csrfmiddlewaretoken"]}

    page = browser.post(path, csrf | body)

    ada.refresh_from_db()
    assert page.status_code == 400
    assert ada.check_password(PASSWORD)


def test_a_link_leads_to_one_new_password_only(ada, browser, reset_link):
    page = browser.get(reset_link)
    submit(browser, page, password=NEW, again=NEW)

    again = submit(browser, page, password="third horse battery", again="third horse battery")

    ada.refresh_from_db()
    assert again.status_code == 400
    assert "This link has expired or was used." in words(again)
    assert ada.check_password(NEW)


def test_a_form_that_is_not_ours_changes_nothing(ada, browser, reset_link, verify_link):
    form = {"token": reset_link.partition("=")[2], "password": NEW, "again": NEW}

    answers = [
        browser.post("/change-password", form),
        browser.post("/verify-email", {"token": verify_link.partition("=")[2]}),
        browser.post("/lost-password", {"emailAddress": ADA}),
    ]

    ada.refresh_from_db()
    assert [answer.status_code for answer in answers] == [403] * 3
    assert (ada.email, ada.check_password(PASSWORD)) == (ADA, True)


@pytest.mark.parametrize("email", [ADA, "nobody@example.com"])
def test_a_lost_password_is_answered_alike_whoever_asks(
    ada, browser, email, django_capture_on_commit_callbacks
):
    with django_capture_on_commit_callbacks(execute=True):
        page = submit(browser, browser.get("/lost-password"), emailAddress=email)

    assert page.status_code == 200
    assert "Look into your mail What to do next is in there." in words(page)
    assert [message.to for message in mail.outbox] == [[email]]


def test_a_lost_password_of_nobody_is_asked_for_again(browser):
    page = submit(browser, browser.get("/lost-password"), emailAddress=" ")

    assert page.status_code == 400
    assert "This field may not be blank." in words(page)
    assert not OutgoingMail.objects.exists()


def test_asking_on_a_page_is_limited_like_the_call(browser, api, limit_rate):
    limit_rate("password-reset", "1/hour")
    page = browser.get("/lost-password")

    first = api.post("/api/password-reset", {"emailAddress": "nobody@example.com"})
    second = submit(browser, page, emailAddress=ADA)

    assert (first.status_code, second.status_code) == (200, 429)
    assert "Request was throttled" in words(second)
    assert browser.get("/lost-password").status_code == 200


def test_a_new_address_is_confirmed_with_the_password(ada, browser, verify_link):
    page = browser.get(verify_link)
    done = submit(browser, page, password=PASSWORD)

    ada.refresh_from_db()
    assert f"{NEW_EMAIL} becomes the address of the account that has {ADA} now." in words(page)
    assert "Password of the account" in words(page)
    assert done.status_code == 200
    assert f"Sign in with {NEW_EMAIL} from now on." in words(done)
    assert (ada.email, ada.email_proven_at is not None) == (NEW_EMAIL, True)


def test_a_stranger_with_the_link_confirms_nothing(ada, browser, verify_link):
    page = submit(browser, browser.get(verify_link), password="a guess")

    ada.refresh_from_db()
    assert page.status_code == 400
    assert "This is not the password of the account." in words(page)
    assert ada.email == ADA


def test_a_stranger_with_an_account_confirms_nothing(ada, browser, verify_link):
    make_account("eve@example.com")
    browser.cookies["seleneAccess"] = sessions.start(
        Account.objects.get(email="eve@example.com")
    ).access

    page = submit(browser, browser.get(verify_link), password=PASSWORD[::-1])

    ada.refresh_from_db()
    assert (page.status_code, ada.email) == (400, ADA)


def test_guessing_the_password_is_locked_out(ada, browser, verify_link, settings):
    settings.AXES_FAILURE_LIMIT = 2
    page = browser.get(verify_link)

    answers = [submit(browser, page, password="a guess").status_code for _ in range(2)]
    right = submit(browser, page, password=PASSWORD)

    ada.refresh_from_db()
    assert (answers, right.status_code, ada.email) == ([400, 429], 429, ADA)


@pytest.mark.parametrize("signs_in", ["as an account", "to the back office"])
def test_who_is_signed_in_confirms_with_a_click(ada, browser, verify_link, signs_in):
    if signs_in == "as an account":
        browser.cookies["seleneAccess"] = sessions.start(ada).access
    else:
        browser.force_login(ada, "django.contrib.auth.backends.ModelBackend")

    page = browser.get(verify_link)
    done = submit(browser, page)

    ada.refresh_from_db()
    assert "Password of the account" not in words(page)
    assert (done.status_code, ada.email) == (200, NEW_EMAIL)


def test_a_session_whose_access_has_lapsed_is_renewed_on_the_way(
    ada, browser, verify_link, pass_time
):
    tokens = sessions.start(ada)
    browser.cookies["seleneAccess"], browser.cookies["seleneRefresh"] = (
        tokens.access,
        tokens.refresh,
    )
    pass_time(timedelta(minutes=16))

    page = browser.get(verify_link)

    assert "Password of the account" not in words(page)
    assert {"seleneAccess", "seleneRefresh"} <= set(page.cookies)


def test_an_address_that_is_taken_meanwhile_is_not_given_twice(ada, browser, verify_link):
    page = browser.get(verify_link)
    make_account(NEW_EMAIL)

    refused = submit(browser, page, password=PASSWORD)

    ada.refresh_from_db()
    assert refused.status_code == 400
    assert "Another account has this address by now." in words(refused)
    assert ada.email == ADA


def test_a_confirmed_link_is_void(browser, verify_link):
    submit(browser, browser.get(verify_link), password=PASSWORD)

    assert browser.get(verify_link).status_code == 400
    assert not EmailChange.objects.exists()


@pytest.mark.parametrize("method", ["put", "patch", "delete"])
def test_other_methods_are_not_offered(browser, method):
    answers = [getattr(browser, method)(f"/{name}") for name in ("change-password", "verify-email")]

    assert all(answer.status_code in (403, 405) for answer in answers)


@pytest.mark.parametrize("name", ["change-password", "lost-password", "verify-email"])
def test_asking_a_page_for_its_methods_is_not_offered(browser, name):
    page = browser.options(f"/{name}")

    assert page.status_code == 405
    assert 'Method "OPTIONS" not allowed.' in words(page)


def test_a_form_of_another_type_is_refused(browser):
    browser.get("/lost-password")
    token = hidden(browser.get("/lost-password"))["csrfmiddlewaretoken"]

    page = browser.post(
        "/lost-password", b"{}", content_type="application/json", headers={"X-CSRFToken": token}
    )

    assert page.status_code == 415
    assert "That did not work" in words(page)
