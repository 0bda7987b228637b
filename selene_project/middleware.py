"""What is refused before any view looks at it."""

from collections.abc import Callable

from django.conf import settings
from django.http import HttpRequest, HttpResponse, JsonResponse

# Selene UI's page hangs without an answer from these, so they take whatever was typed.
TAKE_ANYTHING = ("/api/pairing-code/", "/api/ssh-key")
DRAIN_LIMIT = 8_000_000  # bytes
DRAIN_CHUNK = 65_536


class RequestLimits:
    """Refuse bodies over the limit or of unknown length, and NUL in paths and queries."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        if _has_nul(request) and not request.path_info.startswith(TAKE_ANYTHING):
            return JsonResponse({"error": "NUL characters are not allowed"}, status=400)
        if "HTTP_TRANSFER_ENCODING" in request.META:
            # Django reads as many bytes as the length says, and would take the body for empty.
            return JsonResponse({"error": "Content-Length is required"}, status=411)
        length = request.META.get("CONTENT_LENGTH") or "0"
        if not (length.isascii() and length.isdigit()):
            return JsonResponse({"error": "Content-Length is not a number"}, status=400)
        if int(length) > body_limit(request.path_info):
            _drain(request, int(length))
            return JsonResponse({"error": "request body too large"}, status=413)
        return self.get_response(request)


def _has_nul(request: HttpRequest) -> bool:
    return "\x00" in request.path_info or "%00" in request.META.get("QUERY_STRING", "")


def body_limit(path: str) -> int:
    """Return how many bytes the body of a request for ``path`` may have."""
    return settings.LONGER_BODIES.get(path, settings.MAX_BODY_BYTES)


def _drain(request: HttpRequest, length: int) -> None:
    """Read the body and forget it: a client still sending when we close never reads the answer."""
    left = min(length, DRAIN_LIMIT)
    while left > 0 and (chunk := request.read(min(DRAIN_CHUNK, left))):
        left -= len(chunk)
