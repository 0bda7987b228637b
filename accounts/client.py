"""Where a request comes from."""

from ipaddress import ip_address

from django.conf import settings
from django.http import HttpRequest


def address(request: HttpRequest) -> str | None:
    """Return the client's address, as far as our own proxies vouch for it.

    With ``SELENE_PROXIES`` = n the n-th entry of X-Forwarded-For from the right; what stands left
    of it is the client's word. None if there is none, as behind a Unix socket.
    """
    forwarded = [part.strip() for part in request.headers.get("X-Forwarded-For", "").split(",")]
    claimed = request.META.get("REMOTE_ADDR", "")
    if settings.PROXIES and forwarded[0]:
        claimed = forwarded[-min(settings.PROXIES, len(forwarded))]
    try:
        return str(ip_address(claimed))
    except ValueError:
        return None
