"""Recognising a signed-in account by its cookies, or a program by its access token."""

from typing import cast

from rest_framework.authentication import BaseAuthentication, get_authorization_header
from rest_framework.exceptions import AuthenticationFailed
from rest_framework.request import Request

from accounts import client, cookies, sessions
from accounts.models import Account, SignInSession


class AccountRequest(Request):
    """The request of a view that only signed-in accounts reach, for its type hints alone."""

    user: Account
    auth: SignInSession


class AccountAuthentication(BaseAuthentication):
    """``request.user`` becomes the account and ``request.auth`` its session.

    An expired access cookie is renewed on the way, if the refresh cookie is good: the new tokens
    wait on the request for ``AccountCookies`` to set them on whatever the answer will be.
    """

    def authenticate(self, request: Request) -> tuple[Account, SignInSession] | None:
        try:
            session = self._session(request)
        except sessions.NotRecognised as error:
            raise AuthenticationFailed(str(error)) from error
        return None if session is None else (session.account, session)

    def authenticate_header(self, request: Request) -> str:
        return "Bearer"

    def _session(self, request: Request) -> SignInSession | None:
        keyword, _, bearer = get_authorization_header(request).decode("latin-1").partition(" ")
        if keyword.lower() == "bearer":
            return sessions.recognise(bearer.strip())
        browser_request = cast(cookies.BrowserRequest, request._request)
        try:
            return self._session_of_cookies(browser_request)
        except sessions.SessionEnded:
            browser_request.is_signed_out = True
            raise

    def _session_of_cookies(self, request: cookies.BrowserRequest) -> SignInSession | None:
        access = request.COOKIES.get(cookies.ACCESS, "")
        refresh = request.COOKIES.get(cookies.REFRESH, "")
        try:
            if access:
                return sessions.recognise(access)
        except sessions.AccessExpired:
            if not refresh:
                raise
        return self._exchange(request, refresh) if refresh else None

    def _exchange(self, request: cookies.BrowserRequest, refresh: str) -> SignInSession:
        session, request.new_tokens = sessions.exchange(
            refresh,
            arrived_at=request.arrived_at,
            from_page=cookies.is_from_our_page(request),
            address=client.address(request),
        )
        return session


class OptionalAccountAuthentication(AccountAuthentication):
    """For calls that serve anyone: whoever has worthless credentials is nobody, not refused."""

    def authenticate(self, request: Request) -> tuple[Account, SignInSession] | None:
        try:
            return super().authenticate(request)
        except AuthenticationFailed:
            return None
