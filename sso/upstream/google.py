"""Google's check of tokens, https://developers.google.com/identity/openid-connect/reference."""

from typing import Any

from django.conf import settings
from django.utils import timezone

from accounts.upstream import http
from sso.upstream import identities
from sso.upstream.identities import Identity, Refused

PLATFORM, PROVIDER = "Google", "google"


def identify(token: str) -> Identity:
    """Return whose ``token`` (an ID token or an access token) it is.

    Raises:
        NotConfigured: the operator gave no client id.
        Refused: expired, forged, or issued to another app.
        Busy, Unavailable: Google could not be asked.
    """
    return identity_of(claims(token))


def claims(token: str) -> dict[str, Any]:
    """Return what Google says of ``token``, which was issued to this installation.

    Raises:
        As ``identify``.
    """
    identities.require("GOOGLE_CLIENT_ID")
    identities.require_token(token)
    kind = "id_token" if token.startswith("eyJ") and token.count(".") == 2 else "access_token"
    # Google takes GET, too, but an address gets into logs on its way.
    answer = http.call(
        PLATFORM,
        "POST",
        f"{settings.GOOGLE_OAUTH_URL}/tokeninfo",
        data={kind: token},
        limit_bytes=identities.LIMIT_BYTES,
    )
    if answer.status in (400, 401, 403):
        raise Refused("Google does not accept the token")
    found = identities.read_object(PLATFORM, answer)
    if found.get("aud") != settings.GOOGLE_CLIENT_ID:
        raise Refused("token was issued to another app")
    if _is_past(found.get("exp")):
        raise Refused("Google does not accept the token")
    return found


def identity_of(found: dict[str, Any]) -> Identity:
    """Return whom the claims ``found`` are about."""
    # A word or a boolean, by the kind of token.
    is_verified = str(found.get("email_verified")).lower() == "true"
    email = found.get("email") if is_verified else None
    return identities.identify(PROVIDER, found.get("sub"), email)


def _is_past(seconds: object) -> bool:
    try:
        return int(str(seconds)) <= timezone.now().timestamp()
    except ValueError:  # Google left it out
        return False
