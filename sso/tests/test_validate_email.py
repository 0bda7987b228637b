from base64 import b64encode
from urllib.parse import quote

import pytest
from social_django.models import UserSocialAuth

from accounts.tests.factories import make_account
from sso.tests.platforms import ALL, EMAIL, PROVIDERS, SUBJECT, TOKEN, configure

UNKNOWN = {"accountExists": False, "noFederatedEmail": False}
WITH_NUL = quote(b64encode(b"ada\0@example.com").decode())
KNOWN = {"accountExists": True, "noFederatedEmail": False}

pytestmark = pytest.mark.django_db


def ask(api, email, encoding="utf-8"):
    token = quote(b64encode(email.encode(encoding)).decode())
    return api.get(f"/api/validate-email?platform=Internal&token={token}")


def test_an_address_without_account_is_unknown(api):
    response = ask(api, "nobody@example.com")

    assert (response.status_code, response.json()) == (200, UNKNOWN)


@pytest.mark.parametrize("email", ["ada@example.com", "ADA@Example.COM", " ada@example.com "])
def test_an_address_with_account_is_known_in_any_case(api, email):
    make_account("ada@example.com")

    response = ask(api, email)

    assert (response.status_code, response.json()) == (200, KNOWN)


@pytest.mark.parametrize("encoding", ["utf-8", "latin-1"])
def test_an_address_beyond_ascii_is_known_however_the_browser_encodes_it(api, encoding):
    make_account("zoë@example.com")

    assert ask(api, "zoë@example.com", encoding).json() == KNOWN


def test_a_plus_that_the_page_did_not_escape_is_read_as_one(api):
    make_account("~~>~>@example.com")
    token = b64encode(b"~~>~>@example.com").decode()
    assert "+" in token

    response = api.get(f"/api/validate-email?platform=Internal&token={token}")

    assert response.json() == KNOWN


@pytest.mark.parametrize(
    "token", ["", WITH_NUL, "a", "====", "%FF%FE", "AA==", "bm9uZQ==", "A" * 5000]
)
def test_what_is_no_address_is_unknown(api, token):
    response = api.get(f"/api/validate-email?platform=Internal&token={token}")

    assert (response.status_code, response.json()) == (200, UNKNOWN)


def test_without_a_token_yet_no_platform_is_asked(api):
    response = api.get("/api/validate-email?platform=Google&token=")

    assert (response.status_code, response.json()) == (200, UNKNOWN)


@pytest.mark.parametrize(
    ("platform", "setting"),
    [
        ("Google", "GOOGLE_CLIENT_ID"),
        ("Facebook", "FACEBOOK_APP_ID"),
        ("GitHub", "GITHUB_CLIENT_ID"),
    ],
)
def test_a_platform_without_key_is_named(api, platform, setting):
    response = api.get(f"/api/validate-email?platform={platform}&token=x")

    assert (response.status_code, response.json()) == (503, {"error": f"{setting} is not set"})


@pytest.mark.parametrize(
    ("query", "errors"),
    [
        ("token=", {"platform": ["This field is required."]}),
        ("platform=Internal", {"token": ["This field is required."]}),
        ("platform=MySpace&token=", {"platform": ['"MySpace" is not a valid choice.']}),
    ],
)
def test_a_missing_or_unknown_parameter_is_named(api, query, errors):
    response = api.get(f"/api/validate-email?{query}")

    assert (response.status_code, response.json()) == (400, errors)


def test_asking_is_limited(api, limit_rate):
    limit_rate("validate-email", "2/minute")

    answers = [ask(api, "nobody@example.com") for _ in range(3)]

    assert [answer.status_code for answer in answers] == [200, 200, 429]
    assert int(answers[-1].headers["Retry-After"]) <= 60


def test_a_look_at_an_address_uses_the_index(api, django_assert_num_queries):
    make_account("ada@example.com")

    with django_assert_num_queries(1) as queries:
        ask(api, "ada@example.com")

    assert 'LOWER("accounts_account"."email")' in queries[0]["sql"]


@pytest.mark.parametrize("platform", ALL)
def test_a_person_at_a_platform_without_account_can_sign_up(api, platforms, platform):
    platforms.know(platform)

    response = api.get(f"/api/validate-email?platform={platform}&token={TOKEN}")

    assert (response.status_code, response.json()) == (200, UNKNOWN)


@pytest.mark.parametrize("platform", ALL)
def test_a_person_at_a_platform_whose_address_has_an_account_is_known(api, platforms, platform):
    make_account(EMAIL)
    platforms.know(platform)

    response = api.get(f"/api/validate-email?platform={platform}&token={TOKEN}")

    assert (response.status_code, response.json()) == (200, KNOWN)
    assert not UserSocialAuth.objects.exists()


@pytest.mark.parametrize("platform", ALL)
def test_a_person_who_signed_in_before_is_known_without_address(api, platforms, platform):
    make_account().social_auth.create(provider=PROVIDERS[platform], uid=SUBJECT)
    platforms.know(platform, verified=False)

    response = api.get(f"/api/validate-email?platform={platform}&token={TOKEN}")

    assert (response.status_code, response.json()) == (200, KNOWN)


@pytest.mark.parametrize("platform", ALL)
def test_a_platform_that_vouches_for_no_address_is_told(api, platforms, platform):
    make_account(EMAIL)
    platforms.know(platform, verified=False)

    response = api.get(f"/api/validate-email?platform={platform}&token={TOKEN}")

    expected = {"accountExists": False, "noFederatedEmail": True}
    assert (response.status_code, response.json()) == (200, expected)


@pytest.mark.parametrize("platform", ALL)
def test_a_token_that_is_refused_is_unknown(api, platforms, platform):
    platforms.refuse(platform)

    response = api.get(f"/api/validate-email?platform={platform}&token=x")

    assert (response.status_code, response.json()) == (200, UNKNOWN)


@pytest.mark.parametrize("platform", ALL)
def test_a_token_of_another_app_is_unknown(api, platforms, platform):
    make_account(EMAIL)
    platforms.know(platform, app="another-app")

    response = api.get(f"/api/validate-email?platform={platform}&token={TOKEN}")

    assert (response.status_code, response.json()) == (200, UNKNOWN)


def test_a_bad_day_of_the_platform_is_told(api, settings, bad_upstream):
    configure(settings, bad_upstream.url)

    response = api.get("/api/validate-email?platform=Google&token=x")

    words = "timed out" if bad_upstream.status == 504 else "failed"
    assert response.status_code == bad_upstream.status
    assert response.json() == {"error": f"Google {words}"}
