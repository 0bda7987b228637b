"""OAuth for skills through a service of the operator's (OAUTH_BASE_URL)."""

import pytest

from market.models import OAuthToken
from market.tests.factories import make_credential

pytestmark = pytest.mark.django_db


@pytest.fixture
def broker(httpserver, settings):
    settings.OAUTH_BASE_URL = httpserver.url_for("/broker")
    return httpserver


@pytest.mark.parametrize("reference", ["7", "cred1", "a b", "a%3Fb", "é"])
def test_the_service_says_where_to_connect(account, account_client, broker, reference):
    answer = {"hasToken": True, "url": "https://provider.test/authorize"}
    path = f"/broker/auth/{reference.replace('%3F', '?')}/auth_url"
    broker.expect_request(path, query_string={"uuid": str(account.pk)}).respond_with_json(answer)

    response = account_client.get(f"/api/skills/oauth/{reference}")

    assert response.status_code == 200
    assert response.json() == answer


def test_the_service_gives_the_token(account, device, device_client, broker):
    make_credential(reference="7")
    broker.expect_request(
        "/broker/auth/7/token", query_string={"uuid": str(account.pk)}
    ).respond_with_json({"access_token": "at", "snake_case": 1})

    response = device_client.get(f"/v1/device/{device.pk}/token/7")

    assert response.status_code == 200
    assert response.json() == {"access_token": "at", "snake_case": 1}
    assert not OAuthToken.objects.exists()


def test_the_service_gets_what_the_provider_sent(api, broker):
    broker.expect_request(
        "/broker/auth/callback", query_string="state=a%26b&code=c%2Bd&scope="
    ).respond_with_data("<p>Done</p>", content_type="text/html")

    response = api.get("/v1/auth/callback?state=a%26b&code=c%2Bd&scope=")

    assert (response.status_code, response.content) == (200, b"<p>Done</p>")
    assert response.headers["Content-Type"] == "text/html"
    assert response.headers["Content-Security-Policy"] == "sandbox"


@pytest.mark.parametrize("reference", ["..", "."])
def test_no_reference_leaves_the_service(account_client, device, device_client, broker, reference):
    responses = [
        account_client.get(f"/api/skills/oauth/{reference}"),
        device_client.get(f"/v1/device/{device.pk}/token/{reference}"),
    ]

    assert [response.status_code for response in responses] == [404, 404]
    assert broker.log == []


@pytest.mark.parametrize(("status", "told"), [(404, 404), (400, 502), (500, 502), (302, 502)])
def test_what_the_service_refuses_is_told(device, device_client, broker, status, told):
    broker.expect_request("/broker/auth/7/token").respond_with_json({"error": "x"}, status)

    response = device_client.get(f"/v1/device/{device.pk}/token/7")

    assert response.status_code == told
    assert list(response.json()) == ["error"]


def test_a_service_on_a_bad_day_costs_its_time_limit(
    account_client, device, device_client, api, bad_upstream, settings
):
    settings.OAUTH_BASE_URL = bad_upstream.url

    responses = [
        account_client.get("/api/skills/oauth/7"),
        device_client.get(f"/v1/device/{device.pk}/token/7"),
        api.get("/v1/auth/callback?code=c&state=s"),
    ]

    kind = "timed out" if bad_upstream.status == 504 else "failed"
    told = [(response.status_code, response.json()) for response in responses[:2]]
    assert told == [(bad_upstream.status, {"error": f"OAuth service {kind}"})] * 2
    # What the service says to a person is handed on unread.
    assert responses[2].status_code in (bad_upstream.status, 200)


def test_what_is_nested_too_deep_to_be_told_is_a_failure(device, device_client, broker):
    nested = '{"a":' * 300 + "1" + "}" * 300
    broker.expect_request("/broker/auth/7/token").respond_with_data(nested)

    response = device_client.get(f"/v1/device/{device.pk}/token/7")

    assert (response.status_code, response.json()) == (502, {"error": "OAuth service failed"})


def test_nobody_asks_the_service_without_a_login(api, device, broker):
    responses = [api.get("/api/skills/oauth/7"), api.get(f"/v1/device/{device.pk}/token/7")]

    assert [response.status_code for response in responses] == [401, 401]
    assert broker.log == []
