"""The pages of the server itself: what it is, and whether it is well."""

from urllib.parse import urlsplit

from django.conf import settings
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import render
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe

from operations import health


@require_safe
@never_cache
def livez(request: HttpRequest) -> HttpResponse:
    """GET /livez: this process answers. Depends on nothing."""
    return JsonResponse({"status": "ok"})


@require_safe
@never_cache
def readyz(request: HttpRequest) -> HttpResponse:
    """GET /readyz: what this process depends on answers too, else 503 and its names."""
    if down := health.down():
        return JsonResponse({"status": "unavailable", "down": down}, status=503)
    return JsonResponse({"status": "ok"})


@require_safe
@never_cache
def home(request: HttpRequest) -> HttpResponse:
    """GET /: what this is and how to pair a device."""
    url = f"{request.scheme}://{request.get_host()}"
    context = {
        "url": url,
        "is_here": urlsplit(url).hostname in {"localhost", "127.0.0.1", "::1"},
        "has_admin": "admin" in settings.SELENE_APIS,
        "down": health.down(),
    }
    return render(request, "operations/home.html", context)
