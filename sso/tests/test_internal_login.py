from base64 import b64encode
from datetime import timedelta

import pytest

from accounts import cookies
from accounts.hashers import Argon2id
from accounts.models import SecurityEvent, SecurityEventKind, SignInSession
from accounts.tests.factories import PASSWORD, make_account

REFUSED = {"error": "provided credentials not found"}
LOCKED_OUT = {"error": "too many failed logins, try again later"}
ADA = "ada@example.com"

pytestmark = pytest.mark.django_db


class CountingHasher(Argon2id):
    """Knows how often it had to hash."""

    hashed = 0

    def encode(self, password, salt):
        CountingHasher.hashed += 1
        return super().encode(password, salt)

    def verify(self, password, encoded):
        CountingHasher.hashed += 1
        return super().verify(password, encoded)


class OlderHasher(Argon2id):
    """As it was before passwords were hashed longer."""

    time_cost = 1


def basic(email, password, encoding="utf-8"):
    return "Basic " + b64encode(f"{email}:||:{password}".encode(encoding)).decode()


def log_in(api, email=ADA, password=PASSWORD, address="192.0.2.1", **headers):
    return api.get(
        "/api/internal-login",
        HTTP_AUTHORIZATION=basic(email, password),
        REMOTE_ADDR=address,
        **headers,
    )


@pytest.fixture
def ada():
    """An account with an address to type."""
    return make_account(ADA)


@pytest.fixture
def three_tries(settings):
    """Lock out after three failures."""
    settings.AXES_FAILURE_LIMIT = 3


def test_a_login_is_answered_with_the_cookies(ada, api):
    response = log_in(api)

    assert (response.status_code, response.content) == (204, b"")
    assert set(response.cookies) == {"seleneAccess", "seleneRefresh", "seleneRefreshPresent"}
    assert api.get("/api/account").json()["id"] == str(ada.pk)


def test_a_login_is_a_session_with_client_and_address(ada, api):
    log_in(api, HTTP_USER_AGENT="Browser " * 100)

    session = ada.sessions.get()
    assert session.client == ("Browser " * 100)[:200]
    assert (session.address, session.ended_at) == ("192.0.2.1", None)


@pytest.mark.parametrize("email", ["ADA@example.com", "Ada@Example.COM", " ada@example.com "])
def test_the_case_of_the_address_does_not_matter(ada, api, email):
    assert log_in(api, email).status_code == 204


def test_a_password_may_hold_the_separator(api):
    make_account(ADA, "one:||:two:||:three")

    assert log_in(api, password="one:||:two:||:three").status_code == 204


@pytest.mark.parametrize("encoding", ["utf-8", "latin-1"])
def test_a_password_beyond_ascii_comes_in_either_encoding(api, encoding):
    make_account(ADA, "schöne grüße")

    header = basic(ADA, "schöne grüße", encoding)
    response = api.get("/api/internal-login", HTTP_AUTHORIZATION=header)

    assert response.status_code == 204


@pytest.mark.parametrize(
    ("email", "password"),
    [(ADA, "wrong"), (ADA, ""), ("nobody@example.com", PASSWORD), ("", ""), ("x" * 3000, "x")],
)
def test_wrong_credentials_are_refused_alike(ada, api, email, password):
    response = log_in(api, email, password)

    assert (response.status_code, response.json()) == (401, REFUSED)
    assert not response.cookies
    assert not SignInSession.objects.exists()


@pytest.mark.parametrize(
    "header",
    [
        None,
        "",
        "Basic",
        "Basic ",
        "Basic %%%",
        "Basic AAAA",
        "Bearer x",
        "Basic " + b64encode(b"ada@example.com:correct horse battery").decode(),
        "Basic " + b64encode(b"ada@example.com\0:||:x").decode(),
        "Basic \xff\xfe",
    ],
)
def test_a_malformed_header_is_refused_like_wrong_credentials(ada, api, header):
    headers = {} if header is None else {"HTTP_AUTHORIZATION": header}

    response = api.get("/api/internal-login", **headers)

    assert (response.status_code, response.json()) == (401, REFUSED)
    assert response.headers["WWW-Authenticate"] == "Bearer"


def test_an_account_that_may_not_sign_in_is_refused_like_wrong_credentials(api):
    make_account(ADA, is_active=False)

    response = log_in(api)

    assert (response.status_code, response.json()) == (401, REFUSED)


def test_an_account_without_password_has_no_login_here(api):
    make_account(ADA, password=None)

    assert log_in(api, password="").status_code == 401


def test_stale_cookies_do_not_stand_in_the_way(ada, api):
    api.cookies[cookies.ACCESS] = api.cookies[cookies.REFRESH] = "garbage"

    assert log_in(api).status_code == 204


@pytest.mark.parametrize("email", [ADA, "nobody@example.com", "no-password@example.com"])
def test_a_password_is_hashed_whether_the_account_exists_or_not(ada, api, settings, email):
    make_account("no-password@example.com", password=None)
    settings.PASSWORD_HASHERS = [f"{__name__}.CountingHasher"]
    CountingHasher.hashed = 0

    log_in(api, email, "wrong")

    assert CountingHasher.hashed == 1


def test_a_password_kept_in_an_older_way_is_kept_anew_at_login(api, settings):
    current = settings.PASSWORD_HASHERS
    settings.PASSWORD_HASHERS = [f"{__name__}.OlderHasher"]
    account = make_account(ADA)
    before = account.password
    settings.PASSWORD_HASHERS = current

    log_in(api)

    account.refresh_from_db()
    assert ("t=1" in before, "t=2" in account.password) == (True, True)
    assert log_in(api).status_code == 204


def test_logging_in_is_limited_before_anything_is_hashed(ada, api, limit_rate):
    limit_rate("login", "2/minute")

    answers = [log_in(api) for _ in range(3)]

    assert [answer.status_code for answer in answers] == [204, 204, 429]
    assert int(answers[-1].headers["Retry-After"]) <= 60
    assert ada.sessions.count() == 2


@pytest.mark.usefixtures("three_tries")
@pytest.mark.parametrize("email", [ADA, "nobody@example.com"])
def test_after_failures_a_name_is_locked_out_whether_it_exists_or_not(ada, api, email):
    failures = [log_in(api, email, "wrong") for _ in range(3)]

    response = log_in(api, email)

    assert [failure.status_code for failure in failures] == [401, 401, 429]
    assert (response.status_code, response.json()) == (429, LOCKED_OUT)
    assert 0 < int(response.headers["Retry-After"]) <= 15 * 60
    assert response.json() == failures[-1].json()
    assert not SignInSession.objects.exists()


@pytest.mark.usefixtures("ada", "three_tries")
def test_the_owner_at_another_address_is_not_locked_out(api):
    for _ in range(4):
        log_in(api, password="wrong", address="203.0.113.9")

    assert log_in(api, address="192.0.2.1").status_code == 204
    assert log_in(api, address="203.0.113.9").status_code == 429


@pytest.mark.usefixtures("ada", "three_tries")
def test_others_at_the_same_address_are_not_locked_out(api):
    make_account("bob@example.com")
    for _ in range(4):
        log_in(api, password="wrong")

    assert log_in(api, "bob@example.com").status_code == 204


@pytest.mark.usefixtures("ada", "three_tries")
def test_neither_case_nor_browser_gives_more_tries(api):
    for number, email in enumerate(["ada@example.com", "ADA@example.com", " Ada@example.com"]):
        log_in(api, email, "wrong", HTTP_USER_AGENT=f"browser {number}")

    assert log_in(api, HTTP_USER_AGENT="another").status_code == 429


@pytest.mark.usefixtures("ada", "three_tries")
def test_a_letter_that_only_databases_fold_is_no_other_name_of_an_account(api):
    make_account("victim@selene.test", PASSWORD)

    response = log_in(api, "v\u0130ctim@selene.test", PASSWORD)

    assert (response.status_code, response.json()) == (401, REFUSED)


@pytest.mark.usefixtures("ada", "three_tries")
def test_a_lockout_ends_however_often_one_tries_meanwhile(api, pass_time):
    for _ in range(3):
        log_in(api, password="wrong")
    pass_time(timedelta(minutes=10))
    meanwhile = log_in(api)
    pass_time(timedelta(minutes=5, seconds=1))

    assert meanwhile.status_code == 429
    assert int(meanwhile.headers["Retry-After"]) <= 5 * 60
    assert log_in(api).status_code == 204


@pytest.mark.usefixtures("ada", "three_tries")
def test_a_login_forgets_the_failures_before_it(api):
    for _ in range(3):
        for _ in range(2):
            log_in(api, password="wrong")
        assert log_in(api).status_code == 204


@pytest.mark.usefixtures("three_tries")
def test_a_lockout_is_recorded_once(ada, api, pass_time):
    for _ in range(6):
        log_in(api, password="wrong")

    event = SecurityEvent.objects.get()
    assert (event.kind, event.account) == (SecurityEventKind.LOCKED_OUT, ada)
    assert (event.address, event.detail) == ("192.0.2.1", {"name": ADA})
    pass_time(timedelta(minutes=16))
    for _ in range(3):
        log_in(api, password="wrong")
    assert SecurityEvent.objects.count() == 2


@pytest.mark.usefixtures("three_tries")
def test_a_lockout_of_nobody_is_recorded_too(api):
    for _ in range(3):
        log_in(api, "nobody@example.com", "wrong")

    assert SecurityEvent.objects.get().account is None


@pytest.mark.usefixtures("ada", "three_tries")
def test_failures_at_the_admin_lock_out_there_as_well(client):
    form = {"username": ADA, "password": "wrong"}

    answers = [client.post("/admin/login/", form) for _ in range(4)]

    assert [answer.status_code for answer in answers] == [200, 200, 429, 429]
    assert answers[-1].content == b"too many failed logins, try again later"
    assert SecurityEvent.objects.get().kind == SecurityEventKind.LOCKED_OUT


@pytest.mark.usefixtures("ada", "three_tries")
def test_failures_behind_a_socket_without_address_are_counted(api):
    answers = [log_in(api, password="wrong", address="") for _ in range(3)]

    assert [answer.status_code for answer in answers] == [401, 401, 429]


def test_neither_password_nor_address_reaches_the_log(ada, api, caplog):
    log_in(api, password="hunter2-hunter2")
    log_in(api)

    assert "hunter2" not in caplog.text
    assert ADA not in caplog.text
