from datetime import timedelta
from functools import partial

import pytest
from django.utils import timezone
from social_django.models import UserSocialAuth

from accounts import sessions
from accounts.models import Account, SecurityEvent, SecurityEventKind
from accounts.tests.factories import PASSWORD, make_account
from accounts.tests.threads import at_once
from sso.tests.platforms import ALL, EMAIL, PROVIDERS, SUBJECT, TOKEN, configure

NO_ACCOUNT = {"error": "no account found for provided email"}
OTHER_APP = "token was issued to another app"

pytestmark = pytest.mark.django_db


@pytest.fixture
def proven():
    """An account whose address was proven."""
    return make_account(EMAIL, email_proven_at=timezone.now())


def sign_in(api, platform, token=TOKEN):
    return api.post("/api/validate-federated", {"platform": platform, "token": token})


def links():
    """Return who is linked to whom, and what else is kept of it."""
    return list(UserSocialAuth.objects.values_list("user__email", "provider", "uid", "extra_data"))


@pytest.mark.parametrize("platform", ALL)
def test_the_owner_of_a_proven_address_signs_in_and_is_linked(api, platforms, proven, platform):
    platforms.know(platform)

    response = sign_in(api, platform)

    assert (response.status_code, response.content) == (204, b"")
    assert links() == [(EMAIL, PROVIDERS[platform], SUBJECT, {})]
    proven.refresh_from_db()
    assert proven.check_password(PASSWORD)


def test_the_cookies_are_those_of_any_login(api, platforms, proven):
    platforms.know("Google")

    response = sign_in(api, "Google")

    kept = {name: (each["max-age"], each["httponly"]) for name, each in response.cookies.items()}
    assert kept == {
        "seleneAccess": (900, True),
        "seleneRefresh": (2628000, True),
        "seleneRefreshPresent": (2628000, ""),
    }
    assert api.get("/api/account").json()["id"] == str(proven.id)
    session = proven.sessions.get()
    assert (session.address, session.ended_at) == ("127.0.0.1", None)


@pytest.mark.parametrize("platform", ALL)
def test_an_address_is_the_same_in_any_case(api, platforms, proven, platform):
    platforms.know(platform, email=EMAIL.upper())

    assert sign_in(api, platform).status_code == 204


@pytest.mark.parametrize("platform", ALL)
def test_a_linked_person_signs_in_whatever_becomes_of_the_address(api, platforms, proven, platform):
    proven.social_auth.create(provider=PROVIDERS[platform], uid=SUBJECT)
    make_account("new@example.com", email_proven_at=timezone.now())
    platforms.know(platform, email="new@example.com")

    response = sign_in(api, platform)

    assert response.status_code == 204
    assert api.get("/api/account").json()["emailAddress"] == EMAIL
    assert len(links()) == 1


@pytest.mark.parametrize("platform", ALL)
def test_a_linked_person_needs_no_address(api, platforms, proven, platform):
    proven.social_auth.create(provider=PROVIDERS[platform], uid=SUBJECT)
    platforms.know(platform, email=None)

    assert sign_in(api, platform).status_code == 204


def test_the_same_id_at_another_platform_is_another_person(api, platforms):
    make_account("bob@example.com").social_auth.create(provider="github", uid=SUBJECT)
    platforms.know("Google")

    response = sign_in(api, "Google")

    assert (response.status_code, response.json()) == (401, NO_ACCOUNT)


def test_what_was_set_up_for_an_address_that_nobody_had_proven_is_void(api, platforms):
    squatted = make_account(EMAIL)
    old = sessions.start(squatted)
    platforms.know("Google")

    response = sign_in(api, "Google")

    assert response.status_code == 204
    squatted.refresh_from_db()
    assert not squatted.has_usable_password()
    assert squatted.email_proven_at is not None
    assert api.get("/api/account").json()["federatedLogin"] is True
    with pytest.raises(sessions.SessionEnded):
        sessions.recognise(old.access)
    event = SecurityEvent.objects.get()
    assert (event.kind, event.account) == (SecurityEventKind.PASSWORD_CHANGED, squatted)


def test_a_second_login_voids_nothing(api, platforms):
    account = make_account(EMAIL)
    platforms.know("Google")
    sign_in(api, "Google")
    account.refresh_from_db()
    account.set_password(PASSWORD)
    account.save()

    sign_in(api, "Google")

    account.refresh_from_db()
    assert account.check_password(PASSWORD)
    assert account.sessions.filter(ended_at=None).count() == 2


@pytest.mark.parametrize("platform", ALL)
def test_a_person_without_account_is_told_so(api, platforms, platform):
    platforms.know(platform)

    response = sign_in(api, platform)

    assert (response.status_code, response.json()) == (401, NO_ACCOUNT)
    assert not response.cookies
    assert not Account.objects.exists()


@pytest.mark.parametrize("platform", ALL)
@pytest.mark.parametrize("verified", [False, None])
def test_an_address_that_is_not_verified_is_none(api, platforms, proven, platform, verified):
    platforms.know(platform, verified=verified)

    response = sign_in(api, platform)

    assert (response.status_code, response.json()) == (401, NO_ACCOUNT)
    assert links() == []


@pytest.mark.parametrize("verified", [True, "true"])
def test_google_says_in_either_way_that_an_address_is_verified(api, platforms, proven, verified):
    platforms.know("Google", verified=verified)

    assert sign_in(api, "Google").status_code == 204


@pytest.mark.parametrize("platform", ALL)
def test_a_token_of_another_app_is_refused(api, platforms, proven, platform):
    platforms.know(platform, app="another-app")

    response = sign_in(api, platform)

    assert (response.status_code, response.json()) == (401, {"error": OTHER_APP})
    assert links() == []


@pytest.mark.parametrize(
    ("platform", "reason"),
    [
        ("Google", "Google does not accept the token"),
        ("Facebook", "Facebook does not accept the token"),
        ("GitHub", "GitHub does not accept the token, or it was issued to another app"),
    ],
)
def test_a_token_that_the_platform_refuses_is_refused(api, platforms, proven, platform, reason):
    platforms.refuse(platform)

    response = sign_in(api, platform)

    assert (response.status_code, response.json()) == (401, {"error": reason})
    assert not response.cookies


def test_a_token_that_has_expired_is_refused_even_if_google_answers(api, platforms, proven):
    platforms.know("Google", exp=str(int((timezone.now() - timedelta(seconds=1)).timestamp())))

    response = sign_in(api, "Google")

    assert (response.status_code, response.json()) == (
        401,
        {"error": "Google does not accept the token"},
    )


@pytest.mark.parametrize("platform", ALL)
def test_a_token_of_no_person_is_refused(api, platforms, proven, platform):
    platforms.know(platform, subject=None)

    response = sign_in(api, platform)

    assert (response.status_code, response.json()) == (401, {"error": "token is not of a person"})


@pytest.mark.parametrize("platform", ALL)
@pytest.mark.parametrize("token", ["a b", "a\r\nHost: x", "ä", "x" * 4097, "\x7f"])
def test_what_is_no_token_is_sent_nowhere(api, platforms, platform, token):
    response = sign_in(api, platform, token)

    assert (response.status_code, response.json()) == (401, {"error": "not a token"})
    assert not platforms.server.log


def test_an_id_token_of_google_is_asked_about_as_one(api, platforms, proven):
    claims = {"aud": "our-google", "sub": SUBJECT, "email": EMAIL, "email_verified": "true"}
    platforms.server.expect_request(
        "/tokeninfo", method="POST", data="id_token=eyJhbGciOiJSUzI1NiJ9.e30.c2ln"
    ).respond_with_json(claims)

    assert sign_in(api, "Google", "eyJhbGciOiJSUzI1NiJ9.e30.c2ln").status_code == 204


def test_without_leave_to_read_addresses_github_gives_none(api, platforms, proven):
    platforms.server.expect_request("/applications/our-github/token").respond_with_json(
        {"app": {"client_id": "our-github"}, "user": {"id": 5}}
    )
    platforms.server.expect_request("/user/emails").respond_with_json({}, status=404)

    response = sign_in(api, "GitHub")

    assert (response.status_code, response.json()) == (401, NO_ACCOUNT)


@pytest.mark.parametrize("platform", ALL)
def test_an_account_that_may_not_sign_in_does_not(api, platforms, platform):
    account = make_account(EMAIL, is_active=False)
    platforms.know(platform)

    unlinked = sign_in(api, platform)
    account.social_auth.create(provider=PROVIDERS[platform], uid=SUBJECT)
    linked = sign_in(api, platform)

    assert (unlinked.status_code, unlinked.json()) == (401, NO_ACCOUNT)
    assert (linked.status_code, linked.json()) == (401, NO_ACCOUNT)
    assert not account.sessions.exists()
    account.refresh_from_db()
    assert account.has_usable_password()


def test_staff_get_into_their_account_and_not_into_the_back_office(api, platforms):
    make_account(EMAIL, email_proven_at=timezone.now(), is_staff=True, is_superuser=True)
    platforms.know("Google")

    response = sign_in(api, "Google")

    assert response.status_code == 204
    assert "sessionid" not in response.cookies
    assert api.get("/admin/").status_code == 302


@pytest.mark.parametrize(
    ("body", "errors"),
    [
        ({"platform": "Google"}, {"token": ["This field is required."]}),
        ({"token": "x"}, {"platform": ["This field is required."]}),
        (
            {"platform": "MySpace", "token": "x"},
            {"platform": ['"MySpace" is not a valid choice.']},
        ),
        ({"platform": "Google", "token": ""}, {"token": ["This field may not be blank."]}),
        ({"platform": "Google", "token": ["x"]}, {"token": ["Not a valid string."]}),
        ([], {"error": "Invalid data. Expected a dictionary, but got list."}),
    ],
)
def test_what_is_missing_or_unknown_is_named(api, body, errors):
    response = api.post("/api/validate-federated", body)

    assert (response.status_code, response.json()) == (400, errors)


@pytest.mark.parametrize(
    ("platform", "setting"),
    [
        ("Google", "GOOGLE_CLIENT_ID"),
        ("Facebook", "FACEBOOK_APP_ID"),
        ("Facebook", "FACEBOOK_APP_SECRET"),
        ("GitHub", "GITHUB_CLIENT_ID"),
        ("GitHub", "GITHUB_CLIENT_SECRET"),
    ],
)
def test_the_setting_that_is_missing_is_named(api, platforms, settings, platform, setting):
    setattr(settings, setting, "")

    response = sign_in(api, platform)

    assert (response.status_code, response.json()) == (503, {"error": f"{setting} is not set"})


@pytest.mark.parametrize("platform", ALL)
def test_a_bad_day_of_the_platform_is_no_fault_of_the_person(
    api, settings, proven, bad_upstream, platform
):
    configure(settings, bad_upstream.url)

    response = sign_in(api, platform)

    words = "timed out" if bad_upstream.status == 504 else "failed"
    assert response.status_code == bad_upstream.status
    assert response.json() == {"error": f"{platform} {words}"}
    assert links() == []


@pytest.mark.parametrize("platform", ALL)
@pytest.mark.parametrize(
    ("status", "body"), [(500, b"{}"), (429, b"{}"), (200, b"<p>"), (200, b"[]"), (200, b"")]
)
def test_an_answer_that_makes_no_sense_is_no_refusal(api, platforms, platform, status, body):
    platforms.break_all(status, body)

    response = sign_in(api, platform)

    assert (response.status_code, response.json()) == (502, {"error": f"{platform} failed"})


def test_a_token_reaches_no_log(api, platforms, proven, caplog):
    caplog.set_level("DEBUG")
    caplog.set_level("INFO", logger="urllib3")  # as the settings have it
    for platform in ALL:
        platforms.know(platform)

    for platform in ALL:
        sign_in(api, platform)

    ours = [each for each in caplog.records if not each.name.startswith("werkzeug")]
    assert not [each for each in ours if TOKEN in each.getMessage()]


def test_signing_in_is_limited(api, platforms, limit_rate):
    limit_rate("federated-login", "2/minute")
    platforms.refuse("Google")

    answers = [sign_in(api, "Google") for _ in range(3)]

    assert [answer.status_code for answer in answers] == [401, 401, 429]
    assert int(answers[-1].headers["Retry-After"]) <= 60


@pytest.mark.django_db(transaction=True)
def test_several_first_logins_at_once_make_one_link_and_are_all_good(api, platforms):
    make_account(EMAIL)
    platforms.know("Google")

    answers = at_once(*[partial(sign_in, api, "Google")] * 4)

    assert [answer.status_code for answer in answers] == [204] * 4
    assert links() == [(EMAIL, "google", SUBJECT, {})]
    account = Account.objects.get()
    assert account.sessions.filter(ended_at=None).count() == 4
    assert SecurityEvent.objects.count() == 1
