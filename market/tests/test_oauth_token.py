"""GET /v1/device/D/token/<credential id>."""

import json
import time
from datetime import timedelta
from functools import partial

import pytest
from django.utils import timezone
from rest_framework.test import APIClient
from werkzeug import Response

from accounts.tests.factories import make_account
from accounts.tests.threads import at_once
from devices.tests.factories import make_device, make_token
from market import oauth
from market.models import OAuthCredential, OAuthToken
from market.tests.factories import make_credential, make_oauth_token

NOT_CONNECTED = {"error": "not connected: connect the skill on its settings page"}


@pytest.fixture
def credential(db, httpserver):
    return make_credential(reference="1", token_uri=httpserver.url_for("/token"))


@pytest.fixture
def provider(httpserver):
    """A provider whose refresh tokens are good once."""
    return Rotating(httpserver)


class Rotating:
    def __init__(self, httpserver):
        self.good, self.count, self.refused = "rt-1", 1, 0
        self.extra, self.status, self.delay = {}, 200, 0
        httpserver.expect_request("/token", method="POST").respond_with_handler(self.answer)

    def answer(self, request):
        sent = request.form.to_dict()
        time.sleep(self.delay)
        assert sent.pop("grant_type") == "refresh_token"
        if sent != {"refresh_token": self.good}:
            self.refused += 1
            return Response(json.dumps({"error": "invalid_grant"}), 400)
        if self.status != 200:
            return Response(json.dumps({"error": "server_error"}), self.status)
        self.count += 1
        self.good = f"rt-{self.count}"
        answer = {
            "access_token": f"at-{self.count}",
            "refresh_token": self.good,
            "expires_in": 3600,
            "token_type": "Bearer",
        }
        return Response(json.dumps(answer | self.extra))


@pytest.fixture
def ask(device, device_client):
    def ask(reference="1", client=device_client):
        return client.get(f"/v1/device/{device.pk}/token/{reference}")

    return ask


def test_a_device_reads_the_token_and_nothing_that_lasts(account, credential, ask):
    make_oauth_token(account, credential, scope="play", id_token="who", api="https://x.org")

    response = ask()

    assert response.status_code == 200
    assert response.json() == {
        "access_token": "at-1",
        "token_type": "Bearer",
        "scope": "play",
        "api": "https://x.org",
    }


def test_a_device_is_told_how_long_the_token_is_good(account, credential, ask):
    make_oauth_token(account, credential, expires_in=600)

    body = ask().json()

    assert 590 < body.pop("expires_in") <= 600
    assert abs(body.pop("expiration") - time.time() - 600) < 10
    assert body == {"access_token": "at-1", "token_type": "Bearer"}


def test_a_credential_goes_by_its_id_as_well(account, credential, ask):
    make_oauth_token(account, credential)

    assert ask(credential.pk).json()["access_token"] == "at-1"


@pytest.mark.parametrize("reference", ["1", "2", "Spotify", "%FF"])
def test_without_a_token_it_is_404(credential, ask, reference):
    response = ask(reference)

    assert response.status_code == 404
    assert list(response.json()) == ["error"]


def test_before_the_person_came_back_there_is_no_token(account, credential, ask):
    oauth.begin(account, credential)

    response = ask()

    assert (response.status_code, response.json()) == (404, NOT_CONNECTED)


def test_another_account_s_token_is_not_given(credential, ask):
    make_oauth_token(make_account(), credential)

    assert ask().status_code == 404


def test_only_the_device_in_the_path_reads_it(account, device, credential, ask, api):
    make_oauth_token(account, credential)
    other = make_device(account)
    client = APIClient(headers={"Authorization": f"Bearer {make_token(other)}"})

    responses = [ask(client=client), ask(client=api)]

    assert [response.status_code for response in responses] == [401, 401]
    assert {tuple(response.json()) for response in responses} == {("error",)}


def test_a_token_costs_the_same_queries_every_time(
    account, credential, ask, django_assert_num_queries
):
    make_oauth_token(account, credential)
    ask()

    # The device's token, the credential, the account's token; the contact was noted before
    with django_assert_num_queries(3):
        ask()


@pytest.mark.parametrize("expires_in", [-5, 30])
def test_a_token_that_runs_out_is_refreshed(account, credential, ask, provider, expires_in):
    make_oauth_token(account, credential, expires_in=expires_in)

    response = ask()

    assert response.status_code == 200
    assert response.json()["access_token"] == "at-2"
    assert 3590 < response.json()["expires_in"] <= 3600
    assert oauth._read(OAuthToken.objects.get())["refresh_token"] == "rt-2"
    assert ask().json()["access_token"] == "at-2"


def test_a_refresh_token_that_does_not_rotate_is_kept(account, credential, ask, provider):
    make_oauth_token(account, credential, expires_in=-5)
    provider.extra = {"refresh_token": None}
    ask()

    provider.extra = {}
    provider.good = "rt-1"

    kept = oauth._read(OAuthToken.objects.get())
    assert kept["access_token"] == "at-2"
    assert kept["refresh_token"] == "rt-1"


def test_a_token_that_the_provider_takes_no_more_is_dropped(
    account, account_client, credential, ask, provider
):
    make_oauth_token(account, credential, expires_in=-5)
    provider.good = "another"

    responses = [ask(), ask()]

    assert [(each.status_code, each.json()) for each in responses] == [(404, NOT_CONNECTED)] * 2
    assert provider.refused == 1
    assert account_client.get("/api/skills/oauth/1").json()["hasToken"] is False


def test_a_token_that_ran_out_for_good_is_dropped(account, account_client, credential, ask):
    make_oauth_token(account, credential, expires_in=-5, refresh_token=None)
    connected = account_client.get("/api/skills/oauth/1").json()["hasToken"]

    response = ask()

    assert connected is False
    assert (response.status_code, response.json()) == (404, NOT_CONNECTED)


def test_a_provider_that_fails_costs_no_token(account, credential, ask, provider):
    make_oauth_token(account, credential, expires_in=-5)
    provider.status = 503

    failed = ask()
    provider.status = 200
    response = ask()

    assert (failed.status_code, failed.json()) == (502, {"error": "Spotify failed"})
    assert response.json()["access_token"] == "at-2"


def test_a_provider_on_a_bad_day_costs_one_request(account, credential, ask, bad_upstream):
    make_oauth_token(account, credential, expires_in=-5)
    OAuthCredential.objects.update(token_uri=f"{bad_upstream.url}/token")

    response = ask()

    assert response.status_code == bad_upstream.status
    assert list(response.json()) == ["error"]
    assert OAuthToken.objects.get().refreshed_until is None


NESTED = '{"a":' * 300 + "1" + "}" * 300


@pytest.mark.parametrize(
    "body", ['{"access_token": ""}', '{"access_token": "x", "a": ' + NESTED + "}"]
)
def test_an_answer_that_is_no_token_changes_nothing(account, credential, ask, httpserver, body):
    make_oauth_token(account, credential, expires_in=-5)
    httpserver.expect_oneshot_request("/token").respond_with_data(body)

    response = ask()

    assert (response.status_code, response.json()) == (502, {"error": "Spotify failed"})
    row = OAuthToken.objects.get()
    assert row.refreshed_until is None
    assert oauth._read(row)["access_token"] == "at-1"


def test_what_a_provider_says_begins_no_line_in_the_log(
    account, credential, ask, httpserver, caplog
):
    make_oauth_token(account, credential, expires_in=-5)
    httpserver.expect_request("/token").respond_with_json({"error": "no\nERROR: all is lost"}, 400)

    ask()

    [told] = [each for each in caplog.messages if "gives no token" in each]
    assert told == r"Spotify gives no token: 400 'no\nERROR: all is lost'"


def test_what_another_began_to_refresh_and_left_is_taken_up(account, credential, ask, provider):
    row = make_oauth_token(account, credential, expires_in=-5)
    row.refreshed_until = timezone.now() - timedelta(seconds=1)
    row.save()

    assert ask().json()["access_token"] == "at-2"


def test_whoever_waits_too_long_for_another_is_told(
    account, credential, ask, provider, monkeypatch
):
    monkeypatch.setattr(oauth, "LONGEST_WAIT", 0.2)
    row = make_oauth_token(account, credential, expires_in=-5)
    row.refreshed_until = timezone.now() + timedelta(seconds=20)
    row.save()

    response = ask()

    assert (response.status_code, response.json()) == (504, {"error": "Spotify timed out"})
    assert provider.count == 1


def test_a_key_that_is_gone_is_as_no_token(account, credential, ask, settings):
    make_oauth_token(account, credential)
    settings.FIELD_KEYS = ["nOSqXSbkQtEhWdUjKGnYh0AfqPf8m6gYJ3cQmJYb1yE="]

    assert ask().status_code == 404


@pytest.mark.django_db(transaction=True)
def test_devices_that_need_a_token_at_once_use_its_refresh_token_once(credential, provider):
    account = make_account()
    make_oauth_token(account, credential, expires_in=-5)
    provider.delay = 0.2

    tokens = at_once(*(partial(oauth.access_token, account, credential) for _ in range(5)))

    assert {token["access_token"] for token in tokens} == {"at-2"}
    assert (provider.count, provider.refused) == (2, 0)


@pytest.mark.django_db(transaction=True)
def test_a_refresh_does_not_undo_what_was_connected_meanwhile(credential, provider):
    account = make_account()
    row = make_oauth_token(account, credential, expires_in=-5)
    provider.delay = 0.3

    def connect_anew():
        time.sleep(0.1)
        oauth._keep(OAuthToken.objects.filter(pk=row.pk), {"access_token": "anew"})

    token, _ = at_once(partial(oauth.access_token, account, credential), connect_anew)

    assert token == {"access_token": "anew"}
    assert oauth._read(OAuthToken.objects.get()) == {"access_token": "anew"}


@pytest.mark.django_db(transaction=True)
def test_a_refresh_for_an_account_that_ends_meanwhile_finds_no_token(credential, provider):
    account = make_account()
    make_oauth_token(account, credential, expires_in=-5)
    provider.delay = 0.3

    def leave():
        time.sleep(0.1)
        OAuthToken.objects.all().delete()

    def ask():
        with pytest.raises(oauth.NoToken):
            oauth.access_token(account, credential)

    at_once(ask, leave)

    assert not OAuthToken.objects.exists()
