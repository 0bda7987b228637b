"""What gets into the log."""

import json
import logging.config

import pytest
from django.conf import settings
from django.http import HttpResponse
from django.test import RequestFactory
from django.utils.log import log_response


@pytest.fixture
def log_as(capsys):
    """Return a function that sets logging up as the settings do, in one of their formats."""

    def log_as(name):
        handlers = {"stderr": settings.LOGGING["handlers"]["stderr"] | {"formatter": name}}
        logging.config.dictConfig(settings.LOGGING | {"handlers": handlers})

    yield log_as
    logging.config.dictConfig(settings.LOGGING)


@pytest.mark.parametrize("form", ["json", "plain"])
def test_a_request_that_failed_is_logged_without_its_query(log_as, capsys, form):
    log_as(form)
    request = RequestFactory().get("/api/github-token?code=the-code&state=the-state")

    log_response(
        "Bad Gateway: %s", request.path, response=HttpResponse(status=502), request=request
    )

    logged = capsys.readouterr().err
    assert "Bad Gateway: /api/github-token" in logged
    assert "the-code" not in logged


def test_a_line_of_json_says_when_what_and_how_bad(log_as, capsys):
    log_as("json")
    request = RequestFactory().get("/v1/owm/weather?lat=1&lon=2")

    log_response(
        "Bad Gateway: %s", request.path, response=HttpResponse(status=502), request=request
    )

    line = json.loads(capsys.readouterr().err)
    assert line.pop("at")
    assert line == {
        "level": "ERROR",
        "logger": "django.request",
        "message": "Bad Gateway: /v1/owm/weather",
        "status_code": 502,
    }


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("asked", "reason"),
    [
        ({"path": "/v1/device/code?" + "a&" * 1500}, "parameters exceeded"),
        ({"path": "/admin/login/", "headers": {"Host": "no host"}}, "Invalid HTTP_HOST header"),
    ],
)
def test_what_anybody_can_send_leaves_a_line_but_no_stack_trace(
    log_as, capsys, client, asked, reason
):
    log_as("plain")

    response = client.get(**asked)

    assert (response.status_code, response.json()) == (400, {"error": "bad request"})
    [line] = capsys.readouterr().err.splitlines()
    assert reason in line
