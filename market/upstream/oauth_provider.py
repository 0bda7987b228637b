"""Providers of accounts that skills act on: Spotify and the like.

OAuth 2.0 (RFC 6749) with an authorization code and PKCE (RFC 7636), revocation by RFC 7009. Where
they are is what the operator wrote into the credential.
"""

import logging
from dataclasses import dataclass
from typing import Any
from urllib.parse import parse_qsl, quote, quote_plus, urlencode, urlsplit, urlunsplit

import orjson
from django.conf import settings

from accounts.upstream import http
from market import secret_values
from market.models import ClientAuthentication, OAuthCredential

logger = logging.getLogger(__name__)

TokenAnswer = dict[str, Any]

GONE = "invalid_grant"
LIMIT_BYTES = 65_536


class Refused(Exception):
    """The provider gives no token for this code or refresh token, and never will."""


@dataclass(frozen=True)
class Revocation:
    """All that telling a provider to forget a token takes: its rows are gone by then."""

    name: str
    uri: str
    fields: dict[str, str]
    auth: tuple[str, str] | None


def redirect_uri() -> str:
    """Return where providers send people back to; an operator registers it with each."""
    return f"{settings.API_BASE_URL}/v1/auth/callback"


def authorization_url(credential: OAuthCredential, state: str, challenge: str) -> str:
    """Return the page on which a person lets the credential act for them."""
    parts = urlsplit(credential.authorization_uri)
    query = {
        **dict(parse_qsl(parts.query, keep_blank_values=True)),
        "response_type": "code",
        "client_id": credential.client_id,
        "redirect_uri": redirect_uri(),
        "state": state,
        "code_challenge": challenge,
        "code_challenge_method": "S256",
    }
    if credential.scope:
        query["scope"] = credential.scope
    return urlunsplit(parts._replace(query=urlencode(query, quote_via=quote)))


def exchange(credential: OAuthCredential, code: str, verifier: str) -> TokenAnswer:
    """Return what the provider gives for ``code``.

    Raises:
        Refused: it does not take the code.
        http.Unavailable, http.Busy: it did not answer, or makes no sense.
    """
    fields = {"grant_type": "authorization_code", "code": code, "redirect_uri": redirect_uri()}
    return _token(credential, fields | {"code_verifier": verifier})


def refresh(credential: OAuthCredential, refresh_token: str) -> TokenAnswer:
    """Return a fresh token for ``refresh_token``.

    Raises:
        Refused: it is good no more; the person must connect anew.
        http.Unavailable, http.Busy: it did not answer, or makes no sense.
    """
    return _token(credential, {"grant_type": "refresh_token", "refresh_token": refresh_token})


def revocation(credential: OAuthCredential, answer: TokenAnswer) -> Revocation | None:
    """Return how to have the provider forget ``answer``, None if it offers no way."""
    token = answer.get("refresh_token") or answer.get("access_token")
    if not credential.revoke_uri or not isinstance(token, str):
        return None
    fields, auth = _client(credential)
    return Revocation(credential.name, credential.revoke_uri, fields | {"token": token}, auth)


def revoke(revocation: Revocation) -> None:
    """Have the provider forget a token.

    Raises:
        http.Unavailable, http.Busy: it did not answer, or not as it should.
    """
    answer = http.call(
        revocation.name, "POST", revocation.uri, data=revocation.fields, auth=revocation.auth
    )
    if answer.status >= 300:
        raise http.Unavailable(revocation.name)


def _token(credential: OAuthCredential, fields: dict[str, str]) -> TokenAnswer:
    client, auth = _client(credential)
    answer = http.call(
        credential.name,
        "POST",
        credential.token_uri,
        data=fields | client,
        auth=auth,
        # GitHub, for one, answers a form to whoever does not ask for JSON.
        headers={"Accept": "application/json"},
        limit_bytes=LIMIT_BYTES,
    )
    given = _parse(credential.name, answer)
    token = given.get("access_token")
    if answer.status == 200 and isinstance(token, str) and token:
        return given
    # GitHub says what is wrong with a code in a 200.
    if given.get("error") == GONE or (answer.status == 200 and given.get("error")):
        raise Refused
    logger.warning(
        "%s gives no token: %d %.100r", credential.name, answer.status, given.get("error")
    )
    raise http.Unavailable(credential.name)


def _client(credential: OAuthCredential) -> tuple[dict[str, str], tuple[str, str] | None]:
    """Return how the credential shows who it is: form fields, and name and password."""
    secret = secret_values.decrypt_text(credential.encrypted_client_secret)
    if not secret:
        return {"client_id": credential.client_id}, None
    if credential.client_authentication == ClientAuthentication.BODY:
        return {"client_id": credential.client_id, "client_secret": secret}, None
    # RFC 6749 has both encoded as in a form before they are put together.
    return {}, (quote_plus(credential.client_id), quote_plus(secret))


def _parse(name: str, answer: http.Answer) -> TokenAnswer:
    try:
        given = orjson.loads(answer.content)
        orjson.dumps(given)  # reads deeper than it writes, and what is kept is written
    except (orjson.JSONDecodeError, orjson.JSONEncodeError) as error:
        raise http.Unavailable(name) from error
    if not isinstance(given, dict):
        raise http.Unavailable(name)
    return given
