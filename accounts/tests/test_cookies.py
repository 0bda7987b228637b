from datetime import timedelta

import pytest

from accounts import cookies
from accounts.models import Account
from accounts.tokens import AccessToken

LATER = AccessToken.lifetime + timedelta(seconds=1)


@pytest.fixture
def set_cookies(account_client, pass_time):
    """Return the cookies of an answer that renews the login; takes what the request says."""
    pass_time(LATER)

    def set_cookies(**request):
        return account_client.get("/api/account", **request).cookies

    return set_cookies


def test_the_tokens_are_out_of_reach_of_scripts_and_of_other_sites(set_cookies):
    answer = set_cookies()

    for name, life in (cookies.ACCESS, 900), (cookies.REFRESH, 2628000):
        cookie = answer[name]
        assert (cookie["httponly"], cookie["samesite"]) == (True, "Lax")
        assert (cookie["max-age"], cookie["path"]) == (life, "/")
        assert (cookie["domain"], cookie["secure"]) == ("", "")


def test_scripts_see_that_there_is_a_login(set_cookies):
    answer = set_cookies()

    present = answer["seleneRefreshPresent"]
    assert (present.value, present["httponly"], present["max-age"]) == ("1", "", 2628000)
    assert (present["samesite"], present["path"]) == ("Lax", "/")


def test_on_https_they_are_secure(set_cookies):
    answer = set_cookies(secure=True)

    assert all(cookie["secure"] for cookie in answer.values())


def test_where_the_site_is_https_they_are_secure_behind_a_proxy_too(set_cookies, settings):
    settings.IS_HTTPS = True

    assert all(cookie["secure"] for cookie in set_cookies().values())


def test_they_are_for_the_domain_that_is_set(set_cookies, settings):
    settings.COOKIE_DOMAIN = ".selene.example"

    assert {cookie["domain"] for cookie in set_cookies().values()} == {".selene.example"}


def test_they_are_deleted_where_they_were_set(account_client, settings):
    settings.COOKIE_DOMAIN = ".selene.example"

    deleted = account_client.get("/api/logout").cookies

    assert set(deleted) == {"seleneAccess", "seleneRefresh", "seleneRefreshPresent"}
    assert {cookie["domain"] for cookie in deleted.values()} == {".selene.example"}
    assert {(cookie.value, cookie["max-age"]) for cookie in deleted.values()} == {("", 0)}


@pytest.mark.parametrize(
    "headers",
    [
        {"HTTP_SEC_FETCH_SITE": "cross-site"},
        {"HTTP_ORIGIN": "https://evil.example"},
        {"HTTP_ORIGIN": "http://testserver.evil.example"},
        {"HTTP_ORIGIN": "http://testserver:8000"},
        {"HTTP_ORIGIN": "null"},
        {"HTTP_ORIGIN": "http://[nonsense"},
        {"HTTP_ORIGIN": ""},
    ],
)
@pytest.mark.parametrize("method", ["post", "put", "patch", "delete"])
def test_a_change_that_another_site_asks_for_is_refused(account_client, method, headers):
    response = getattr(account_client, method)("/api/account", **headers)

    assert response.status_code == 403
    assert response.json() == {"error": "request comes from another site"}
    assert Account.objects.count() == 1


@pytest.mark.parametrize(
    "headers",
    [
        {},
        {"HTTP_SEC_FETCH_SITE": "same-origin", "HTTP_ORIGIN": "http://testserver"},
        {"HTTP_SEC_FETCH_SITE": "none"},
        {"HTTP_ORIGIN": "http://TestServer"},
        {"HTTP_ORIGIN": "https://account.selene.example", "HTTP_SEC_FETCH_SITE": "same-site"},
    ],
)
def test_a_change_that_our_pages_or_programs_ask_for_is_made(account_client, settings, headers):
    settings.TRUSTED_ORIGINS = ["https://account.selene.example"]

    assert account_client.delete("/api/account", **headers).status_code == 204


def test_another_site_without_our_cookies_is_treated_as_anybody(api, db):
    response = api.delete("/api/account", HTTP_SEC_FETCH_SITE="cross-site")

    assert response.status_code == 401


def test_another_site_may_link_to_what_changes_nothing(account_client):
    response = account_client.get("/api/account", HTTP_SEC_FETCH_SITE="cross-site")

    assert response.status_code == 200
