"""The pages of the server itself: what it is, and whether it is well."""

from urllib.parse import urlsplit

from django.conf import settings
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import render
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe

from operations import health, serving
from operations import metrics as prometheus

ACCOUNT_SIDE = {"sso", "account", "market"}
LOCAL_NAMES = {"localhost", "127.0.0.1", "::1"}


@require_safe
@never_cache
def livez(request: HttpRequest) -> HttpResponse:
    """GET /livez: this process answers. Depends on nothing."""
    return JsonResponse({"status": "ok"})


@require_safe
@never_cache
def readyz(request: HttpRequest) -> HttpResponse:
    """GET /readyz: this process wants requests, and what it depends on answers; else 503."""
    if request.META.get("selene.is_ending"):  # the worker says so
        return JsonResponse({"status": "ending"}, status=503)
    if down := health.down():
        return JsonResponse({"status": "unavailable", "down": down}, status=503)
    return JsonResponse({"status": "ok"})


@require_safe
@never_cache
def metrics(request: HttpRequest) -> HttpResponse:
    """GET /metrics: what Prometheus reads, if it may."""
    if not prometheus.may_read(request):
        return JsonResponse({"error": "no token or address that may read metrics"}, status=403)
    content_type = prometheus.CONTENT_TYPE
    return HttpResponse(prometheus.render(), content_type=content_type)


@require_safe
@never_cache
def home(request: HttpRequest) -> HttpResponse:
    """GET /: what this is and how to pair a device."""
    url = _url_for_devices(request)
    context = {
        "url": url,
        "is_local_name": urlsplit(url).hostname in LOCAL_NAMES,
        "has_admin": "admin" in settings.SELENE_APIS,
        "has_account_side": not ACCOUNT_SIDE.isdisjoint(settings.SELENE_APIS),
        "has_device_side": "device" in settings.SELENE_APIS,
        "down": health.down(),
    }
    return render(request, "operations/home.html", context)


def _url_for_devices(request: HttpRequest) -> str:
    """Return this server's URL as other machines know it, as far as that can be told."""
    url = f"{request.scheme}://{request.get_host()}"
    if urlsplit(url).hostname in LOCAL_NAMES and settings.BIND in serving.ANY_ADDRESS:
        address = serving.address_at_home()
        if address:
            return f"{request.scheme}://{address}:{request.get_port()}"
    return url
