"""The cookies of a signed-in account: what they hold, when they are set, whom they serve."""

from collections.abc import Callable
from datetime import UTC, datetime
from urllib.parse import urlsplit

from django.conf import settings
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.utils import timezone

from accounts.sessions import Tokens
from accounts.tokens import AccessToken, RefreshToken

ACCESS = "seleneAccess"
REFRESH = "seleneRefresh"
# Selene UI looks for the text "seleneRefresh" among the cookies that scripts can read.
PRESENT = "seleneRefreshPresent"
SAFE_METHODS = {"GET", "HEAD", "OPTIONS", "TRACE"}


class BrowserRequest(HttpRequest):
    """What ``AccountCookies`` makes of a request, for its type hints alone."""

    arrived_at: datetime
    new_tokens: Tokens | None
    is_signed_out: bool  # the refresh cookie is worthless


class AccountCookies:
    """Refuses changes that another site asks for; sets renewed tokens on the answer.

    Worthless cookies are deleted: as long as they are there, Selene UI believes in a login.
    """

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: BrowserRequest) -> HttpResponse:
        request.arrived_at = _arrival(request)
        request.new_tokens = None
        request.is_signed_out = False
        if request.method not in SAFE_METHODS and is_from_another_site(request):
            return JsonResponse({"error": "request comes from another site"}, status=403)
        response = self.get_response(request)
        if request.new_tokens and ACCESS not in response.cookies:
            write(response, request, request.new_tokens)
        elif request.is_signed_out:
            delete(response)
        return response


def _arrival(request: HttpRequest) -> datetime:
    """Return when the server got ``request``: it may have waited for a thread since."""
    seconds = request.META.get("selene.arrived_at")
    return timezone.now() if seconds is None else datetime.fromtimestamp(seconds, UTC)


def is_from_another_site(request: HttpRequest) -> bool:
    """Tell whether a browser lent its cookies to a page that is not ours."""
    if ACCESS not in request.COOKIES and REFRESH not in request.COOKIES:
        return False
    if request.headers.get("Sec-Fetch-Site") == "cross-site":
        return True
    origin = request.headers.get("Origin")
    if origin is None or origin in settings.TRUSTED_ORIGINS:
        return False
    return not _is_of_this_host(origin, request)


def is_from_our_page(request: HttpRequest) -> bool:
    """Tell whether a page of this host sent the request, by the browser's word.

    Over plain http browsers send no Sec-Fetch-Site; what they always send is the page's address.
    """
    site = request.headers.get("Sec-Fetch-Site")
    if site is not None:
        return site == "same-origin"
    return _is_of_this_host(request.headers.get("Referer", ""), request)


def _is_of_this_host(url: str, request: HttpRequest) -> bool:
    try:
        return urlsplit(url).netloc.lower() == request.get_host().lower()
    except ValueError:  # an address that is none
        return False


def write(response: HttpResponse, request: HttpRequest, tokens: Tokens) -> None:
    """Set the cookies that hold ``tokens``."""
    _set(response, request, ACCESS, tokens.access, AccessToken.lifetime.total_seconds())
    if tokens.refresh:
        lifetime = RefreshToken.lifetime.total_seconds()
        _set(response, request, REFRESH, tokens.refresh, lifetime)
        _set(response, request, PRESENT, "1", lifetime, httponly=False)


def delete(response: HttpResponse) -> None:
    """Delete the cookies, the readable one too."""
    for name in (ACCESS, REFRESH, PRESENT):
        response.delete_cookie(name, domain=settings.COOKIE_DOMAIN, samesite="Lax")


def _set(
    response: HttpResponse,
    request: HttpRequest,
    name: str,
    value: str,
    seconds: float,
    *,
    httponly: bool = True,
) -> None:
    response.set_cookie(
        name,
        value,
        max_age=int(seconds),
        domain=settings.COOKIE_DOMAIN,
        secure=settings.IS_HTTPS or request.is_secure(),
        httponly=httponly,
        samesite="Lax",
    )
