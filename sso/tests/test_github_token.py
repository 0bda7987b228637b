import pytest

from sso.tests.platforms import configure

ASK = "/api/github-token?code=c0de&state=st4te"

pytestmark = pytest.mark.django_db


def github_answers(platforms, body, status=200):
    platforms.server.expect_request(
        "/login/oauth/access_token",
        method="POST",
        headers={"Accept": "application/json"},
        data="client_id=our-github&client_secret=github-secret&code=c0de&state=st4te",
    ).respond_with_json(body, status=status)


def test_a_code_is_exchanged_for_a_token(api, platforms):
    github_answers(platforms, {"access_token": "gho_1", "scope": "", "token_type": "bearer"})

    response = api.get(ASK)

    assert (response.status_code, response.json()) == (200, {"token": "gho_1"})
    assert response.headers["Cache-Control"] == "no-store"


def test_a_code_that_is_not_good_is_refused(api, platforms):
    github_answers(platforms, {"error": "bad_verification_code", "error_description": "x"})

    response = api.get(ASK)

    assert response.status_code == 400
    assert response.json() == {"code": ["GitHub does not accept the code"]}


@pytest.mark.parametrize(
    ("body", "status"),
    [
        ({"error": "incorrect_client_credentials"}, 200),
        ({}, 200),
        ({"access_token": 5}, 200),
        ({"message": "Not Found"}, 404),
    ],
)
def test_what_is_no_token_is_a_failure_of_github(api, platforms, body, status):
    github_answers(platforms, body, status)

    response = api.get(ASK)

    assert (response.status_code, response.json()) == (502, {"error": "GitHub failed"})


def test_a_bad_day_of_github_is_told(api, settings, bad_upstream):
    configure(settings, bad_upstream.url)

    response = api.get(ASK)

    words = "timed out" if bad_upstream.status == 504 else "failed"
    assert response.status_code == bad_upstream.status
    assert response.json() == {"error": f"GitHub {words}"}


@pytest.mark.parametrize(
    ("query", "errors"),
    [
        ("state=s", {"code": ["This field is required."]}),
        ("code=c", {"state": ["This field is required."]}),
        ("code=&state=s", {"code": ["This field may not be blank."]}),
        ("code=c%00&state=s", {"error": "NUL characters are not allowed"}),
    ],
)
def test_what_is_missing_is_named(api, platforms, query, errors):
    response = api.get(f"/api/github-token?{query}")

    assert (response.status_code, response.json()) == (400, errors)
    assert not platforms.server.log


@pytest.mark.parametrize("setting", ["GITHUB_CLIENT_ID", "GITHUB_CLIENT_SECRET"])
def test_the_setting_that_is_missing_is_named(api, platforms, settings, setting):
    setattr(settings, setting, "")

    response = api.get(ASK)

    assert (response.status_code, response.json()) == (503, {"error": f"{setting} is not set"})


def test_asking_is_limited(api, platforms, limit_rate):
    limit_rate("federated-login", "1/minute")
    github_answers(platforms, {"access_token": "gho_1"})

    answers = [api.get(ASK) for _ in range(2)]

    assert [answer.status_code for answer in answers] == [200, 429]
