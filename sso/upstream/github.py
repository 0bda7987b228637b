"""GitHub's tokens: their check (REST API 2022-11-28) and the exchange of a code for one.

https://docs.github.com/en/rest/apps/oauth-applications#check-a-token
https://docs.github.com/en/apps/oauth-apps/building-oauth-apps/authorizing-oauth-apps
"""

from django.conf import settings

from accounts.upstream import http
from sso.upstream import identities
from sso.upstream.identities import Identity, Refused

PLATFORM, PROVIDER = "GitHub", "github"
HEADERS = {"Accept": "application/vnd.github+json", "X-GitHub-Api-Version": "2022-11-28"}


def identify(token: str) -> Identity:
    """Return whose access token ``token`` is.

    Raises:
        NotConfigured: the operator gave no client id, or no secret.
        Refused: revoked, forged, or issued to another app.
        Busy, Unavailable: GitHub could not be asked.
    """
    _require()
    identities.require_token(token)
    subject = _check(token)
    return identities.identify(PROVIDER, subject, _verified_address(token))


def exchange(code: str, state: str) -> str:
    """Return the access token that GitHub gives for ``code``.

    Raises:
        NotConfigured: the operator gave no client id, or no secret.
        Refused: the code is not good, or was used.
        Busy, Unavailable: GitHub could not be asked.
    """
    _require()
    answer = http.call(
        PLATFORM,
        "POST",
        f"{settings.GITHUB_URL}/login/oauth/access_token",
        data={
            "client_id": settings.GITHUB_CLIENT_ID,
            "client_secret": settings.GITHUB_CLIENT_SECRET,
            "code": code,
            "state": state,
        },
        headers={"Accept": "application/json"},
        limit_bytes=identities.LIMIT_BYTES,
    )
    found = identities.read_object(PLATFORM, answer)
    # GitHub answers 200 to a bad code, too.
    if found.get("error") == "bad_verification_code":
        raise Refused("GitHub does not accept the code")
    token = found.get("access_token")
    if not isinstance(token, str) or not token:
        raise http.Unavailable(PLATFORM)
    return token


def _require() -> None:
    identities.require("GITHUB_CLIENT_ID", "GITHUB_CLIENT_SECRET")


def _check(token: str) -> object:
    """Return the id of the person that ``token`` is of."""
    answer = http.call(
        PLATFORM,
        "POST",
        f"{settings.GITHUB_API_URL}/applications/{settings.GITHUB_CLIENT_ID}/token",
        json={"access_token": token},
        auth=(settings.GITHUB_CLIENT_ID, settings.GITHUB_CLIENT_SECRET),
        headers=HEADERS,
        limit_bytes=identities.LIMIT_BYTES,
    )
    # One answer for tokens that are no more, never were, or are another app's.
    if answer.status in (404, 422):
        raise Refused("GitHub does not accept the token, or it was issued to another app")
    found = identities.read_object(PLATFORM, answer)
    app, person = found.get("app"), found.get("user")
    if isinstance(app, dict) and app.get("client_id") not in (None, settings.GITHUB_CLIENT_ID):
        raise Refused("token was issued to another app")
    return person.get("id") if isinstance(person, dict) else None


def _verified_address(token: str) -> str | None:
    """Return the person's primary address if it is verified."""
    answer = http.call(
        PLATFORM,
        "GET",
        f"{settings.GITHUB_API_URL}/user/emails",
        headers=HEADERS | {"Authorization": f"Bearer {token}"},
        limit_bytes=identities.LIMIT_BYTES,
    )
    if answer.status in (403, 404):  # the person did not let us see addresses
        return None
    if answer.status == 401:
        raise Refused("GitHub does not accept the token, or it was issued to another app")
    addresses = identities.read(PLATFORM, answer)
    if not isinstance(addresses, list):
        raise http.Unavailable(PLATFORM)
    for each in addresses:
        if isinstance(each, dict) and each.get("primary") is True and each.get("verified") is True:
            return each.get("email")
    return None
