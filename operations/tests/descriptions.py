"""Holds answers against the API's descriptions."""

from urllib.parse import urlsplit

import schemathesis
from django.test import RequestFactory
from django.urls import resolve
from schemathesis.core.failures import Failure, FailureGroup

PATHS = ("/api/schema", "/v1/schema")


def generate(path):
    """Return the description that the page at ``path`` serves."""
    return resolve(path).func(RequestFactory().get(path)).data


account_side, device_side = (schemathesis.openapi.from_dict(generate(path)) for path in PATHS)


def problem(response):
    """Return what a ``response`` of requests has that its operation's description has not."""
    path = urlsplit(response.url).path
    side = device_side if path.startswith("/v1/") else account_side
    operation = side.find_operation_by_path(response.request.method, path)
    if operation is None or response.status_code == 304:
        return None
    described = operation.definition.raw["responses"].get(str(response.status_code))
    if described is None:
        return f"{operation.label}: {response.status_code}"
    if response.content and "content" not in described:
        return f"{operation.label}: {response.status_code} has a body"
    try:
        operation.validate_response(response)
    except (Failure, FailureGroup) as error:
        return f"{operation.label}: {response.text} {error}"
    return None
