"""Whatever is wrong with a request, the answer is 4xx JSON."""

import pytest
from rest_framework.exceptions import (
    APIException,
    AuthenticationFailed,
    NotAuthenticated,
    NotFound,
    ValidationError,
)

from selene_project import errors

pytestmark = pytest.mark.urls("selene_project.tests.echo")


def post_raw(api, body, content_type="application/json", **headers):
    return api.generic("POST", "/api/echo", body, content_type=content_type, **headers)


@pytest.mark.parametrize("path", ["/api/nothing", "/nothing", "/api/echo/", "/api//echo", "/%ff"])
def test_a_path_that_nobody_serves_is_404_json(api, path):
    response = api.get(path)

    assert response.status_code == 404
    assert response.json() == {"error": "not found"}


@pytest.mark.parametrize(
    "body", [b"{", b"{'a': 1}", b"nonsense", b'{"a": 1} x', b"\xff\xfe{\x00}\x00", b"[1,]", b"\x00"]
)
def test_a_body_that_is_not_json_is_400(api, body):
    response = post_raw(api, body)

    assert response.status_code == 400
    assert response.json() == {"error": "request body is not valid JSON"}


@pytest.mark.parametrize("body", [b"NaN", b"Infinity", b'{"a": -Infinity}', b'{"a": 1e999}'])
def test_a_number_that_json_does_not_have_is_400(api, body):
    response = post_raw(api, body)

    assert response.status_code == 400
    assert set(response.json()) == {"error"}


@pytest.mark.parametrize("body", [rb'"\ud800"', rb'{"\udfff": 1}', b'"\xed\xa0\x80"'])
def test_a_lone_surrogate_is_400(api, body):
    response = post_raw(api, body)

    assert response.status_code == 400
    assert response.json() == {"error": "request body is not valid JSON"}


@pytest.mark.parametrize("body", [rb'"a\u0000"', rb'{"a\u0000": 1}', rb'[[{"a": ["\u0000"]}]]'])
def test_a_nul_in_the_body_is_400(api, body):
    response = post_raw(api, body)

    assert response.status_code == 400
    assert response.json() == {"error": "NUL characters are not allowed"}


@pytest.mark.parametrize("path", ["/api/%00echo", "/api/echo?a=%00", "/api/echo?%00=a"])
def test_a_nul_in_the_address_is_400(api, path):
    response = api.get(path)

    assert response.status_code == 400
    assert response.json() == {"error": "NUL characters are not allowed"}


@pytest.mark.parametrize("depth", [33, 2_000, 400_000])
def test_a_body_nested_too_deep_is_400(api, depth):
    response = post_raw(api, b"[" * depth + b"]" * depth)

    assert response.status_code == 400
    assert set(response.json()) == {"error"}


def test_a_body_as_deep_as_allowed_is_read(api):
    response = post_raw(api, b"[" * 32 + b"]" * 32)

    assert response.status_code == 200
    assert response.content == b"[" * 32 + b"]" * 32


@pytest.mark.parametrize("query", ["a=%ED%A0%80", "a=%ff", "%", "a=%zz", "&&==", "format=xml"])
def test_an_odd_query_string_is_no_error_by_itself(api, query):
    response = api.get(f"/api/echo?{query}")

    assert response.status_code == 200


def test_a_method_that_is_not_offered_is_405_with_allow(api):
    response = api.put("/api/echo", {})

    assert response.status_code == 405
    assert response["Allow"] == "GET, POST, HEAD, OPTIONS"
    assert response.json() == {"error": 'Method "PUT" not allowed.'}


@pytest.mark.parametrize("content_type", ["text/plain", "application/xml", "nonsense", "a/b/c;;="])
def test_a_media_type_that_nobody_reads_is_415(api, content_type):
    response = post_raw(api, b"{}", content_type)

    assert response.status_code == 415
    assert set(response.json()) == {"error"}


@pytest.mark.parametrize("content_type", ["application/json; charset=latin-1", "APPLICATION/JSON"])
def test_json_is_read_as_utf_8_whatever_is_said_beside_it(api, content_type):
    response = post_raw(api, '{"a": "é"}'.encode(), content_type)

    assert response.json() == {"a": "é"}


def test_a_body_over_the_limit_is_413(api, settings):
    settings.MAX_BODY_BYTES = 1_000

    accepted = post_raw(api, b'"' + b"a" * 998 + b'"')
    refused = post_raw(api, b'"' + b"a" * 999 + b'"')

    assert accepted.status_code == 200
    assert refused.status_code == 413
    assert refused.json() == {"error": "request body too large"}


@pytest.mark.parametrize("size", [2_000_000, 20_000_000])
def test_a_body_far_over_the_limit_is_413_too(api, size):
    response = post_raw(api, b'"' + b"a" * size + b'"')

    assert response.status_code == 413
    assert response.json() == {"error": "request body too large"}


@pytest.mark.parametrize("length", ["many", "-1", "1e3", "٣"])
def test_a_length_that_is_no_number_is_400(api, length):
    response = post_raw(api, b"{}", CONTENT_LENGTH=length)

    assert response.status_code == 400
    assert response.json() == {"error": "Content-Length is not a number"}


def test_a_body_of_unknown_length_is_411(api):
    response = post_raw(api, b"", HTTP_TRANSFER_ENCODING="chunked")

    assert response.status_code == 411
    assert response.json() == {"error": "Content-Length is required"}


def test_a_host_that_cannot_be_one_is_400(api):
    response = api.get("/api/echo", HTTP_HOST="not a host")

    assert response.status_code in (200, 400)
    assert response["Content-Type"] == "application/json"


def test_a_mistake_of_ours_is_500_and_tells_nothing(api):
    api.raise_request_exception = False

    response = api.get("/api/fail")

    assert response.status_code == 500
    assert response.json() == {"error": "internal error"}


@pytest.mark.parametrize(
    ("error", "body"),
    [
        (NotAuthenticated(), {"error": "no authentication tokens found"}),
        (AuthenticationFailed("pair again"), {"error": "pair again"}),
        (NotFound(), {"error": "Not found."}),
        (ValidationError("no such code"), {"error": "no such code"}),
        (ValidationError({"name": ["too long"]}), {"name": ["too long"]}),
        (ValidationError({"error": ["must be an object"]}), {"error": "must be an object"}),
        (ValidationError({"a": {"b": ["c"]}}), {"a": {"b": ["c"]}}),
        (ValidationError([{}, {"name": ["too long"]}]), [{}, {"name": ["too long"]}]),
        (APIException({"detail": "upstream", "code": 7}), {"error": "upstream"}),
        (APIException(["first", "second"]), {"error": "first"}),
    ],
)
def test_an_error_has_the_one_shape(error, body):
    response = errors.handle(error, {})

    assert response.data == body


def test_what_is_no_error_of_the_api_is_left_to_django():
    assert errors.handle(RuntimeError("broken"), {}) is None
