import pytest

from accounts import cookies, sessions
from conftest import sign_in


def test_a_logout_deletes_the_cookies_and_ends_the_session(account, account_client):
    access = account_client.cookies[cookies.ACCESS].value
    refresh = account_client.cookies[cookies.REFRESH].value

    response = account_client.get("/api/logout")

    assert (response.status_code, response.content) == (204, b"")
    assert {name: (each.value, each["max-age"]) for name, each in response.cookies.items()} == {
        "seleneAccess": ("", 0),
        "seleneRefresh": ("", 0),
        "seleneRefreshPresent": ("", 0),
    }
    assert account.sessions.get().ended_at is not None
    for name, kept in (cookies.ACCESS, access), (cookies.REFRESH, refresh):
        account_client.cookies.clear()
        account_client.cookies[name] = kept
        assert account_client.get("/api/account").status_code == 401


def test_a_logout_on_the_way_of_a_renewal_leaves_no_cookie(account_client):
    del account_client.cookies[cookies.ACCESS]

    response = account_client.get("/api/logout")

    assert response.status_code == 204
    assert {cookie.value for cookie in response.cookies.values()} == {""}


def test_other_sessions_go_on(account, account_client):
    other = sign_in(account)

    account_client.get("/api/logout")

    assert other.get("/api/account").status_code == 200


def test_a_program_logs_out_too(account, api):
    header = f"Bearer {sessions.start(account).access}"

    first, again = [api.get("/api/logout", HTTP_AUTHORIZATION=header) for _ in range(2)]

    assert (first.status_code, again.status_code) == (204, 401)


@pytest.mark.usefixtures("db")
def test_garbage_is_not_logged_in(api):
    api.cookies[cookies.ACCESS] = api.cookies[cookies.REFRESH] = "x.y.z"

    response = api.get("/api/logout")

    assert (response.status_code, response.json()) == (401, {"error": "invalid access token"})


@pytest.mark.usefixtures("db")
def test_nobody_is_not_logged_in(api):
    response = api.get("/api/logout")

    assert response.status_code == 401
    assert response.json() == {"error": "no authentication tokens found"}


def test_another_site_cannot_log_a_person_out(account, account_client):
    response = account_client.get("/api/logout", HTTP_SEC_FETCH_SITE="cross-site")

    assert response.status_code == 403
    assert response.json() == {"error": "request comes from another site"}
    assert account.sessions.get().ended_at is None
