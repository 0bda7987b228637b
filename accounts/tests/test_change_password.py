from base64 import b64encode
from functools import partial

import pytest
from django.core import mail

from accounts import sessions
from accounts.models import EmailChange, OutgoingMail, SecurityEvent, SecurityEventKind
from accounts.tests.factories import PASSWORD, make_account
from accounts.tests.threads import at_once

NEW = "another horse battery"

pytestmark = pytest.mark.django_db


def encoded(text, encoding="utf-8"):
    return b64encode(text.encode(encoding)).decode()


def change(client, password=NEW, **headers):
    return client.put("/api/change-password", {"password": encoded(password)}, headers=headers)


def test_a_password_is_changed(account, account_client):
    response = change(account_client)

    account.refresh_from_db()
    assert (response.status_code, response.content) == (204, b"")
    assert account.check_password(NEW)
    assert account.password.startswith("argon2$argon2id$")
    event = SecurityEvent.objects.get()
    assert (event.kind, event.account) == (SecurityEventKind.PASSWORD_CHANGED, account)
    assert event.address == "127.0.0.1"


def test_the_other_sessions_end_and_this_one_goes_on(account, account_client, api):
    other = sessions.start(account)

    change(account_client)

    assert account_client.get("/api/account").status_code == 200
    headers = {"Authorization": f"Bearer {other.access}"}
    assert api.get("/api/account", headers=headers).status_code == 401
    assert account.sessions.filter(ended_at=None).count() == 1


def test_the_address_gets_a_notice(account, account_client, django_capture_on_commit_callbacks):
    with django_capture_on_commit_callbacks(execute=True):
        change(account_client)

    [message] = mail.outbox
    assert message.to == [account.email]
    assert message.subject == "Your password at Selene was changed"


def test_a_change_of_address_that_is_under_way_ends(account, account_client):
    EmailChange.objects.create(account=account, email="eve@example.com")

    change(account_client)

    assert not EmailChange.objects.exists()


@pytest.mark.parametrize("encoding", ["utf-8", "latin-1"])
def test_a_password_beyond_ascii_is_the_same_in_either_encoding(account, account_client, encoding):
    body = {"password": encoded("schöne grüße", encoding)}

    assert account_client.put("/api/change-password", body).status_code == 204
    account.refresh_from_db()
    assert account.check_password("schöne grüße")


def test_an_account_without_password_gets_one(api, account):
    account.set_unusable_password()
    account.save(update_fields=["password"])
    tokens = sessions.start(account)

    response = change(api, Authorization=f"Bearer {tokens.access}")

    account.refresh_from_db()
    assert response.status_code == 204
    assert account.check_password(NEW)


@pytest.mark.parametrize(
    ("body", "errors"),
    [
        ({}, {"password": ["This field is required."]}),
        ({"password": None}, {"password": ["This field may not be null."]}),
        ({"password": ""}, {"password": ["This field may not be blank."]}),
        ({"password": ["x"]}, {"password": ["Not a valid string."]}),
        ({"password": NEW}, {"password": ["not valid base64"]}),
        ({"password": encoded("a\0b")}, {"password": ["NUL characters are not allowed"]}),
        ({"password": encoded("x" * 1_001)}, {"password": ["at most 1000 characters"]}),
        (
            {"password": encoded("short-1")},
            {"password": ["This password is too short. It must contain at least 8 characters."]},
        ),
        ({"password": encoded("password123")}, {"password": ["This password is too common."]}),
        (
            {"password": encoded("ada.lovelace")},
            {"password": ["The password is too similar to the email address."]},
        ),
        ([], {"error": "Invalid data. Expected a dictionary, but got list."}),
    ],
)
def test_what_will_not_do_is_refused_with_a_reason(account_client, account, body, errors):
    account.email = "ada.lovelace@example.com"
    account.save(update_fields=["email"])

    response = account_client.put("/api/change-password", body)

    account.refresh_from_db()
    assert (response.status_code, response.json()) == (400, errors)
    assert account.check_password(PASSWORD)
    assert not OutgoingMail.objects.exists()
    assert not SecurityEvent.objects.exists()


def test_who_is_not_signed_in_changes_nothing(account, api):
    response = change(api)

    account.refresh_from_db()
    assert response.status_code == 401
    assert response.json() == {"error": "no authentication tokens found"}
    assert account.check_password(PASSWORD)


def test_another_site_changes_nothing(account, account_client):
    response = change(account_client, Origin="https://evil.example")

    account.refresh_from_db()
    assert response.status_code == 403
    assert account.check_password(PASSWORD)


def test_another_account_keeps_its_password(account_client):
    other = make_account()

    change(account_client)

    other.refresh_from_db()
    assert other.check_password(PASSWORD)


def test_changes_are_limited(account_client, limit_rate):
    limit_rate("password-change", "1/hour")

    answers = [change(account_client).status_code for _ in range(2)]

    assert answers == [204, 429]


@pytest.mark.django_db(transaction=True)
def test_two_changes_at_once_leave_one_of_the_two_passwords(account, account_client):
    passwords = ["first new password", "second new password"]

    answers = at_once(*[partial(change, account_client, each) for each in passwords])

    account.refresh_from_db()
    assert [answer.status_code for answer in answers] == [204, 204]
    assert [account.check_password(each) for each in passwords].count(True) == 1
    assert account.sessions.filter(ended_at=None).count() == 1
