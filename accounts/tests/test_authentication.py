"""Account authentication as the contract has it: cookies, silent refresh, reuse, programs."""

from base64 import urlsafe_b64encode
from datetime import timedelta
from functools import partial

import jwt
import pytest
from django.conf import settings as django_settings

from accounts import cookies, sessions
from accounts.models import SecurityEvent, SecurityEventKind
from accounts.tests.factories import make_account
from accounts.tests.threads import at_once
from accounts.tokens import AccessToken, RefreshToken
from conftest import sign_in

LATER = AccessToken.lifetime + timedelta(seconds=1)
MUCH_LATER = RefreshToken.lifetime + timedelta(seconds=1)
THREE_COOKIES = {"seleneAccess", "seleneRefresh", "seleneRefreshPresent"}


def decoded(token, secret):
    return jwt.decode(token, secret, algorithms=["HS256"], options={"verify_exp": False})


def copy_of(client):
    """Return a client with the same cookies as they are now, as if they had been stolen."""
    thief = type(client)()
    for name in (cookies.ACCESS, cookies.REFRESH):
        thief.cookies[name] = client.cookies[name].value
    return thief


def test_the_tokens_say_whose_they_are_for_how_long_and_of_which_kind(account, settings):
    tokens = sessions.start(account)

    access = decoded(tokens.access, settings.JWT_ACCESS_SECRET)
    refresh = decoded(tokens.refresh, settings.JWT_REFRESH_SECRET)
    assert (access["sub"], refresh["sub"]) == (str(account.pk), str(account.pk))
    assert (access["exp"] - access["iat"], refresh["exp"] - refresh["iat"]) == (900, 2628000)
    assert (access["token_type"], refresh["token_type"]) == ("access", "refresh")
    assert access["jti"] != refresh["jti"]


def test_recognising_an_account_takes_one_query(account_client, django_assert_num_queries):
    with django_assert_num_queries(2):  # and one for the count
        response = account_client.get("/api/device-count")

    assert response.json() == {"deviceCount": 0}
    assert not response.cookies


def test_an_access_cookie_alone_is_enough(account_client):
    del account_client.cookies[cookies.REFRESH]

    assert account_client.get("/api/account").status_code == 200


@pytest.mark.parametrize("access", ["expired", "absent", "empty"])
def test_a_refresh_cookie_renews_the_login_on_the_way(account, account_client, pass_time, access):
    old = account_client.cookies[cookies.REFRESH].value
    if access == "absent":
        del account_client.cookies[cookies.ACCESS]
    elif access == "empty":
        account_client.cookies[cookies.ACCESS] = ""
    pass_time(LATER)

    response = account_client.get("/api/account")

    assert (response.status_code, response.json()["id"]) == (200, str(account.pk))
    assert set(response.cookies) == THREE_COOKIES
    assert response.cookies[cookies.REFRESH].value != old
    assert not account_client.get("/api/account").cookies


def test_a_login_is_renewed_whatever_the_answer_is(account_client, pass_time):
    pass_time(LATER)

    response = account_client.patch("/api/account", {"shoeSize": 9})

    assert response.status_code == 400
    assert set(response.cookies) == THREE_COOKIES


def test_a_login_lasts_as_long_as_it_is_used(account_client, pass_time):
    for _ in range(5):
        pass_time(RefreshToken.lifetime - timedelta(days=1))
        assert account_client.get("/api/account").status_code == 200


def test_after_a_month_unused_a_login_is_over(account_client, pass_time):
    pass_time(MUCH_LATER)

    response = account_client.get("/api/account")

    assert (response.status_code, response.json()) == (401, {"error": "invalid refresh token"})
    assert not response.cookies


def test_an_expired_access_cookie_alone_is_refused(account_client, pass_time):
    del account_client.cookies[cookies.REFRESH]
    pass_time(LATER)

    response = account_client.get("/api/account")

    assert (response.status_code, response.json()) == (401, {"error": "access token expired"})


def test_a_forged_access_cookie_is_refused_though_the_refresh_cookie_is_good(account_client):
    account_client.cookies[cookies.ACCESS] = "x"

    response = account_client.get("/api/account")

    assert (response.status_code, response.json()) == (401, {"error": "invalid access token"})
    assert not response.cookies


def unsigned(claims):
    parts = [b'{"alg":"none","typ":"JWT"}', jwt.utils.force_bytes(jwt.api_jwt.json.dumps(claims))]
    return ".".join(urlsafe_b64encode(part).decode().rstrip("=") for part in parts) + "."


def wrong_access_tokens(account):
    """Yield what is no access token though it looks like one, and what it is."""
    good = sessions.start(account)
    claims = decoded(good.access, django_settings.JWT_ACCESS_SECRET)
    secret = django_settings.JWT_ACCESS_SECRET
    yield "garbage", "garbage"
    yield "x.y.z", "three parts"
    yield unsigned(claims), "signed by nobody"
    yield good.refresh, "a refresh token"
    yield jwt.encode(claims, django_settings.JWT_REFRESH_SECRET, "HS256"), "of another secret"
    yield jwt.encode(claims, secret, "HS512"), "of another algorithm"
    yield jwt.encode(claims | {"token_type": "refresh"}, secret, "HS256"), "of another kind"
    yield jwt.encode(claims | {"sid": "x"}, secret, "HS256"), "of no session"
    for claim in ("exp", "jti", "sid", "token_type"):
        rest = {name: value for name, value in claims.items() if name != claim}
        yield jwt.encode(rest, secret, "HS256"), f"without {claim}"
    yield good.access[:-4], "cut off"


def test_what_is_no_access_token_is_refused(account, api):
    for token, what in wrong_access_tokens(account):
        api.cookies[cookies.ACCESS] = token

        response = api.get("/api/account")

        assert response.status_code == 401, what
        assert response.json()["error"] in {"invalid access token", "token names no session"}, what


def test_an_access_token_is_no_refresh_token(account, api):
    api.cookies[cookies.REFRESH] = sessions.start(account).access

    response = api.get("/api/account")

    assert (response.status_code, response.json()) == (401, {"error": "invalid refresh token"})


def test_a_refresh_token_used_again_ends_the_session_for_both(account, account_client, pass_time):
    pass_time(LATER)
    thief = copy_of(account_client)
    owner_first = account_client.get("/api/account")

    stolen = thief.get("/api/account", REMOTE_ADDR="203.0.113.9")
    owner_again = account_client.get("/api/account")

    assert owner_first.status_code == 200
    assert (stolen.status_code, stolen.json()) == (401, {"error": "refresh token was used before"})
    assert {cookie.value for cookie in stolen.cookies.values()} == {""}
    assert (owner_again.status_code, owner_again.json()) == (401, {"error": "session has ended"})
    event = SecurityEvent.objects.get()
    assert (event.kind, event.account) == (SecurityEventKind.REFRESH_REUSED, account)
    assert event.address == "203.0.113.9"


def test_a_thief_who_comes_first_is_thrown_out_when_the_owner_comes(account_client, pass_time):
    pass_time(LATER)
    thief = copy_of(account_client)
    thief.get("/api/account")

    account_client.get("/api/account")

    assert thief.get("/api/account").status_code == 401


@pytest.mark.parametrize(
    "page",
    [{"HTTP_SEC_FETCH_SITE": "same-origin"}, {"HTTP_REFERER": "http://testserver/devices?x"}],
)
def test_requests_of_one_page_share_a_refresh_token(account_client, pass_time, page):
    pass_time(LATER)
    companion = copy_of(account_client)
    first = account_client.get("/api/account", **page)

    second = companion.get("/api/account", **page)

    assert (first.status_code, second.status_code) == (200, 200)
    assert set(second.cookies) == {"seleneAccess"}
    assert not SecurityEvent.objects.exists()


@pytest.mark.parametrize(
    "page",
    [
        {"HTTP_SEC_FETCH_SITE": "same-site", "HTTP_REFERER": "http://testserver/"},
        {"HTTP_REFERER": "http://elsewhere.example/"},
        {"HTTP_REFERER": "http://[nonsense"},
    ],
)
def test_requests_of_other_pages_share_nothing(account_client, pass_time, page):
    pass_time(LATER)
    companion = copy_of(account_client)
    account_client.get("/api/account")

    assert companion.get("/api/account", **page).status_code == 401


def test_after_the_page_has_loaded_nothing_is_shared(account_client, pass_time):
    pass_time(LATER)
    late = copy_of(account_client)
    account_client.get("/api/account")
    pass_time(sessions.PAGE_LOAD + timedelta(seconds=1))

    assert late.get("/api/account", HTTP_SEC_FETCH_SITE="same-origin").status_code == 401


@pytest.mark.django_db(transaction=True)
def test_requests_at_once_with_one_expired_pair_all_succeed(pass_time):
    client = sign_in(make_account())
    pass_time(LATER)
    clients = [copy_of(client) for _ in range(6)]

    answers = at_once(
        *[partial(each.get, "/api/account", HTTP_SEC_FETCH_SITE="same-origin") for each in clients]
    )

    assert [answer.status_code for answer in answers] == [200] * 6
    assert sorted(len(answer.cookies) for answer in answers) == [1, 1, 1, 1, 1, 3]
    winner = max(clients, key=lambda each: len(each.cookies))
    pass_time(LATER)
    assert winner.get("/api/account").status_code == 200
    assert not SecurityEvent.objects.exists()


def test_an_ended_session_refuses_both_cookies(account, account_client):
    sessions.end(account.sessions.get())
    without_access = copy_of(account_client)
    del without_access.cookies[cookies.ACCESS]

    by_access = account_client.get("/api/account")
    by_refresh = without_access.get("/api/account")

    ended = (401, {"error": "session has ended"})
    assert (by_access.status_code, by_access.json()) == ended
    assert (by_refresh.status_code, by_refresh.json()) == ended


def test_worthless_cookies_are_deleted_so_that_selene_ui_shows_no_login(account, account_client):
    sessions.end(account.sessions.get())

    response = account_client.get("/api/account")

    deleted = {name: cookie.value for name, cookie in response.cookies.items()}
    assert deleted == {cookies.ACCESS: "", cookies.REFRESH: "", cookies.PRESENT: ""}


def test_a_deactivated_account_is_not_recognised(account, account_client):
    account.is_active = False
    account.save(update_fields=["is_active"])

    assert account_client.get("/api/account").status_code == 401


def test_a_program_sends_its_access_token(account, api):
    token = sessions.start(account).access

    response = api.get("/api/account", HTTP_AUTHORIZATION=f"Bearer {token}")

    assert (response.status_code, response.json()["id"]) == (200, str(account.pk))


@pytest.mark.usefixtures("db")
@pytest.mark.parametrize("header", ["Bearer", "Bearer ", "Bearer x", "bearer \xff", "Bearer a b"])
def test_a_program_with_a_bad_token_is_refused(api, header):
    response = api.get("/api/account", HTTP_AUTHORIZATION=header)

    assert (response.status_code, response.json()) == (401, {"error": "invalid access token"})
    assert response.headers["WWW-Authenticate"] == "Bearer"


@pytest.mark.usefixtures("db")
def test_nobody_is_not_asked_for_a_password_by_the_browser(api):
    response = api.get("/api/account")

    assert response.json() == {"error": "no authentication tokens found"}
    assert response.headers["WWW-Authenticate"] == "Bearer"


def test_the_admin_and_the_api_have_sessions_of_their_own(account, account_client, client):
    client.force_login(account, backend="django.contrib.auth.backends.ModelBackend")

    by_admin_session = client.get("/api/account")
    account_cookies_at_the_admin = account_client.get("/admin/")

    assert by_admin_session.status_code == 401
    assert account_cookies_at_the_admin.status_code == 302
