"""Connecting skills to people's accounts elsewhere: for their owners, providers and devices."""

from django.conf import settings
from django.http import Http404, HttpResponse
from django.shortcuts import render
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter, OpenApiResponse, extend_schema
from rest_framework.permissions import AllowAny
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from accounts.authentication import AccountRequest, OptionalAccountAuthentication
from accounts.models import Account
from accounts.openapi import UPSTREAM
from accounts.throttles import ScopedThrottle
from accounts.upstream import http
from devices.authentication import DeviceRequest, DeviceTokenAuthentication
from market import oauth, serializers
from market.models import OAuthCredential
from market.upstream import oauth_broker

PAGE = OpenApiResponse(OpenApiTypes.STR, description="A page that says how it went.")
LAPSED = "This link was used already, or lapsed. Open the settings of the skill to connect anew."
NOT_CONNECTED = "not connected: connect the skill on its settings page"


class OAuthView(APIView):
    """GET /api/skills/oauth/<id>: whether a skill is connected, and where to connect it."""

    throttle_classes = (ScopedThrottle,)
    throttle_scope = "oauth"

    @extend_schema(responses={200: serializers.AuthorizationSerializer} | UPSTREAM)
    def get(self, request: AccountRequest, reference: str) -> Response:
        if oauth_broker.is_configured():
            return Response(_ask_broker(oauth_broker.authorization, reference, request.user))
        credential = _credential(reference)
        return Response(
            {
                "hasToken": oauth.is_connected(request.user, credential),
                "url": oauth.begin(request.user, credential),
            }
        )


class TokenView(APIView):
    """GET /v1/device/D/token/<credential id>: the token with which a skill acts for its owner."""

    authentication_classes = (DeviceTokenAuthentication,)
    throttle_classes = (ScopedThrottle,)
    throttle_scope = "oauth"

    @extend_schema(responses={200: OpenApiTypes.OBJECT} | UPSTREAM)
    def get(self, request: DeviceRequest, device_id: str, reference: str) -> Response:
        if oauth_broker.is_configured():
            return Response(_ask_broker(oauth_broker.token, reference, request.user))
        try:
            return Response(oauth.access_token(request.user, _credential(reference)))
        except oauth.NoToken as error:
            raise Http404(NOT_CONNECTED) from error


class CallbackView(APIView):
    """GET /v1/auth/callback: a provider sends a person back."""

    authentication_classes = (OptionalAccountAuthentication,)
    permission_classes = (AllowAny,)
    throttle_classes = (ScopedThrottle,)
    throttle_scope = "oauth"

    @extend_schema(
        auth=[{}],  # type: ignore[list-item]  # hinted as names
        parameters=[OpenApiParameter("code"), OpenApiParameter("state")],
        responses={(code, "text/html"): PAGE for code in (200, 400, 502, 504)},
    )
    def get(self, request: Request) -> HttpResponse:
        if oauth_broker.is_configured():
            return _hand_on(request)
        query = request.query_params
        try:
            name = oauth.finish(
                query.get("state", ""),
                query.get("code", ""),
                refused="error" in query,
                account=request.user if isinstance(request.user, Account) else None,
            )
        except oauth.UnknownState:
            return _page(request, 400, "Not connected", LAPSED)
        except oauth.Declined as error:
            return _page(request, 400, "Not connected", str(error))
        except http.Unavailable as error:
            again = f"{error}. Open the settings of the skill to try again."
            return _page(request, 504 if error.timed_out else 502, "Not connected", again)
        return _page(request, 200, "Connected", f"{name} is connected. You may close this page.")


def _credential(reference: str) -> OAuthCredential:
    try:
        return oauth.find_credential(reference)
    except OAuthCredential.DoesNotExist as error:
        raise Http404(str(error)) from error


def _ask_broker(ask: oauth_broker.Ask, reference: str, account: Account) -> object:
    try:
        return ask(reference, account.pk)
    except oauth_broker.Unknown as error:
        raise Http404(NOT_CONNECTED) from error


def _hand_on(request: Request) -> HttpResponse:
    """Answer what the service answers, as it is; none of it is a page of ours."""
    answer = oauth_broker.call_back(request.META.get("QUERY_STRING", ""))
    return HttpResponse(
        answer.content,
        status=answer.status,
        content_type=answer.content_type or "text/plain",
        headers={"Content-Security-Policy": "sandbox", "X-Content-Type-Options": "nosniff"},
    )


def _page(request: Request, status: int, title: str, text: str) -> HttpResponse:
    context = {"title": title, "text": text, "account_url": settings.ACCOUNT_BASE_URL}
    page = render(request._request, "market/oauth_callback.html", context, status=status)
    page.headers["Cache-Control"] = "no-store"
    return page
