"""Whatever a Content-Type says, the answer is JSON and never a 500."""

from wsgiref.util import setup_testing_defaults

import pytest
import requests

from selene_project.wsgi import application, plain_content_type

ODD = [
    "application/json; charset=base64",
    "application/json; charset=idna",
    "application/json; charset=undefined",
    "application/json; charset=utf-16",
    "application/json; charset=\xe9",
    'application/json; charset="',
    "application/json; charset*=utf-8''base64",
    "application/json; a*=bogus''%41",
    "; charset=hex",
]


@pytest.mark.parametrize("value", ODD)
def test_odd_parameters_are_dropped(value):
    assert plain_content_type(value) in {"application/json", ""}


@pytest.mark.parametrize(
    "value",
    [
        "application/json",
        "application/json; charset=UTF-8",
        "application/json;charset=latin-1",
        "multipart/form-data; boundary=x",
        "text/plain; format=flowed",
    ],
)
def test_usual_parameters_are_kept(value):
    assert plain_content_type(value) == value


@pytest.mark.django_db
@pytest.mark.parametrize("value", ODD)
def test_an_odd_content_type_is_no_error_of_the_server(value):
    environ = {"CONTENT_TYPE": value, "PATH_INFO": "/nothing", "QUERY_STRING": "state=x%ff"}
    setup_testing_defaults(environ)
    statuses = []

    body = application(environ, lambda status, headers: statuses.append(status))

    assert statuses == ["404 Not Found"]
    assert b"".join(body) == b'{"error": "not found"}'


@pytest.mark.parametrize("value", ODD)
def test_an_odd_content_type_is_heard_by_the_real_server(running_server, value):
    response = requests.get(
        f"{running_server.url}/v1/device/code?state=x%ff",
        headers={"Content-Type": value.encode("latin-1")},
        timeout=10,
    )

    assert response.status_code < 500
    assert response.headers["Content-Type"] == "application/json"
    assert "Traceback" not in running_server.output()
