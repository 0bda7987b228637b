"""The way through a platform's own pages: social-core's authorization code flow, with our rules.

1. ``start`` sends a person to the platform with a state, which the browser's session keeps, the
   challenge of a PKCE verifier where the platform knows PKCE, and for Google a nonce.
2. ``complete`` takes the person back: social-core checks the state, once, and exchanges the code
   for a token.
3. The token goes the way of any other: its platform's module checks it, and
   ``federated.recognise`` finds the account.

All calls go through ``accounts.upstream.http``, with its limits; no token is kept.
"""

import time
from collections.abc import Mapping
from typing import Any, cast

import requests
from django.conf import settings
from django.http import HttpRequest, HttpResponse
from social_core.backends.base import BaseAuth
from social_core.backends.oauth import BaseOAuth2PKCE
from social_core.exceptions import (
    AuthCanceled,
    AuthCredentialError,
    AuthInputError,
    AuthSessionError,
    SocialAuthBaseException,
)
from social_django.models import DjangoStorage, Nonce
from social_django.strategy import DjangoStrategy

from accounts import client
from accounts.models import Account
from accounts.upstream import http
from sso import federated
from sso.upstream import facebook, github, google, identities
from sso.upstream.identities import Identity, Refused

PIPELINE = ["sso.social.recognise"]


class Canceled(Exception):
    """The person did not go on at the platform."""


class NotOurs(Exception):
    """The person comes back from a way that did not begin in this browser, or did long ago."""


class Strategy(DjangoStrategy):
    """social-core's view of this project."""

    def get_pipeline(self, backend: BaseAuth | None = None) -> list[str]:
        return PIPELINE

    def build_absolute_uri(self, path: str | None = None) -> str:
        # Not of the request's Host, which is the client's word.
        return f"{settings.SSO_BASE_URL}{path}"

    def authenticate(self, backend: BaseAuth, *_: object, **context: Any) -> Any:  # noqa: ANN401
        # Not by Django's list of backends: those are for passwords, and count failures.
        context |= {"strategy": self, "storage": self.storage, "backend": backend}
        return backend.authenticate(self.request, **context)


class Platform(BaseOAuth2PKCE):
    """What the three have in common."""

    title: str
    REDIRECT_STATE = False
    CREDENTIALS: tuple[str, str]  # the settings that hold client id and secret

    def get_key_and_secret(self) -> tuple[str, str]:
        identities.require(*self.CREDENTIALS)
        key, secret = (getattr(settings, name) for name in self.CREDENTIALS)
        return key, secret

    def request(  # type: ignore[override] # what ours does not need, ours does not take
        self,
        url: str,
        *,
        method: str = "GET",
        headers: Mapping[str, str] | None = None,
        data: Mapping[str, str] | None = None,
        **_: object,
    ) -> requests.Response:
        answer = http.call(
            self.title,
            method,
            url,
            data=data,
            headers=headers,
            limit_bytes=identities.LIMIT_BYTES,
        )
        if answer.status in (400, 401, 403):
            raise Refused(f"{self.title} does not accept the code")
        if answer.status != 200:
            raise http.Unavailable(self.title)
        response = requests.Response()
        response.status_code, response._content = answer.status, answer.content
        return response

    def user_data(self, access_token: str, *_: object, **context: Any) -> dict[str, Any]:  # noqa: ANN401
        return {"identity": self.identify(access_token, context.get("response") or {})}

    def identify(self, token: str, answer: dict[str, Any]) -> Identity:
        """Return whose ``token`` it is, which came with the platform's whole ``answer``."""
        raise NotImplementedError


class Google(Platform):
    """https://developers.google.com/identity/openid-connect/openid-connect"""

    name, title = google.PROVIDER, google.PLATFORM
    CREDENTIALS = ("GOOGLE_CLIENT_ID", "GOOGLE_CLIENT_SECRET")
    DEFAULT_SCOPE = ["openid", "email"]

    def authorization_url(self) -> str:
        return f"{settings.GOOGLE_ACCOUNTS_URL}/o/oauth2/v2/auth"

    def access_token_url(self) -> str:
        return f"{settings.GOOGLE_OAUTH_URL}/token"

    def auth_params(self, state: str | None = None) -> dict[str, str]:
        params = super().auth_params(state)
        key, nonce = self.transaction_key(str(state)), self.strategy.random_string(32)
        self.strategy.session_set(key, self.strategy.session_get(key) | {"nonce": nonce})
        return params | {"nonce": nonce}

    def identify(self, token: str, answer: dict[str, Any]) -> Identity:
        claims = google.claims(str(answer.get("id_token") or ""))
        if claims.get("nonce") != (self._oauth2_transaction or {}).get("nonce"):
            raise NotOurs
        return google.identity_of(claims)


class Facebook(Platform):
    """https://developers.facebook.com/docs/facebook-login/guides/advanced/manual-flow"""

    name, title = facebook.PROVIDER, facebook.PLATFORM
    CREDENTIALS = ("FACEBOOK_APP_ID", "FACEBOOK_APP_SECRET")
    DEFAULT_SCOPE = ["email"]
    DEFAULT_USE_PKCE = False  # not in this flow of Facebook's

    def authorization_url(self) -> str:
        return f"{settings.FACEBOOK_URL}/dialog/oauth"

    def access_token_url(self) -> str:
        return f"{settings.FACEBOOK_GRAPH_URL}/oauth/access_token"

    def identify(self, token: str, answer: dict[str, Any]) -> Identity:
        return facebook.identify(token)


class GitHub(Platform):
    """https://docs.github.com/en/apps/oauth-apps/building-oauth-apps/authorizing-oauth-apps"""

    name, title = github.PROVIDER, github.PLATFORM
    CREDENTIALS = ("GITHUB_CLIENT_ID", "GITHUB_CLIENT_SECRET")
    DEFAULT_SCOPE = ["user:email"]

    def authorization_url(self) -> str:
        return f"{settings.GITHUB_URL}/login/oauth/authorize"

    def access_token_url(self) -> str:
        return f"{settings.GITHUB_URL}/login/oauth/access_token"

    def identify(self, token: str, answer: dict[str, Any]) -> Identity:
        return github.identify(token)


PLATFORMS: dict[str, type[Platform]] = {each.name: each for each in (Google, Facebook, GitHub)}


def recognise(strategy: Strategy, response: dict[str, Any], **_: object) -> dict[str, Account]:
    """Find the account: the one step of social-core's pipeline."""
    address = client.address(strategy.request) if strategy.request else None
    return {"user": federated.recognise(response["identity"], address=address)}


def start(request: HttpRequest, provider: str, *, back_to: str) -> HttpResponse:
    """Send the person to ``provider``, which sends them to the path ``back_to``.

    Raises:
        NotConfigured: the operator gave no id, or no secret.
    """
    return _platform(request, provider, back_to).start()


def complete(request: HttpRequest, provider: str, *, back_to: str) -> Account:
    """Return the account of the person whom ``provider`` sent back to the path ``back_to``.

    Raises:
        Canceled, NotOurs, NoAccount, Refused: nobody is signed in.
        NotConfigured, Busy, Unavailable: it could not be found out.
    """
    platform = _platform(request, provider, back_to)
    try:
        return cast(Account, platform.complete())
    except AuthCanceled as error:
        raise Canceled from error
    except (AuthInputError, AuthSessionError) as error:
        raise NotOurs from error
    except AuthCredentialError as error:
        raise Refused(f"{platform.title} does not accept the code") from error
    except SocialAuthBaseException as error:
        raise http.Unavailable(PLATFORMS[provider].title) from error


def purge() -> int:
    """Delete the states of ways that were begun and not gone to their end; return how many."""
    limit = int(time.time()) - Platform.STATE_LIFETIME
    return Nonce.objects.filter(timestamp__lt=limit).delete()[0]


def _platform(request: HttpRequest, provider: str, back_to: str) -> Platform:
    return PLATFORMS[provider](Strategy(DjangoStorage, request), redirect_uri=back_to)
