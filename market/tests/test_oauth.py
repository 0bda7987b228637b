"""Connecting a skill: GET /api/skills/oauth/<id> and GET /v1/auth/callback."""

import base64
import hashlib
import json
from datetime import timedelta
from functools import partial
from urllib.parse import parse_qs, parse_qsl, urlencode, urlsplit

import pytest
from rest_framework.test import APIClient
from werkzeug import Response

from accounts import deletion
from accounts.tests.factories import make_account
from accounts.tests.threads import at_once
from conftest import sign_in
from market import oauth
from market.models import OAuthCredential, OAuthToken
from market.tests.factories import make_credential, make_oauth_token

CALLBACK = "http://localhost:8000/v1/auth/callback"
ANSWER = {"access_token": "at-1", "refresh_token": "rt-1", "token_type": "Bearer"}
LAPSED = "This link was used already, or lapsed."


@pytest.fixture(autouse=True)
def _here(settings):
    settings.API_BASE_URL = settings.ACCOUNT_BASE_URL = "http://localhost:8000"


@pytest.fixture
def credential(db, httpserver):
    return make_credential(
        reference="1",
        scope="play read",
        authorization_uri="https://provider.test/authorize?prompt=consent",
        token_uri=httpserver.url_for("/token"),
        revoke_uri=httpserver.url_for("/revoke"),
    )


@pytest.fixture
def token_uri(httpserver):
    """Return the provider's token endpoint; what it was sent is in ``token_uri.sent``."""
    handler = httpserver.expect_request("/token", method="POST")
    handler.sent = []

    def answer(request):
        handler.sent.append(request)
        return Response(json.dumps(handler.answer), handler.status, content_type="application/json")

    handler.answer, handler.status = ANSWER, 200
    handler.respond_with_handler(answer)
    return handler


@pytest.fixture
def begin(account_client, credential):
    """Return a function that asks for the provider's page and returns its parameters."""

    def begin(client=account_client):
        url = client.get("/api/skills/oauth/1").json()["url"]
        return dict(parse_qsl(urlsplit(url).query))

    return begin


def come_back(client=None, **parameters):
    """Return to the server as a provider sends a browser."""
    return (client or APIClient()).get(f"/v1/auth/callback?{urlencode(parameters)}")


def text_of(response):
    assert response.headers["Content-Type"] == "text/html; charset=utf-8"
    return response.content.decode()


def token_of(account):
    return oauth._read(OAuthToken.objects.get(account=account))


def test_a_person_is_told_where_to_connect(account_client, credential):
    response = account_client.get("/api/skills/oauth/1")

    assert response.status_code == 200
    body = response.json()
    assert body.keys() == {"hasToken", "url"}
    assert body["hasToken"] is False
    page, _, query = body["url"].partition("?")
    parameters = {name: values for name, [values] in parse_qs(query).items()}
    state, challenge = parameters.pop("state"), parameters.pop("code_challenge")
    assert page == "https://provider.test/authorize"
    assert parameters == {
        "prompt": "consent",
        "response_type": "code",
        "client_id": "a client",
        "redirect_uri": CALLBACK,
        "scope": "play read",
        "code_challenge_method": "S256",
    }
    assert len(state) == len(challenge) == 43


def test_from_the_page_of_the_provider_to_the_token(account, begin, token_uri, account_client):
    asked = begin()

    response = come_back(code="a code", state=asked["state"])

    assert response.status_code == 200
    assert "Spotify is connected." in text_of(response)
    assert response.headers["Cache-Control"] == "no-store"
    [sent] = token_uri.sent
    form = sent.form.to_dict()
    verifier = form.pop("code_verifier")
    digest = hashlib.sha256(verifier.encode()).digest()
    assert base64.urlsafe_b64encode(digest).decode().rstrip("=") == asked["code_challenge"]
    assert form == {
        "grant_type": "authorization_code",
        "code": "a code",
        "redirect_uri": CALLBACK,
    }
    assert (sent.authorization.username, sent.authorization.password) == ("a+client", "a+secret")
    assert token_of(account) == ANSWER
    assert account_client.get("/api/skills/oauth/1").json()["hasToken"] is True


def test_a_credential_may_be_shown_in_the_body(credential, begin, token_uri):
    OAuthCredential.objects.update(client_authentication="body")

    come_back(code="a code", state=begin()["state"])

    [sent] = token_uri.sent
    assert sent.authorization is None
    assert sent.form["client_id"] == "a client"
    assert sent.form["client_secret"] == "a secret"


def test_a_credential_without_a_secret_is_public(credential, begin, token_uri):
    OAuthCredential.objects.update(encrypted_client_secret="")

    come_back(code="a code", state=begin()["state"])

    [sent] = token_uri.sent
    assert sent.authorization is None
    assert sent.form["client_id"] == "a client"
    assert "client_secret" not in sent.form


def test_nothing_secret_is_stored_as_it_is(account, begin, token_uri):
    asked = begin()
    asking = str(OAuthToken.objects.values().get())
    come_back(code="a code", state=asked["state"])

    stored = asking + str(OAuthToken.objects.values().get())

    [sent] = token_uri.sent
    for secret in ("at-1", "rt-1", asked["state"], sent.form["code_verifier"]):
        assert secret not in stored


@pytest.mark.parametrize("by", ["pk", "reference"])
def test_a_credential_goes_by_its_id_and_by_what_skills_call_it(account_client, credential, by):
    response = account_client.get(f"/api/skills/oauth/{getattr(credential, by)}")

    assert response.status_code == 200


@pytest.mark.parametrize("reference", ["2", "Spotify", "..", "%00", "%FF", "x" * 300])
def test_an_unknown_credential_is_404(account_client, credential, reference):
    response = account_client.get(f"/api/skills/oauth/{reference}")

    assert response.status_code in (400, 404)
    assert list(response.json()) == ["error"]
    assert not OAuthToken.objects.exists()


def test_nobody_connects_without_a_login(api, credential):
    response = api.get("/api/skills/oauth/1")

    assert response.status_code == 401
    assert response.json() == {"error": "no authentication tokens found"}


def test_another_s_connection_is_not_mine(account_client, credential):
    make_oauth_token(make_account(), credential)

    assert account_client.get("/api/skills/oauth/1").json()["hasToken"] is False


def test_a_second_tab_does_not_end_the_first(begin, token_uri):
    first, second = begin(), begin()

    response = come_back(code="a code", state=first["state"])

    assert first == second
    assert response.status_code == 200


def test_asking_again_costs_no_write(begin, django_assert_num_queries, account, credential):
    begin()

    with django_assert_num_queries(1):
        oauth.begin(account, credential)


def test_a_state_is_used_once(account, begin, token_uri):
    state = begin()["state"]
    come_back(code="a code", state=state)

    response = come_back(code="another", state=state)

    assert response.status_code == 400
    assert LAPSED in text_of(response)
    assert len(token_uri.sent) == 1


def test_a_state_is_used_once_even_if_the_provider_fails(begin, token_uri):
    state = begin()["state"]
    token_uri.status, token_uri.answer = 500, {}

    responses = [come_back(code="a code", state=state) for _ in range(2)]

    assert [response.status_code for response in responses] == [502, 400]
    assert "Spotify failed" in text_of(responses[0])
    assert len(token_uri.sent) == 1


def test_a_state_lapses(begin, token_uri, pass_time):
    state = begin()["state"]
    pass_time(timedelta(hours=1, seconds=1))

    response = come_back(code="a code", state=state)

    assert response.status_code == 400
    assert token_uri.sent == []


def test_an_old_page_gets_a_new_state_in_time(begin, pass_time):
    first = begin()
    pass_time(timedelta(minutes=31))

    second = begin()

    assert first["state"] != second["state"]
    assert first["code_challenge"] != second["code_challenge"]


@pytest.mark.parametrize(
    "query", ["", "?state=", "?state=x&code=y", "?code=y", "?state=%ED%A0%80&code=y", "?state[]=x"]
)
def test_without_a_state_of_ours_nothing_happens(api, begin, token_uri, query):
    begin()

    response = api.get(f"/v1/auth/callback{query}")

    assert response.status_code == 400
    assert LAPSED in text_of(response)
    assert token_uri.sent == []


def test_the_callback_ignores_dead_credentials(begin, token_uri):
    client = APIClient(headers={"Authorization": "Bearer x"})

    response = come_back(client, code="a code", state=begin()["state"])

    assert response.status_code == 200


def test_a_code_does_not_end_up_with_whom_it_was_not_asked_by(account, begin, token_uri):
    """A stranger's link would else bring a person's token to the stranger's devices."""
    state = begin()["state"]
    victim = make_account()

    response = come_back(sign_in(victim), code="a code", state=state)

    assert response.status_code == 400
    assert token_uri.sent == []
    assert come_back(code="a code", state=state).status_code == 200


@pytest.mark.parametrize("parameters", [{"error": "access_denied"}, {"code": ""}, {}])
def test_a_person_may_say_no(account, begin, token_uri, parameters):
    response = come_back(state=begin()["state"], **parameters)

    assert response.status_code == 400
    assert "Spotify was not connected: access was not granted." in text_of(response)
    assert token_uri.sent == []
    assert token_of(account) == {}


@pytest.mark.parametrize(
    ("status", "answer"),
    [(400, {"error": "invalid_grant"}), (200, {"error": "bad_verification_code"})],
)
def test_a_code_that_the_provider_refuses_connects_nothing(
    account, begin, token_uri, status, answer
):
    token_uri.status, token_uri.answer = status, answer

    response = come_back(code="a code", state=begin()["state"])

    assert response.status_code == 400
    assert "it refused the code" in text_of(response)
    assert token_of(account) == {}


@pytest.mark.parametrize(
    ("status", "answer"),
    [
        (401, {"error": "invalid_client"}),
        (200, {}),
        (200, []),
        (200, {"access_token": None}),
        (500, ANSWER),
        (302, ANSWER),
    ],
)
def test_an_answer_that_is_no_token_is_the_provider_s_fault(
    account, begin, token_uri, status, answer
):
    token_uri.status, token_uri.answer = status, answer

    response = come_back(code="a code", state=begin()["state"])

    assert response.status_code == 502
    assert "Spotify failed" in text_of(response)
    assert token_of(account) == {}


def test_a_provider_on_a_bad_day_is_told_to_the_person(account, begin, bad_upstream):
    OAuthCredential.objects.update(token_uri=f"{bad_upstream.url}/token")

    response = come_back(code="a code", state=begin()["state"])

    assert response.status_code == bad_upstream.status
    assert "try again" in text_of(response)


def test_what_a_page_says_is_no_html(account, begin, token_uri):
    state = begin()["state"]
    OAuthCredential.objects.update(name="<script>x</script>")

    response = come_back(code="a code", state=state)

    assert "<script>" not in text_of(response)
    assert "&lt;script&gt;" in text_of(response)


@pytest.mark.parametrize("expires_in", [3600, "3600", 3600.0])
def test_how_long_a_token_is_good_is_noted(account, begin, token_uri, expires_in):
    token_uri.answer = ANSWER | {"expires_in": expires_in}

    come_back(code="a code", state=begin()["state"])

    row = OAuthToken.objects.get()
    assert 3590 < (row.expires_at - row.changed_at).total_seconds() <= 3600


@pytest.mark.parametrize("expires_in", [None, "soon", [], {}, 10**30, -5, "nan", "inf"])
def test_odd_lifetimes_are_no_trouble(account, begin, token_uri, expires_in):
    token_uri.answer = ANSWER | {"expires_in": expires_in}

    response = come_back(code="a code", state=begin()["state"])

    assert response.status_code == 200
    assert token_of(account)["access_token"] == "at-1"


def test_connecting_anew_replaces_the_token(account, credential, begin, token_uri):
    make_oauth_token(account, credential, access_token="old")

    come_back(code="a code", state=begin()["state"])

    assert token_of(account) == ANSWER


def test_the_page_of_a_person_who_left_meanwhile_connects_nothing(
    account, begin, token_uri, httpserver
):
    state = begin()["state"]
    deletion.delete(account)

    response = come_back(code="a code", state=state)

    assert response.status_code == 400
    assert not OAuthToken.objects.exists()


@pytest.mark.django_db(transaction=True)
def test_of_two_that_bring_a_state_at_once_one_is_served(token_uri, credential):
    account = make_account()
    url = oauth.begin(account, credential)
    state = dict(parse_qsl(urlsplit(url).query))["state"]

    responses = at_once(*(partial(come_back, code="a code", state=state) for _ in range(4)))

    assert sorted(each.status_code for each in responses) == [200, 400, 400, 400]
    assert len(token_uri.sent) == 1


@pytest.mark.django_db(transaction=True)
def test_tabs_that_open_at_once_share_a_state(credential):
    account = make_account()

    urls = at_once(*(partial(oauth.begin, account, credential) for _ in range(4)))

    assert len(set(urls)) == 1
    assert OAuthToken.objects.count() == 1


@pytest.mark.parametrize("what", ["token", "credential", "account"])
def test_what_is_deleted_is_revoked_at_the_provider(
    account, credential, httpserver, what, django_capture_on_commit_callbacks
):
    row = make_oauth_token(account, credential)
    httpserver.expect_oneshot_request("/revoke", method="POST").respond_with_data("")
    delete = {
        "token": partial(oauth.forget, OAuthToken.objects.filter(pk=row.pk)),
        "credential": partial(oauth.forget, credential.tokens.all()),
        "account": partial(deletion.delete, account),
    }

    with (
        httpserver.wait(stop_on_nohandler=False, timeout=5) as waiting,
        django_capture_on_commit_callbacks(execute=True),
    ):
        delete[what]()

    assert waiting.result
    assert not OAuthToken.objects.exists()
    [(request, _)] = httpserver.log
    assert request.form.to_dict() == {"token": "rt-1"}


def test_a_provider_that_is_away_keeps_no_account_from_ending(
    account, credential, bad_upstream, django_capture_on_commit_callbacks
):
    OAuthCredential.objects.update(revoke_uri=f"{bad_upstream.url}/revoke")
    make_oauth_token(account, credential)

    with django_capture_on_commit_callbacks(execute=True):
        deletion.delete(account)

    assert not OAuthToken.objects.exists()


def test_a_deletion_that_is_rolled_back_revokes_nothing(
    account, credential, httpserver, django_capture_on_commit_callbacks
):
    make_oauth_token(account, credential)

    with django_capture_on_commit_callbacks() as callbacks:
        oauth.forget(OAuthToken.objects.all())

    assert len(callbacks) == 1
    assert httpserver.log == []
