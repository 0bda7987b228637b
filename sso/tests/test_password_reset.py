"""A lost password: asking for a link, checking its token, choosing another."""

import re
from base64 import b64encode
from datetime import timedelta
from functools import partial
from uuid import uuid4

import pytest
from django.core import mail
from rest_framework.test import APIClient

from accounts import editing, sessions
from accounts.models import OutgoingMail, SecurityEvent, SecurityEventKind
from accounts.tests.factories import PASSWORD, make_account
from accounts.tests.threads import at_once
from accounts.tokens import AccessToken, RefreshToken, ResetToken, VerifyEmailToken

ADA = "ada@example.com"
NEW = "another horse battery"
REFUSED = {"error": "reset token is missing, was used, or is not of this account"}
INVALID = {"accountId": None, "tokenExpired": False, "tokenInvalid": True}

pytestmark = pytest.mark.django_db


def encoded(text):
    return b64encode(text.encode()).decode()


def ask(api, email=ADA, **extra):
    return api.post("/api/password-reset", {"emailAddress": email}, **extra)


def validate(api, token):
    return api.post("/api/validate-token", {"token": token})


def change(api, account, password=NEW, **body):
    body = {"accountId": str(account.pk), "password": encoded(password)} | body
    return api.put("/api/password-change", body)


def new_client():
    client = APIClient()
    client.default_format = "json"
    return client


@pytest.fixture
def ada():
    """An account that mail reaches."""
    return make_account(ADA)


@pytest.fixture
def mailed(ada, api, django_capture_on_commit_callbacks):
    """Return a function that asks for a link and returns the token in it."""

    def mailed():
        with django_capture_on_commit_callbacks(execute=True):
            assert ask(api).status_code == 200
        return re.search(r"/change-password\?token=(\S+)", mail.outbox[-1].body)[1]

    return mailed


def test_a_link_is_mailed_to_the_account(ada, api, settings, django_capture_on_commit_callbacks):
    settings.SSO_BASE_URL = "https://sso.example"
    with django_capture_on_commit_callbacks(execute=True):
        response = ask(api)

    [message] = mail.outbox
    assert (response.status_code, response.content) == (200, b"")
    assert not response.cookies
    assert (message.to, message.subject) == ([ADA], "A new password for your account at Selene")
    [url] = re.findall(r"https://sso\.example/change-password\?token=\S+", message.body)
    assert url in message.alternatives[0][0]
    assert ADA not in url


def test_an_unknown_address_is_answered_alike_and_told_by_mail(
    api, django_capture_on_commit_callbacks
):
    with django_capture_on_commit_callbacks(execute=True):
        response = ask(api, "nobody@example.com")

    [message] = mail.outbox
    assert (response.status_code, response.content) == (200, b"")
    assert message.to == ["nobody@example.com"]
    assert message.subject == "No account at Selene"
    assert "token" not in message.body + message.alternatives[0][0]


def test_known_and_unknown_addresses_cost_the_same(ada, api, django_assert_num_queries):
    for email in ADA, "nobody@example.com":
        with django_assert_num_queries(2):  # the account, the mail
            ask(api, email)


def test_the_link_goes_to_the_address_of_the_account_however_it_is_typed(
    ada, api, django_capture_on_commit_callbacks
):
    with django_capture_on_commit_callbacks(execute=True):
        ask(api, " ADA@Example.com ")

    assert mail.outbox[0].to == [ADA]


def test_a_letter_that_only_databases_fold_brings_the_link_to_nobody_else(
    api, django_capture_on_commit_callbacks
):
    make_account("victim@selene.test")
    with django_capture_on_commit_callbacks(execute=True):
        ask(api, "v\u0130ctim@selene.test")

    with_link = [message.to for message in mail.outbox if "token=" in message.body]
    assert with_link in ([], [["victim@selene.test"]])


def test_an_account_that_may_not_sign_in_gets_no_link(api, django_capture_on_commit_callbacks):
    make_account(ADA, is_active=False)
    with django_capture_on_commit_callbacks(execute=True):
        ask(api)

    assert mail.outbox[0].subject == "No account at Selene"


@pytest.mark.parametrize(
    "email",
    ["ada", "ada@example.com\nBcc: eve@example.com", "ada@example.com,eve@example.com", "@"],
)
def test_what_is_no_address_is_answered_alike_and_gets_no_mail(api, email):
    response = ask(api, email)

    assert (response.status_code, response.content) == (200, b"")
    assert not OutgoingMail.objects.exists()


@pytest.mark.parametrize(
    ("body", "errors"),
    [
        ({}, {"emailAddress": ["This field is required."]}),
        ({"emailAddress": None}, {"emailAddress": ["This field may not be null."]}),
        ({"emailAddress": " "}, {"emailAddress": ["This field may not be blank."]}),
        ({"emailAddress": [ADA]}, {"emailAddress": ["Not a valid string."]}),
        (
            {"emailAddress": "x" * 255},
            {"emailAddress": ["Ensure this field has no more than 254 characters."]},
        ),
        ("x", {"error": "Invalid data. Expected a dictionary, but got str."}),
    ],
)
def test_asking_without_an_address_is_refused_with_a_reason(api, body, errors):
    response = api.post("/api/password-reset", body)

    assert (response.status_code, response.json()) == (400, errors)


@pytest.mark.parametrize(
    ("path", "method"),
    [
        ("/api/password-reset", "post"),
        ("/api/validate-token", "post"),
        ("/api/password-change", "put"),
    ],
)
def test_a_broken_body_is_refused_with_a_reason(api, path, method):
    bodies = [b"", b"{", b"\xff", b'{"token": "\\u0000"}', b"[" * 5_000]

    answers = [
        getattr(api, method)(path, data=body, content_type="application/json") for body in bodies
    ]

    assert [answer.status_code for answer in answers] == [400] * len(bodies)


def test_asking_is_limited_by_client(api, limit_rate):
    limit_rate("password-reset", "2/hour")

    answers = [ask(api, f"person{number}@example.com").status_code for number in range(3)]

    assert answers == [200, 200, 429]


@pytest.mark.parametrize("email", [ADA, "nobody@example.com"])
def test_asking_is_limited_by_address_whether_it_has_an_account_or_not(ada, api, limit_rate, email):
    limit_rate("password-reset", "2/hour")

    answers = [
        ask(api, each, REMOTE_ADDR=f"192.0.2.{number}").status_code
        for number, each in enumerate([email, email.upper(), f" {email}"])
    ]

    assert answers == [200, 200, 429]
    assert OutgoingMail.objects.count() == 2


def test_a_good_token_names_its_account_and_is_kept_out_of_reach_of_scripts(ada, api, mailed):
    token = mailed()

    response = validate(api, token)

    assert response.status_code == 200
    assert response.json() == {
        "accountId": str(ada.pk),
        "tokenExpired": False,
        "tokenInvalid": False,
    }
    cookie = response.cookies["seleneReset"]
    assert (cookie.value, cookie["path"], cookie["domain"]) == (token, "/api", "")
    assert (cookie["httponly"], cookie["samesite"], cookie["max-age"]) == (True, "Strict", 900)


def test_over_https_the_kept_token_stays_there(api, mailed, settings):
    settings.IS_HTTPS = True

    assert validate(api, mailed()).cookies["seleneReset"]["secure"] is True


def test_a_token_about_to_expire_is_kept_no_longer(api, mailed, pass_time):
    token = mailed()
    pass_time(timedelta(minutes=58))

    cookie = validate(api, token).cookies["seleneReset"]

    assert 100 < cookie["max-age"] <= 120


def test_a_token_expires_after_an_hour(ada, api, mailed, pass_time):
    token = mailed()
    pass_time(timedelta(hours=1, seconds=1))

    checked, changed = validate(api, token), change(api, ada, token=token)

    assert checked.status_code == 200
    assert checked.json() == {"accountId": None, "tokenExpired": True, "tokenInvalid": False}
    assert not checked.cookies
    assert changed.status_code == 401
    assert changed.json() == {"error": "reset token has expired"}
    ada.refresh_from_db()
    assert ada.check_password(PASSWORD)


def bad_tokens(account, good):
    """Yield what is no reset token of ``account`` as it is."""
    for kind in (AccessToken, RefreshToken, VerifyEmailToken, ResetToken):
        token = kind()
        token["sub"], token["state"] = str(account.pk), "0" * 64
        yield str(token)
    no_account = ResetToken()
    no_account["sub"] = "nobody"
    yield str(no_account)
    yield sessions.start(account).access
    header, claims, signature = good.split(".")
    yield from (f"{header}.{claims}.", f"{header}.{claims[:-2]}AA.{signature}", f"{good}x")
    yield from ("", "x", "a.b.c", "\u00fc", "x" * 10_000)


def test_what_is_no_reset_token_is_no_good(ada, api, mailed):
    tokens = list(bad_tokens(ada, mailed()))

    checked = [validate(api, token) for token in tokens]
    changed = [change(api, ada, token=token) for token in tokens]

    assert [answer.json() for answer in checked] == [INVALID] * len(tokens)
    assert not any(answer.cookies for answer in checked)
    assert [answer.status_code for answer in changed] == [401] * len(tokens)
    assert [answer.json() for answer in changed] == [REFUSED] * len(tokens)
    ada.refresh_from_db()
    assert ada.check_password(PASSWORD)


@pytest.mark.parametrize(
    ("body", "errors"),
    [
        ({}, {"token": ["This field is required."]}),
        ({"token": None}, {"token": ["This field may not be null."]}),
        ({"token": {}}, {"token": ["Not a valid string."]}),
        ([], {"error": "Invalid data. Expected a dictionary, but got list."}),
    ],
)
def test_checking_no_token_is_refused_with_a_reason(api, body, errors):
    response = api.post("/api/validate-token", body)

    assert (response.status_code, response.json()) == (400, errors)


def test_selene_ui_checks_the_token_and_then_sends_account_and_password(ada, api, mailed):
    validate(api, mailed())

    response = change(api, ada)

    ada.refresh_from_db()
    assert (response.status_code, response.content) == (204, b"")
    assert response.cookies["seleneReset"].value == ""
    assert response.cookies["seleneReset"]["path"] == "/api"
    assert ada.check_password(NEW)
    assert ada.email_proven_at is not None
    event = SecurityEvent.objects.get()
    assert (event.kind, event.account) == (SecurityEventKind.PASSWORD_CHANGED, ada)
    assert event.address == "127.0.0.1"


def test_a_program_sends_the_token_along(ada, mailed):
    response = change(new_client(), ada, token=mailed())

    ada.refresh_from_db()
    assert response.status_code == 204
    assert ada.check_password(NEW)


def test_a_new_password_ends_all_sessions_and_is_told_by_mail(
    ada, api, mailed, django_capture_on_commit_callbacks
):
    before = sessions.start(ada).access
    token = mailed()
    with django_capture_on_commit_callbacks(execute=True):
        change(api, ada, token=token)

    headers = {"Authorization": f"Bearer {before}"}
    assert new_client().get("/api/account", headers=headers).status_code == 401
    assert not ada.sessions.filter(ended_at=None).exists()
    assert mail.outbox[-1].to == [ADA]
    assert mail.outbox[-1].subject == "Your password at Selene was changed"


def test_who_was_locked_out_can_sign_in_with_the_new_password(ada, api, mailed, settings):
    settings.AXES_FAILURE_LIMIT = 2

    def log_in(password):
        basic = f"Basic {encoded(f'{ADA}:||:{password}')}"
        return api.get("/api/internal-login", HTTP_AUTHORIZATION=basic).status_code

    before = [log_in("wrong") for _ in range(2)]
    change(api, ada, token=mailed())

    assert (before, log_in(NEW)) == ([401, 429], 204)


def test_an_account_without_password_gets_one(ada, api, mailed):
    ada.set_unusable_password()
    ada.save(update_fields=["password"])

    response = change(api, ada, token=mailed())

    ada.refresh_from_db()
    assert response.status_code == 204
    assert ada.check_password(NEW)


def test_a_token_serves_once(ada, api, mailed):
    token = mailed()
    change(api, ada, token=token)

    again = change(api, ada, "third horse battery", token=token)

    ada.refresh_from_db()
    assert (again.status_code, again.json()) == (401, REFUSED)
    assert validate(api, token).json() == INVALID
    assert ada.check_password(NEW)


@pytest.mark.django_db(transaction=True)
def test_a_token_serves_once_at_once(ada, api):
    ask(api)
    token = re.search(r"token=(\S+)", mail.outbox[-1].body)[1]
    passwords = ["first new password", "second new password", "third new password"]

    answers = at_once(
        *[partial(change, new_client(), ada, each, token=token) for each in passwords]
    )

    ada.refresh_from_db()
    assert sorted(answer.status_code for answer in answers) == [204, 401, 401]
    assert [ada.check_password(each) for each in passwords].count(True) == 1
    assert SecurityEvent.objects.count() == 1


@pytest.mark.parametrize("name", ["password", "email", "is_active", "deleted"])
def test_a_token_is_void_once_the_account_is_not_what_it_was(ada, api, mailed, name):
    token = mailed()
    if name == "password":
        ada.set_password("second horse battery")
        ada.save(update_fields=["password"])
    elif name == "email":
        ada.email = "other@example.com"
        editing.save(ada, ["email"])
    elif name == "is_active":
        ada.is_active = False
        editing.save(ada, ["is_active"])
    else:
        type(ada).objects.filter(pk=ada.pk).delete()

    checked, changed = validate(api, token), change(api, ada, token=token)

    assert checked.json() == INVALID
    assert (changed.status_code, changed.json()) == (401, REFUSED)


def test_nobody_sets_a_password_without_a_token(ada, api):
    response = change(api, ada)

    ada.refresh_from_db()
    assert (response.status_code, response.json()) == (401, REFUSED)
    assert response.headers["WWW-Authenticate"] == "Bearer"
    assert ada.check_password(PASSWORD)


def test_a_token_sets_nobody_elses_password(api, mailed):
    other = make_account()
    validate(api, mailed())

    answers = [change(api, other), change(api, other, token=mailed())]
    answers.append(api.put("/api/password-change", {"accountId": str(uuid4()), "password": "eA=="}))

    other.refresh_from_db()
    assert [answer.json() for answer in answers] == [REFUSED] * 3
    assert other.check_password(PASSWORD)


@pytest.mark.parametrize(
    ("change", "errors"),
    [
        ({"accountId": "x"}, {"accountId": ["Must be a valid UUID."]}),
        ({"accountId": None}, {"accountId": ["This field may not be null."]}),
        ({"accountId": 5e300}, {"accountId": ["Must be a valid UUID."]}),
        ({"password": NEW}, {"password": ["not valid base64"]}),
        ({"password": encoded("a\0b")}, {"password": ["NUL characters are not allowed"]}),
        ({"password": encoded("x" * 1_001)}, {"password": ["at most 1000 characters"]}),
        ({"password": encoded("password123")}, {"password": ["This password is too common."]}),
        (
            {"password": encoded("ada@example")},
            {"password": ["The password is too similar to the email address."]},
        ),
        ({"token": []}, {"token": ["Not a valid string."]}),
    ],
)
def test_what_will_not_do_is_refused_with_a_reason_and_leaves_the_token_good(
    ada, api, mailed, change, errors
):
    token = mailed()
    good = {"accountId": str(ada.pk), "password": encoded(NEW), "token": token}

    response = api.put("/api/password-change", good | change)

    assert (response.status_code, response.json()) == (400, errors)
    ada.refresh_from_db()
    assert ada.check_password(PASSWORD)
    assert validate(api, token).json()["tokenInvalid"] is False


def test_changes_are_limited_by_client_and_by_account(ada, limit_rate):
    limit_rate("password-change", "2/hour")
    body = {"accountId": str(ada.pk), "password": encoded(NEW)}

    def put(account_id, address):
        changed = body | {"accountId": str(account_id)}
        return new_client().put("/api/password-change", changed, REMOTE_ADDR=address).status_code

    by_client = [put(uuid4(), "192.0.2.1") for _ in range(3)]
    by_account = [put(ada.pk, f"192.0.2.{number}") for number in range(2, 5)]

    assert (by_client, by_account) == ([401, 401, 429], [401, 401, 429])
