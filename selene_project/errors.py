"""The one shape of every error that an API answers."""

import logging
from typing import Any

from django.core.exceptions import ObjectDoesNotExist
from django.db import DatabaseError, InterfaceError, OperationalError
from django.db.models import Model
from django.http import HttpRequest, HttpResponse, JsonResponse
from rest_framework import exceptions
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import exception_handler

from accounts.upstream import http

logger = logging.getLogger(__name__)


class DatabaseAway(exceptions.APIException):
    """The database does not answer, or could not serve this request beside others."""

    status_code = 503
    default_detail = "the database is not available, try again"


class Removed(exceptions.APIException):
    """The account or the device that asks was removed while it asked."""

    status_code = 401
    default_detail = "removed meanwhile"
    auth_header = "Bearer"


class UpstreamFailed(exceptions.APIException):
    """A service that the call needs failed (502), or took too long (504)."""

    def __init__(self, error: http.Unavailable) -> None:
        super().__init__(str(error))
        self.status_code = 504 if error.timed_out else 502


def handle(error: Exception, context: dict[str, Any]) -> Response | None:
    """Answer ``{"error": reason}``, or ``{field: [reasons]}`` for fields that are wrong."""
    if isinstance(error, http.Unavailable):
        error = UpstreamFailed(error)
    elif isinstance(error, http.Busy):
        error = exceptions.Throttled(wait=1, detail="too many requests wait for outside services")
    elif isinstance(error, (ObjectDoesNotExist, DatabaseError, InterfaceError)):
        error = _explain(error, context["request"])
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


def _explain(error: Exception, request: Request) -> Exception:
    """Return what a client can make something of, if ``error`` is no mistake of ours.

    An account or a device can be removed while its own request is under way: whatever row or
    reference that request then misses, it is the same as if it had come a moment later.
    """
    try:
        # As the request has them: asking for ``request.user`` would authenticate once more.
        if any(_is_removed(getattr(request, name, None)) for name in ("_user", "_auth")):
            return Removed()
    except (DatabaseError, InterfaceError):
        logger.exception("the database does not answer")
        return DatabaseAway()
    if isinstance(error, (OperationalError, InterfaceError)):
        logger.error("the database could not serve a request", exc_info=error)
        return DatabaseAway()
    return error


def _is_removed(row: object) -> bool:
    return isinstance(row, Model) and not type(row)._base_manager.filter(pk=row.pk).exists()


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
