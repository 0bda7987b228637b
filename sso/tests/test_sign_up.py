from base64 import b64encode
from datetime import timedelta
from functools import partial

import pytest
from django.utils import timezone

from accounts.models import Account, AccountActivity, AgreementType
from accounts.tests.factories import make_account, make_agreement
from accounts.tests.threads import at_once

AGREED = {"termsOfUse": True, "privacyPolicy": True}
UNUSED = {"federatedPlatform": None, "federatedToken": None}
PASSWORD = "first-password"

pytestmark = pytest.mark.django_db


def encoded(text, encoding="utf-8"):
    return b64encode(text.encode(encoding)).decode()


def new_account(email="ada@example.com", password=PASSWORD, encode=encoded):
    """Return what Selene UI sends to sign up."""
    return AGREED | {"login": {"email": encode(email), "password": encode(password)} | UNUSED}


def test_a_person_signs_up(api):
    response = api.post("/api/account", new_account())

    assert response.status_code == 200
    assert response.content == b'"Account added successfully"'
    account = Account.objects.get()
    assert (account.email, account.username) == ("ada@example.com", None)
    assert (account.is_staff, account.is_superuser) == (False, False)
    assert account.email_proven_at is None
    assert account.check_password(PASSWORD)


def test_the_password_is_kept_as_argon2id(api):
    api.post("/api/account", new_account())

    assert Account.objects.get().password.startswith("argon2$argon2id$v=19$m=19456,t=2,p=1$")


def test_one_password_is_kept_differently_for_two_accounts(api):
    api.post("/api/account", new_account())
    api.post("/api/account", new_account("bob@example.com"))

    first, second = Account.objects.values_list("password", flat=True)
    assert first != second


def test_who_signed_up_can_log_in(api):
    api.post("/api/account", new_account())

    login = encoded(f"ada@example.com:||:{PASSWORD}")
    response = api.get("/api/internal-login", HTTP_AUTHORIZATION=f"Basic {login}")

    assert response.status_code == 204


def test_keys_that_are_not_used_may_be_absent(api):
    login = {"email": encoded("ada@example.com"), "password": encoded(PASSWORD)}

    response = api.post("/api/account", AGREED | {"login": login})

    assert response.status_code == 200


def test_the_next_try_after_a_refusal_is_encoded_twice(api):
    response = api.post("/api/account", new_account(encode=lambda text: encoded(encoded(text))))

    assert response.status_code == 200
    account = Account.objects.get()
    assert account.email == "ada@example.com"
    assert account.check_password(PASSWORD)


@pytest.mark.parametrize("encoding", ["utf-8", "latin-1"])
def test_a_password_beyond_ascii_is_the_same_however_the_browser_encodes_it(api, encoding):
    password = "schöne grüße"

    api.post(
        "/api/account", new_account(password=password, encode=partial(encoded, encoding=encoding))
    )

    assert Account.objects.get().check_password(password)


def test_a_password_that_looks_like_base64_is_taken_as_it_is(api):
    api.post("/api/account", new_account(password="Zmlyc3QtcGFzc3dvcmQ="))

    assert Account.objects.get().check_password("Zmlyc3QtcGFzc3dvcmQ=")


def test_the_versions_in_force_are_accepted(api):
    today = timezone.now().date()
    in_force = [make_agreement(), make_agreement(AgreementType.PRIVACY_POLICY)]
    make_agreement(AgreementType.OPEN_DATASET)
    make_agreement(version="2", effective_on=today + timedelta(days=1))

    api.post("/api/account", new_account())

    acceptances = Account.objects.get().acceptances.all()
    assert {each.agreement for each in acceptances} == {*in_force}
    assert {each.accepted_on for each in acceptances} == {today}


def test_a_new_account_counts_in_the_days_activity(api):
    make_account()

    for email in "ada@example.com", "bob@example.com":
        api.post("/api/account", new_account(email))

    day = AccountActivity.objects.get()
    assert day.day == timezone.now().date()
    assert (day.accounts, day.accounts_added) == (3, 2)


@pytest.mark.parametrize("email", ["ada@example.com", "ADA@EXAMPLE.com"])
def test_an_address_in_use_is_refused_in_any_case(api, email):
    make_account("Ada@example.com")

    response = api.post("/api/account", new_account(email))

    assert response.status_code == 400
    assert response.json() == {"login": {"email": ["an account with this address exists"]}}
    assert Account.objects.count() == 1
    assert not AccountActivity.objects.exists()


@pytest.mark.django_db(transaction=True)
def test_of_two_people_at_once_one_gets_the_address(api):
    sign_ups = [new_account("ada@example.com"), new_account("Ada@Example.com")]

    answers = at_once(*[partial(api.post, "/api/account", each) for each in sign_ups])

    assert sorted(answer.status_code for answer in answers) == [200, 400]
    assert Account.objects.count() == 1
    assert AccountActivity.objects.get().accounts_added == 1


@pytest.mark.django_db(transaction=True)
def test_people_who_sign_up_at_once_are_all_counted(api):
    sign_ups = [new_account(f"person{number}@example.com") for number in range(4)]

    answers = at_once(*[partial(api.post, "/api/account", each) for each in sign_ups])

    assert [answer.status_code for answer in answers] == [200] * 4
    day = AccountActivity.objects.get()
    assert (day.accounts, day.accounts_added) == (4, 4)


def test_cookies_of_an_account_that_is_gone_do_not_stand_in_the_way(api):
    api.cookies["seleneAccess"] = api.cookies["seleneRefresh"] = "garbage"

    assert api.post("/api/account", new_account()).status_code == 200


@pytest.mark.parametrize(
    ("login", "reasons"),
    [
        (
            {"email": encoded("ada@example.com")},
            {"password": ["email address must be accompanied by a password"]},
        ),
        (
            {"password": encoded(PASSWORD)},
            {"email": ["password must be accompanied by an email address"]},
        ),
        ({}, {"email": ["an email address or a federated platform is required"]}),
        (
            {"email": None, "password": "", "federatedPlatform": None},
            {"email": ["an email address or a federated platform is required"]},
        ),
        (
            {"federatedPlatform": "MySpace", "federatedToken": "x"},
            {
                "federatedPlatform": [
                    "Value (MySpace) must be one of ['Facebook', 'Google', 'GitHub']."
                ]
            },
        ),
        (
            {"federatedPlatform": "Google"},
            {"federatedToken": ["federated platform must be accompanied by a token"]},
        ),
        (
            {"email": "ada@example.com", "password": encoded(PASSWORD)},
            {"email": ["email address or password: not valid base64"]},
        ),
        (
            {"email": encoded("ada@example.com"), "password": "first-password"},
            {"email": ["email address or password: not valid base64"]},
        ),
        (
            {"email": encoded("ada@example.com"), "password": encoded("first\0password")},
            {"email": ["email address or password: NUL characters are not allowed"]},
        ),
        (
            {"email": encoded("ada at example"), "password": encoded(PASSWORD)},
            {"email": ["An email address must have an @-sign."]},
        ),
        (
            {"email": encoded("ada@example.com"), "password": encoded("x" * 1001)},
            {"password": ["at most 1000 characters"]},
        ),
        (
            {"email": 5, "password": ["x"]},
            {"password": ["Not a valid string."]},
        ),
        ("x", {"error": ["Invalid data. Expected a dictionary, but got str."]}),
    ],
)
def test_a_login_that_cannot_be_is_refused_with_a_reason(api, login, reasons):
    response = api.post("/api/account", AGREED | {"login": login})

    assert (response.status_code, response.json()) == (400, {"login": reasons})
    assert not Account.objects.exists()


@pytest.mark.parametrize(
    ("password", "reason"),
    [
        ("short-1", "This password is too short. It must contain at least 8 characters."),
        ("password123", "This password is too common."),
        ("83920175639", "This password is entirely numeric."),
        ("ada.lovelace", "The password is too similar to the email address."),
    ],
)
def test_a_weak_password_is_refused_with_a_reason(api, password, reason):
    response = api.post("/api/account", new_account("ada.lovelace@example.com", password))

    assert response.status_code == 400
    assert response.json() == {"login": {"password": [reason]}}
    assert not Account.objects.exists()


@pytest.mark.parametrize(
    ("change", "errors"),
    [
        ({"termsOfUse": False}, {"termsOfUse": ["agreement to the terms of use is required"]}),
        (
            {"privacyPolicy": False},
            {"privacyPolicy": ["agreement to the privacy policy is required"]},
        ),
        ({"termsOfUse": None}, {"termsOfUse": ["This field may not be null."]}),
        ({"privacyPolicy": []}, {"privacyPolicy": ["Must be a valid boolean."]}),
        ({"login": None}, {"login": ["This field may not be null."]}),
    ],
)
def test_both_agreements_and_a_login_are_required(api, change, errors):
    response = api.post("/api/account", new_account() | change)

    assert (response.status_code, response.json()) == (400, errors)
    assert not Account.objects.exists()


def test_what_is_missing_is_named(api):
    response = api.post("/api/account", {})

    required = ["This field is required."]
    assert response.status_code == 400
    assert response.json() == dict.fromkeys(("termsOfUse", "privacyPolicy", "login"), required)


@pytest.mark.parametrize("body", [b"", b"{", b"[]", b'"x"', b"\xff", b"[" * 5000, b'{"a": NaN}'])
def test_a_broken_body_is_refused_with_a_reason(api, body):
    response = api.post("/api/account", data=body, content_type="application/json")

    assert response.status_code == 400
    assert response.json()
    assert not Account.objects.exists()


def test_a_huge_body_is_refused(api):
    body = b'{"login": "' + b"x" * 2_000_000 + b'"}'

    response = api.post("/api/account", data=body, content_type="application/json")

    assert response.status_code == 413
    assert set(response.json()) == {"error"}


def test_what_is_no_json_is_not_supported(api):
    response = api.post("/api/account", data="a=b", content_type="text/plain")

    assert response.status_code == 415
    assert set(response.json()) == {"error"}


@pytest.mark.parametrize(
    ("platform", "setting"),
    [
        ("Google", "GOOGLE_CLIENT_ID"),
        ("Facebook", "FACEBOOK_APP_ID"),
        ("GitHub", "GITHUB_CLIENT_ID"),
    ],
)
def test_a_platform_without_key_is_named(api, platform, setting):
    login = {"federatedPlatform": platform, "federatedToken": "x", "email": None, "password": None}

    response = api.post("/api/account", AGREED | {"login": login})

    assert (response.status_code, response.json()) == (503, {"error": f"{setting} is not set"})
    assert not Account.objects.exists()


@pytest.mark.parametrize("email", ["ada@mail.home.local", "ada@selene.test", "zoë@bücher.example"])
def test_the_address_of_a_home_or_beyond_ascii_will_do(api, email):
    assert api.post("/api/account", new_account(email)).status_code == 200
    assert Account.objects.get().email == email


def test_signing_up_is_limited(api, limit_rate):
    limit_rate("sign-up", "2/hour")

    answers = [api.post("/api/account", {}) for _ in range(3)]

    assert [answer.status_code for answer in answers] == [400, 400, 429]
    assert set(answers[-1].json()) == {"error"}
    assert int(answers[-1].headers["Retry-After"]) <= 3600


def test_the_limit_of_sign_ups_is_none_for_the_other_methods(account_client, limit_rate):
    limit_rate("sign-up", "1/hour")

    answers = [account_client.get("/api/account").status_code for _ in range(3)]

    assert answers == [200] * 3


def test_a_process_without_the_account_api_only_signs_up(api, account_client, settings):
    settings.SELENE_APIS = ["sso"]

    read, signed_up = account_client.get("/api/account"), api.post("/api/account", new_account())

    assert (read.status_code, read.headers["Allow"]) == (405, "POST, OPTIONS")
    assert signed_up.status_code == 200
