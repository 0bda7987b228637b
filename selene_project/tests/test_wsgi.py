"""What is answered before Django."""

from io import BytesIO

import pytest
from django.test import RequestFactory

from accounts import version_cache
from devices import tokens
from devices.tests.factories import make_token
from operations import statistics
from selene_project.wsgi import application

pytestmark = [pytest.mark.fleet, pytest.mark.django_db(transaction=True)]


@pytest.fixture
def token(device):
    """An access token of the device that the device has used."""
    token = make_token(device)
    tokens.recognise(tokens.digest(token))
    return token


@pytest.fixture
def ask(api, device, token):
    """Return a function that polls Django, as its test client does, past the WSGI application."""

    def ask(token=token):
        return api.get(f"/v1/device/{device.pk}", headers={"Authorization": f"Bearer {token}"})

    return ask


@pytest.fixture
def answered(ask):
    """A poll's answer from the view."""
    return ask()


@pytest.fixture
def known_tag(answered):
    """A tag that Redis knows, which has forgotten the answer."""
    client = version_cache.client()
    client.delete(*client.scan_iter("*:body:*"))
    return answered.headers["ETag"].strip('"')


@pytest.fixture
def wsgi(device, token):
    """Return a function that polls the WSGI application itself, and gives status, headers, body."""

    def wsgi(tag="", path="", token=token, **environ):
        sent = {"HTTP_IF_NONE_MATCH": tag} if tag else {}
        sent |= {"HTTP_AUTHORIZATION": f"Bearer {token}"} | environ
        request = RequestFactory().get(f"/v1/device/{device.pk}{path}", **sent)
        request.environ["wsgi.input"] = BytesIO()
        started = []
        parts = application(
            request.environ, lambda status, headers: started.append((status, headers))
        )
        [(status, headers)] = started
        return status, dict(headers), b"".join(parts)

    return wsgi


def test_a_known_tag_is_answered(wsgi, known_tag, django_assert_num_queries):
    with django_assert_num_queries(0):
        answer = wsgi(known_tag)

    assert answer == ("304 Not Modified", {"ETag": f'"{known_tag}"'}, b"")


def test_an_answer_is_sent_again_as_it_was(wsgi, answered):
    again = wsgi()

    assert again == ("200 OK", dict(answered.items()), answered.content)
    assert again[1]["Content-Length"] == str(len(answered.content))


def test_a_dead_token_is_refused_as_by_the_view(wsgi, ask):
    refused = ask(token="dead")

    status, headers, body = wsgi(token="dead")

    assert (status, body) == ("401 Unauthorized", refused.content)
    assert headers["WWW-Authenticate"] == refused.headers["WWW-Authenticate"]
    assert headers["Content-Length"] == str(len(body))


def test_what_is_answered_before_django_is_counted(wsgi, known_tag):
    statistics.counter.take()

    wsgi(known_tag)

    [(key, tally)] = statistics.counter.take().items()
    assert (key.kind, key.route, key.status) == ("early", "v1/device/<str:device_id>", 304)
    assert tally.count == 1


@pytest.mark.parametrize(
    ("environ", "status"),
    [
        ({"HTTP_TRANSFER_ENCODING": "chunked"}, "411 Length Required"),
        ({"CONTENT_LENGTH": "99999999"}, "413 Request Entity Too Large"),
        ({"CONTENT_LENGTH": "x"}, "400 Bad Request"),
        ({"QUERY_STRING": "a=%00"}, "400 Bad Request"),
        ({"QUERY_STRING": "a=1"}, "304 Not Modified"),
    ],
)
def test_what_could_be_refused_is_left_to_django(wsgi, known_tag, environ, status):
    assert wsgi(known_tag, **environ)[0] == status
