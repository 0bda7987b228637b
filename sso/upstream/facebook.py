"""Facebook's check of tokens, by its Graph API.

https://developers.facebook.com/docs/facebook-login/guides/access-tokens/debugging
"""

import hashlib
import hmac
import logging
from typing import Any

from django.conf import settings

from accounts.upstream import http
from sso.upstream import identities
from sso.upstream.identities import Identity, Refused

PLATFORM, PROVIDER = "Facebook", "facebook"

logger = logging.getLogger(__name__)


def identify(token: str) -> Identity:
    """Return whose access token ``token`` is.

    Raises:
        NotConfigured: the operator gave no app id, or no secret.
        Refused: expired, forged, or issued to another app.
        Busy, Unavailable: Facebook could not be asked.
    """
    identities.require("FACEBOOK_APP_ID", "FACEBOOK_APP_SECRET")
    identities.require_token(token)
    subject = _check(token)
    person = _ask_about_person(token)
    if str(person.get("id")) != str(subject):
        raise Refused("token is not of a person")
    # Facebook shows an address only once it is confirmed.
    return identities.identify(PROVIDER, subject, person.get("email"))


def _check(token: str) -> object:
    """Return the id of the person that ``token`` is of."""
    app_token = f"{settings.FACEBOOK_APP_ID}|{settings.FACEBOOK_APP_SECRET}"
    found = _ask("/debug_token", app_token, {"input_token": token}).get("data")
    if not isinstance(found, dict):
        raise http.Unavailable(PLATFORM)
    if found.get("is_valid") is not True:
        raise Refused("Facebook does not accept the token")
    if str(found.get("app_id")) != settings.FACEBOOK_APP_ID:
        raise Refused("token was issued to another app")
    return found.get("user_id")


def _ask_about_person(token: str) -> dict[str, Any]:
    # Shows that whoever asks has the app's secret, too, which the operator can make a condition.
    proof = hmac.new(settings.FACEBOOK_APP_SECRET.encode(), token.encode(), hashlib.sha256)
    params = {"fields": "id,email", "appsecret_proof": proof.hexdigest()}
    return _ask("/me", token, params)


def _ask(path: str, bearer: str, params: dict[str, str]) -> dict[str, Any]:
    answer = http.call(
        PLATFORM,
        "GET",
        f"{settings.FACEBOOK_GRAPH_URL}{path}",
        params=params,
        headers={"Authorization": f"Bearer {bearer}"},
        limit_bytes=identities.LIMIT_BYTES,
    )
    if answer.status in (400, 401, 403):
        # Facebook says the same of an app id or secret that is wrong.
        logger.warning("Facebook answered %d to %s", answer.status, path)
        raise Refused("Facebook does not accept the token")
    return identities.read_object(PLATFORM, answer)
