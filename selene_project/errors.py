"""The one shape of every error that an API answers."""

from typing import Any

from django.http import HttpRequest, HttpResponse, JsonResponse
from rest_framework import exceptions
from rest_framework.response import Response
from rest_framework.views import exception_handler


def handle(error: Exception, context: dict[str, Any]) -> Response | None:
    """Answer ``{"error": reason}``, or ``{field: [reasons]}`` for fields that are wrong."""
    response = exception_handler(error, context)
    if response is None:
        return None
    if isinstance(error, exceptions.NotAuthenticated):
        response.data = {"error": "no authentication tokens found"}
    elif isinstance(error, exceptions.ValidationError):
        response.data = _by_field(response.data)
    else:
        response.data = {"error": _reason(response.data)}
    return response


def _by_field(data: dict[str, Any] | list[Any]) -> dict[str, Any] | list[Any]:
    """Return what is wrong, nested like the request; ``error`` is for what is of no field."""
    if isinstance(data, list):
        return data if any(isinstance(item, dict) for item in data) else {"error": _reason(data)}
    if isinstance(data.get("error"), list):
        return data | {"error": _reason(data["error"])}
    return data


def _reason(data: dict[str, Any] | list[Any]) -> str:
    """Return the one sentence that a client can show."""
    if isinstance(data, list):
        return str(data[0]) if data else ""
    return str(data["detail"]) if "detail" in data else "; ".join(map(str, data.values()))


def not_found(request: HttpRequest, exception: Exception) -> HttpResponse:
    """Answer a path that no API has."""
    return JsonResponse({"error": "not found"}, status=404)


def bad_request(request: HttpRequest, exception: Exception) -> HttpResponse:
    """Answer what Django itself refused (a bad host, a suspicious operation)."""
    return JsonResponse({"error": "bad request"}, status=400)


def server_error(request: HttpRequest) -> HttpResponse:
    """Answer a mistake of ours, without saying which."""
    return JsonResponse({"error": "internal error"}, status=500)
