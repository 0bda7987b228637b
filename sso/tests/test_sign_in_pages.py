"""The way through a platform's own pages, as a browser goes it."""

import base64
import hashlib
from datetime import timedelta
from urllib.parse import parse_qs, parse_qsl, urlsplit

import pytest
from django.contrib.sessions.models import Session
from django.utils import timezone
from social_django.models import Nonce, UserSocialAuth

from accounts.tests.factories import PASSWORD, make_account
from sso import social
from sso.tests.platforms import EMAIL, PROVIDERS, SUBJECT, TOKEN, configure

ID_TOKEN = "eyJhbGciOiJSUzI1NiJ9.e30.c2ln"
EXCHANGES = {
    "google": "/token",
    "facebook": "/oauth/access_token",
    "github": "/login/oauth/access_token",
}
IDS = {"google": "our-google", "facebook": "271828", "github": "our-github"}
ACCOUNT_PAGES = "https://account.selene.test"

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def _hosts(settings):
    settings.SSO_BASE_URL = "https://sso.selene.test"
    settings.ACCOUNT_BASE_URL = ACCOUNT_PAGES


@pytest.fixture
def proven():
    """An account whose address was proven."""
    return make_account(EMAIL, email_proven_at=timezone.now())


def leave(client, provider, query=""):
    """Go to the platform; return where that is and what is asked there."""
    response = client.get(f"/sso/login/{provider}/{query}")
    assert response.status_code == 302, response.content
    address = urlsplit(response.headers["Location"])
    return address._replace(query="").geturl(), dict(parse_qsl(address.query))


def come_back(client, provider, **query):
    return client.get(f"/sso/complete/{provider}/", query)


def let_in(platforms, provider, asked, **person):
    """Let the platform exchange the code and know a person; return what it was then sent."""
    answer = {"access_token": TOKEN, "token_type": "bearer"}
    if provider == "google":
        answer["id_token"] = ID_TOKEN
        claims = {"aud": "our-google", "sub": SUBJECT, "email": EMAIL, "email_verified": "true"}
        platforms.server.expect_request(
            "/tokeninfo", method="POST", data=f"id_token={ID_TOKEN}"
        ).respond_with_json(claims | {"nonce": asked["nonce"]} | person)
    else:
        platforms.know({"facebook": "Facebook", "github": "GitHub"}[provider], **person)
    platforms.server.expect_request(EXCHANGES[provider], method="POST").respond_with_json(answer)


def sent_for_token(platforms, provider):
    (body,) = [
        request.get_data(as_text=True)
        for request, _ in platforms.server.log
        if request.path == EXCHANGES[provider]
    ]
    return {name: value for name, (value,) in parse_qs(body).items()}


def page(response):
    """Return the status and the reason that a person reads."""
    text = response.content.decode()
    return response.status_code, text.split("<p>")[1].split("</p>")[0]


@pytest.mark.parametrize(
    ("provider", "path", "scope"),
    [
        ("google", "/o/oauth2/v2/auth", "openid email"),
        ("facebook", "/dialog/oauth", "email"),
        ("github", "/login/oauth/authorize", "user:email"),
    ],
)
def test_a_person_is_sent_to_the_platform(client, platforms, provider, path, scope):
    where, asked = leave(client, provider)

    assert where == platforms.server.url_for(path)
    secrets = {name: asked.pop(name, None) for name in ("state", "nonce", "code_challenge")}
    method = {} if provider == "facebook" else {"code_challenge_method": "S256"}
    assert asked == method | {
        "client_id": IDS[provider],
        "redirect_uri": f"https://sso.selene.test/sso/complete/{provider}/",
        "response_type": "code",
        "scope": scope,
    }
    assert len(secrets["state"]) == 32
    assert (secrets["nonce"] is not None) == (provider == "google")
    assert (secrets["code_challenge"] is not None) == (provider != "facebook")


@pytest.mark.parametrize("provider", PROVIDERS.values())
def test_a_person_comes_back_signed_in(client, platforms, proven, provider):
    _, asked = leave(client, provider)
    let_in(platforms, provider, asked)

    response = come_back(client, provider, code="c0de", state=asked["state"])

    assert (response.status_code, response.headers["Location"]) == (302, f"{ACCOUNT_PAGES}/")
    assert "no-store" in response.headers["Cache-Control"]
    assert client.get("/api/account").json()["id"] == str(proven.id)
    link = UserSocialAuth.objects.get()
    assert (link.user, link.provider, link.uid) == (proven, provider, SUBJECT)
    assert link.extra_data == {}
    assert not Session.objects.exists()
    assert not Nonce.objects.exists()


@pytest.mark.parametrize("provider", ["google", "github"])
def test_the_code_is_exchanged_with_the_verifier_of_the_challenge(
    client, platforms, proven, provider
):
    _, asked = leave(client, provider)
    let_in(platforms, provider, asked)

    come_back(client, provider, code="c0de", state=asked["state"])

    sent = sent_for_token(platforms, provider)
    digest = hashlib.sha256(sent.pop("code_verifier").encode()).digest()
    assert base64.urlsafe_b64encode(digest).decode().rstrip("=") == asked["code_challenge"]
    assert sent == {
        "grant_type": "authorization_code",
        "code": "c0de",
        "redirect_uri": asked["redirect_uri"],
        "client_id": IDS[provider],
        "client_secret": f"{provider}-secret",
    }


@pytest.mark.parametrize(
    ("wanted", "reached"),
    [
        ("/devices?x=1", f"{ACCOUNT_PAGES}/devices?x=1"),
        (f"{ACCOUNT_PAGES}/skills", f"{ACCOUNT_PAGES}/skills"),
        ("https://sso.selene.test/a", "https://sso.selene.test/a"),
        ("https://evil.test/", f"{ACCOUNT_PAGES}/"),
        ("//evil.test/", f"{ACCOUNT_PAGES}/"),
        ("https://account.selene.test@evil.test/", f"{ACCOUNT_PAGES}/"),
        ("https://account.selene.test.evil.test/", f"{ACCOUNT_PAGES}/"),
        ("http:///evil.test", f"{ACCOUNT_PAGES}/"),
        ("javascript:alert(1)", f"{ACCOUNT_PAGES}/"),
        ("https://[evil", f"{ACCOUNT_PAGES}/"),
        ("\\\\evil.test", f"{ACCOUNT_PAGES}/%5C%5Cevil.test"),
    ],
)
def test_a_person_goes_on_to_pages_of_ours_alone(client, platforms, proven, wanted, reached):
    where, asked = leave(client, "github", f"?next={wanted}")
    let_in(platforms, "github", asked)

    response = come_back(client, "github", code="c0de", state=asked["state"])

    assert response.headers["Location"] == reached


TOO_LATE = "that took too long, or began in another browser"


@pytest.mark.parametrize("state", ["", "x" * 32, "x" * 200, None])
def test_a_state_that_was_not_given_out_is_refused(client, platforms, proven, state):
    leave(client, "github")
    query = {} if state is None else {"state": state}

    response = come_back(client, "github", code="c0de", **query)

    assert page(response) == (400, TOO_LATE)
    assert not platforms.server.log
    assert not proven.sessions.exists()


def test_a_state_is_good_in_its_own_browser_alone(client, platforms, proven):
    _, asked = leave(client, "github")

    response = come_back(type(client)(), "github", code="c0de", state=asked["state"])

    assert page(response) == (400, TOO_LATE)
    assert not platforms.server.log


def test_a_state_is_good_for_its_own_platform_alone(client, platforms, proven):
    _, asked = leave(client, "github")

    response = come_back(client, "facebook", code="c0de", state=asked["state"])

    assert page(response) == (400, TOO_LATE)


def test_a_state_is_good_once(client, platforms, proven):
    _, asked = leave(client, "github")
    let_in(platforms, "github", asked)
    kept = client.cookies["sessionid"].value
    come_back(client, "github", code="c0de", state=asked["state"])
    client.cookies["sessionid"] = kept

    response = come_back(client, "github", code="c0de", state=asked["state"])

    assert page(response) == (400, TOO_LATE)


def test_a_state_is_good_for_half_an_hour(client, platforms, proven, pass_time):
    _, asked = leave(client, "github")
    pass_time(timedelta(minutes=31))

    response = come_back(client, "github", code="c0de", state=asked["state"])

    assert page(response) == (400, TOO_LATE)


def test_a_token_of_google_that_was_made_for_another_way_is_refused(client, platforms, proven):
    _, asked = leave(client, "google")
    let_in(platforms, "google", asked, nonce="another")

    response = come_back(client, "google", code="c0de", state=asked["state"])

    assert page(response) == (400, TOO_LATE)
    assert not proven.sessions.exists()


def test_who_did_not_go_on_is_told_so(client, platforms):
    _, asked = leave(client, "facebook")

    response = come_back(client, "facebook", error="access_denied", state=asked["state"])

    assert page(response) == (403, "you did not sign in there")


@pytest.mark.parametrize("provider", PROVIDERS.values())
def test_who_has_no_account_is_told_so(client, platforms, provider):
    _, asked = leave(client, provider)
    let_in(platforms, provider, asked)

    response = come_back(client, provider, code="c0de", state=asked["state"])

    assert page(response) == (401, "no account found for provided email")
    assert "seleneAccess" not in response.cookies


def test_what_was_set_up_for_an_address_that_nobody_had_proven_is_void(client, platforms):
    squatted = make_account(EMAIL)
    _, asked = leave(client, "github")
    let_in(platforms, "github", asked)

    come_back(client, "github", code="c0de", state=asked["state"])

    squatted.refresh_from_db()
    assert not squatted.check_password(PASSWORD)
    assert squatted.email_proven_at is not None


def test_an_account_that_may_not_sign_in_does_not(client, platforms):
    make_account(EMAIL, is_active=False, email_proven_at=timezone.now())
    _, asked = leave(client, "github")
    let_in(platforms, "github", asked)

    response = come_back(client, "github", code="c0de", state=asked["state"])

    assert page(response) == (401, "no account found for provided email")


def test_staff_do_not_get_into_the_back_office(client, platforms):
    make_account(EMAIL, email_proven_at=timezone.now(), is_staff=True, is_superuser=True)
    _, asked = leave(client, "github")
    let_in(platforms, "github", asked)

    come_back(client, "github", code="c0de", state=asked["state"])

    assert client.get("/admin/").status_code == 302


def test_who_is_in_the_back_office_stays_there_and_is_linked_to_nobody_else(
    client, platforms, proven
):
    staff = make_account("staff@example.com", is_staff=True, is_superuser=True)
    client.force_login(staff, backend="django.contrib.auth.backends.ModelBackend")
    _, asked = leave(client, "github")
    let_in(platforms, "github", asked)

    come_back(client, "github", code="c0de", state=asked["state"])

    assert client.get("/admin/").status_code == 200
    assert UserSocialAuth.objects.get().user == proven


@pytest.mark.parametrize(
    ("status", "body", "expected"),
    [
        (200, {"error": "bad_verification_code"}, (401, "GitHub does not accept the code")),
        (400, {"error": "invalid_grant"}, (401, "GitHub does not accept the code")),
        (200, {"error": "incorrect_client_credentials"}, (502, "GitHub failed")),
        (200, {"error": "invalid_client"}, (502, "GitHub failed")),
        (200, {"access_token": 5}, (502, "GitHub failed")),
        (200, [], (502, "GitHub failed")),
        (500, {}, (502, "GitHub failed")),
    ],
)
def test_a_code_that_is_not_exchanged_signs_nobody_in(client, platforms, status, body, expected):
    _, asked = leave(client, "github")
    platforms.server.expect_request(EXCHANGES["github"]).respond_with_json(body, status=status)

    response = come_back(client, "github", code="c0de", state=asked["state"])

    assert page(response) == expected


def test_a_bad_day_of_the_platform_is_told(client, settings, bad_upstream):
    configure(settings, bad_upstream.url)
    _, asked = leave(client, "google")

    response = come_back(client, "google", code="c0de", state=asked["state"])

    words = "timed out" if bad_upstream.status == 504 else "failed"
    assert page(response) == (bad_upstream.status, f"Google {words}")


@pytest.mark.parametrize(
    ("provider", "setting"),
    [
        ("google", "GOOGLE_CLIENT_SECRET"),
        ("facebook", "FACEBOOK_APP_ID"),
        ("github", "GITHUB_CLIENT_ID"),
    ],
)
def test_the_setting_that_is_missing_is_named(client, platforms, settings, provider, setting):
    setattr(settings, setting, "")

    response = client.get(f"/sso/login/{provider}/")

    assert page(response) == (503, f"{setting} is not set")


@pytest.mark.parametrize("path", ["/sso/login/myspace/", "/sso/complete/myspace/"])
def test_an_unknown_platform_is_none(client, path):
    assert page(client.get(path)) == (404, "there is no such platform")


def test_what_a_platform_says_is_shown_as_text(client, platforms):
    leave(client, "github")

    response = come_back(client, "github", error="<script>", error_description="<script>")

    assert b"<script>" not in response.content


@pytest.mark.parametrize("path", ["/sso/login/google/", "/sso/complete/google/"])
@pytest.mark.parametrize("method", ["options", "post", "put", "delete"])
def test_pages_are_only_read(client, platforms, path, method):
    response = getattr(client, method)(path)

    assert page(response) == (405, f"Method &quot;{method.upper()}&quot; not allowed.")


def test_going_is_limited(client, platforms, limit_rate):
    limit_rate("federated-login", "1/minute")

    answers = [client.get("/sso/login/github/") for _ in range(2)]

    assert [answer.status_code for answer in answers] == [302, 429]


def test_states_of_ways_that_were_not_gone_to_their_end_are_purged(client, platforms, pass_time):
    leave(client, "github")

    early = social.purge()
    pass_time(timedelta(minutes=31))

    assert (early, social.purge()) == (0, 1)
