"""A service that keeps the OAuth tokens of skills in this server's place (``OAUTH_BASE_URL``).

Its calls, as the first Selene made them: ``/auth/<id>/auth_url?uuid=<account id>``,
``/auth/<id>/token?uuid=<account id>`` and ``/auth/callback?code=..&state=..``.
"""

from collections.abc import Callable
from urllib.parse import parse_qsl, quote
from uuid import UUID

import orjson
from django.conf import settings

from accounts.upstream import http

Ask = Callable[[str, UUID], object]

NAME = "OAuth service"
ABOVE = {".", ".."}


class Unknown(Exception):
    """The service knows no such credential, or no token of this account."""


def is_configured() -> bool:
    """Tell whether such a service is to be asked."""
    return bool(settings.OAUTH_BASE_URL)


def authorization(reference: str, account_id: UUID) -> object:
    """Return what the service says of the credential: ``{"hasToken", "url"}``.

    Raises:
        Unknown, http.Unavailable, http.Busy
    """
    return _get(reference, "auth_url", account_id)


def token(reference: str, account_id: UUID) -> object:
    """Return the token of the account.

    Raises:
        Unknown, http.Unavailable, http.Busy
    """
    return _get(reference, "token", account_id)


def call_back(query: str) -> http.Answer:
    """Hand on the query that the provider sent a person back with.

    Raises:
        http.Unavailable, http.Busy
    """
    parameters = parse_qsl(query, keep_blank_values=True, errors="replace")
    url = f"{settings.OAUTH_BASE_URL}/auth/callback"
    answer = http.call(NAME, "GET", url, params=parameters)
    if answer.status >= 500 or 300 <= answer.status < 400:
        raise http.Unavailable(NAME)
    return answer


def _get(reference: str, what: str, account_id: UUID) -> object:
    if reference in ABOVE:  # a path that would leave the base
        raise Unknown
    url = f"{settings.OAUTH_BASE_URL}/auth/{quote(reference, safe='')}/{what}"
    answer = http.call(NAME, "GET", url, params={"uuid": str(account_id)})
    if answer.status == 404:
        raise Unknown
    if answer.status != 200:
        raise http.Unavailable(NAME)
    try:
        said = orjson.loads(answer.content)
        orjson.dumps(said)  # reads deeper than it writes, and it is to be told
    except (orjson.JSONDecodeError, orjson.JSONEncodeError) as error:
        raise http.Unavailable(NAME) from error
    return said
