import re
from base64 import b64encode
from datetime import timedelta
from functools import partial

import pytest
from django.core import mail

from accounts import editing, email_changes, sessions
from accounts.models import Account, EmailChange, OutgoingMail, SecurityEvent, SecurityEventKind
from accounts.tests.factories import make_account
from accounts.tests.threads import at_once
from accounts.tokens import AccessToken, ResetToken, VerifyEmailToken

NEW = "ada@new.example"
BROKEN = "The part after the @-sign contains invalid characters: ':', '@', U+000A."
VOID = {"token": ["the link is not valid any more"]}

pytestmark = pytest.mark.django_db


def encoded(text):
    return b64encode(text.encode()).decode()


def ask(client, email=NEW):
    return client.put("/api/change-email", {"token": encoded(email)})


def verify(client, token):
    return client.put("/api/verify-email", {"token": token})


@pytest.fixture
def mailed(django_capture_on_commit_callbacks):
    """Return a function that asks for an address and returns the token mailed there."""

    def mailed(client, email=NEW):
        with django_capture_on_commit_callbacks(execute=True):
            assert ask(client, email).status_code == 204
        return re.search(r"/verify-email\?token=(\S+)", mail.outbox[-1].body)[1]

    return mailed


def test_asking_for_another_address_changes_nothing_yet_and_mails_both(
    account, account_client, settings, django_capture_on_commit_callbacks
):
    settings.ACCOUNT_BASE_URL = "https://account.example"
    before = account.email
    with django_capture_on_commit_callbacks(execute=True):
        response = ask(account_client)

    account.refresh_from_db()
    notice, link = mail.outbox
    assert (response.status_code, response.content) == (204, b"")
    assert (account.email, account.email_proven_at) == (before, None)
    assert (notice.to, link.to) == ([before], [NEW])
    assert notice.subject == "A new address for your account at Selene"
    assert "token" not in notice.body
    assert NEW not in notice.body
    [url] = re.findall(r"https://account\.example/verify-email\?token=\S+", link.body)
    assert re.fullmatch(r"[\w.-]+", url.partition("token=")[2])


def test_the_link_holds_no_address(account_client, mailed):
    token = mailed(account_client)

    claims = VerifyEmailToken.read(token).payload
    assert set(claims) == {"token_type", "exp", "iat", "jti", "sub"}


def test_the_token_changes_the_address_and_proves_it(account, account_client, mailed):
    response = verify(account_client, mailed(account_client))

    account.refresh_from_db()
    assert (response.status_code, response.content) == (204, b"")
    assert account.email == NEW
    assert account.email_proven_at is not None
    assert not EmailChange.objects.exists()
    event = SecurityEvent.objects.get()
    assert (event.kind, event.account) == (SecurityEventKind.EMAIL_CHANGED, account)
    assert event.address == "127.0.0.1"


def test_an_account_can_prove_the_address_it_has(account, account_client, mailed):
    verify(account_client, mailed(account_client, account.email.upper()))

    before = account.email
    account.refresh_from_db()
    assert account.email.lower() == before
    assert account.email_proven_at is not None


def test_a_token_serves_once(account, account_client, mailed):
    first = mailed(account_client)
    verify(account_client, first)
    verify(account_client, mailed(account_client, "ada@third.example"))

    response = verify(account_client, first)

    account.refresh_from_db()
    assert (response.status_code, response.json()) == (400, VOID)
    assert account.email == "ada@third.example"


@pytest.mark.django_db(transaction=True)
def test_a_token_serves_once_at_once(account, account_client):
    ask(account_client)
    token = re.search(r"token=(\S+)", mail.outbox[-1].body)[1]

    answers = at_once(*[partial(verify, account_client, token)] * 3)

    assert sorted(answer.status_code for answer in answers) == [204, 400, 400]
    assert SecurityEvent.objects.count() == 1


def test_a_token_is_good_for_a_day(account, account_client, mailed, pass_time, api):
    token = mailed(account_client)

    pass_time(timedelta(hours=24, seconds=1))
    access = sessions.start(account).access
    response = api.put(
        "/api/verify-email", {"token": token}, headers={"Authorization": f"Bearer {access}"}
    )

    assert (response.status_code, response.json()) == (400, VOID)
    assert not Account.objects.filter(email=NEW).exists()


def test_whoever_asks_again_makes_the_first_link_void(account, account_client, mailed):
    mistyped = mailed(account_client, "ada@knew.example")
    right = mailed(account_client)

    answers = [verify(account_client, each).status_code for each in (mistyped, right)]

    account.refresh_from_db()
    assert answers == [400, 204]
    assert account.email == NEW


def test_the_token_of_another_account_changes_nothing(account, account_client, mailed, api):
    token = mailed(account_client)
    stranger = make_account()
    access = sessions.start(stranger).access

    response = api.put(
        "/api/verify-email", {"token": token}, headers={"Authorization": f"Bearer {access}"}
    )

    assert (response.status_code, response.json()) == (400, VOID)
    assert not Account.objects.filter(email=NEW).exists()
    assert EmailChange.objects.get().account == account


def test_a_token_of_another_type_or_hand_changes_nothing(account, account_client, mailed):
    good = mailed(account_client)
    other_types = []
    for kind in (AccessToken, ResetToken):
        token = kind()
        token["sub"], token["jti"] = str(account.pk), str(EmailChange.objects.get().pk)
        other_types.append(str(token))
    header, claims, signature = good.split(".")
    forged = [f"{header}.{claims}.", f"{header}.{claims[:-2]}AA.{signature}", encoded(NEW), "x"]

    answers = [verify(account_client, each) for each in other_types + forged]

    assert [answer.json() for answer in answers] == [VOID] * len(answers)
    assert not Account.objects.filter(email=NEW).exists()


def test_a_link_of_an_account_whose_operator_changed_the_address_is_void(
    account, account_client, mailed
):
    token = mailed(account_client)
    account.email = "ada@operator.example"
    editing.save(account, ["email"])

    assert verify(account_client, token).json() == VOID


@pytest.mark.parametrize("email", ["bob@example.com", "BOB@Example.com"])
def test_that_an_address_is_in_use_is_told_to_nobody_but_who_reads_its_mail(
    account, account_client, email, django_capture_on_commit_callbacks
):
    make_account("bob@example.com")
    with django_capture_on_commit_callbacks(execute=True):
        response = ask(account_client, email)

    notice, told = mail.outbox
    assert (response.status_code, response.content) == (204, b"")
    assert (notice.to, told.to) == ([account.email], ["bob@example.com"])
    assert told.subject == "This address already has an account at Selene"
    assert "token" not in told.body
    assert not EmailChange.objects.exists()


def test_an_address_that_is_taken_meanwhile_is_refused(account, account_client, mailed):
    token = mailed(account_client)
    make_account(NEW.upper())

    response = verify(account_client, token)

    before = account.email
    account.refresh_from_db()
    assert response.status_code == 400
    assert response.json() == {"token": ["an account with this address exists"]}
    assert account.email == before
    assert not SecurityEvent.objects.exists()


def test_after_a_refusal_the_address_comes_encoded_twice(account_client):
    response = account_client.put("/api/change-email", {"token": encoded(encoded(NEW))})

    assert response.status_code == 204
    assert EmailChange.objects.get().email == NEW


@pytest.mark.parametrize(
    ("body", "errors"),
    [
        ({}, {"token": ["This field is required."]}),
        ({"token": None}, {"token": ["This field may not be null."]}),
        ({"token": ""}, {"token": ["This field may not be blank."]}),
        ({"token": {}}, {"token": ["Not a valid string."]}),
        ({"token": NEW}, {"token": ["not valid base64"]}),
        ({"token": encoded("ada")}, {"token": ["not an email address"]}),
        ({"token": encoded("ada\0@new.example")}, {"token": ["NUL characters are not allowed"]}),
        ({"token": encoded("ada@new.example\nBcc:eve@example.com")}, {"token": [BROKEN]}),
        ([], {"error": "Invalid data. Expected a dictionary, but got list."}),
    ],
)
def test_what_is_no_address_is_refused_with_a_reason(account_client, body, errors):
    response = account_client.put("/api/change-email", body)

    assert (response.status_code, response.json()) == (400, errors)
    assert not OutgoingMail.objects.exists()
    assert not EmailChange.objects.exists()


@pytest.mark.parametrize(
    ("body", "errors"),
    [
        ({}, {"token": ["This field is required."]}),
        ({"token": None}, {"token": ["This field may not be null."]}),
        ({"token": []}, {"token": ["Not a valid string."]}),
        ({"token": "x" * 10_000}, VOID),
        ({"token": "a.b.c"}, VOID),
        ({"token": "\u00fc.\u00fc.\u00fc"}, VOID),
    ],
)
def test_what_is_no_token_is_refused_with_a_reason(account_client, body, errors):
    response = account_client.put("/api/verify-email", body)

    assert (response.status_code, response.json()) == (400, errors)


@pytest.mark.parametrize("path", ["/api/change-email", "/api/verify-email"])
def test_who_is_not_signed_in_changes_nothing(account_client, mailed, api, path):
    token = mailed(account_client)

    response = api.put(path, {"token": token})

    assert response.status_code == 401
    assert response.json() == {"error": "no authentication tokens found"}
    assert EmailChange.objects.get().email == NEW
    assert not Account.objects.filter(email=NEW).exists()


def test_asking_is_limited(account_client, limit_rate):
    limit_rate("email-change", "1/hour")

    answers = [ask(account_client).status_code for _ in range(2)]

    assert answers == [204, 429]


def test_changes_that_nobody_confirmed_are_deleted(account, pass_time):
    EmailChange.objects.create(account=account, email=NEW)
    pass_time(timedelta(hours=24))
    early = email_changes.purge()
    pass_time(timedelta(hours=2))

    assert (early, email_changes.purge()) == (0, 1)
