"""A new password for whoever lost it."""

import time

from django.conf import settings
from django.http import HttpRequest
from drf_spectacular.utils import extend_schema
from rest_framework import status
from rest_framework.exceptions import APIException, ValidationError
from rest_framework.permissions import AllowAny
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from accounts import client, passwords
from accounts.openapi import EMPTY, ERROR
from accounts.throttles import AboutOneThrottle, ScopedThrottle
from sso import password_reset
from sso.serializers import (
    PasswordChangeSerializer,
    PasswordResetSerializer,
    ResetTokenSerializer,
    ResetTokenStateSerializer,
)

# Selene UI checks a token, and then sends the password without it.
COOKIE = "seleneReset"
COOKIE_PATH = "/api"
COOKIE_SECONDS = 15 * 60


class TokenRefused(APIException):
    """401: without a good reset token there is no new password."""

    status_code = status.HTTP_401_UNAUTHORIZED
    default_detail = "reset token is missing, was used, or is not of this account"
    auth_header = "Bearer"


class PasswordResetView(APIView):
    """POST /api/password-reset: mail a link to choose a new password with."""

    authentication_classes = ()
    permission_classes = (AllowAny,)
    throttle_classes = (ScopedThrottle, AboutOneThrottle)
    throttle_scope = "password-reset"
    throttle_field = "emailAddress"

    @extend_schema(
        request=PasswordResetSerializer,
        responses={200: EMPTY},
    )
    def post(self, request: Request) -> Response:
        form = PasswordResetSerializer(data=request.data)
        form.is_valid(raise_exception=True)
        password_reset.send_link(form.validated_data["emailAddress"])
        return Response()


class ValidateTokenView(APIView):
    """POST /api/validate-token: whose token it is, and whether it is good; if so, keep it."""

    authentication_classes = ()
    permission_classes = (AllowAny,)
    throttle_classes = (ScopedThrottle,)
    throttle_scope = "password-change"

    @extend_schema(
        request=ResetTokenSerializer,
        responses=ResetTokenStateSerializer,
    )
    def post(self, request: Request) -> Response:
        form = ResetTokenSerializer(data=request.data)
        form.is_valid(raise_exception=True)
        token = form.validated_data["token"]
        try:
            reset = password_reset.read(token)
        except password_reset.ExpiredToken:
            return Response({"accountId": None, "tokenExpired": True, "tokenInvalid": False})
        except password_reset.VoidToken:
            return Response({"accountId": None, "tokenExpired": False, "tokenInvalid": True})
        response = Response(
            {"accountId": str(reset.account.pk), "tokenExpired": False, "tokenInvalid": False}
        )
        _keep(response, request._request, token, reset.expires_at)
        return response


class PasswordChangeView(APIView):
    """PUT /api/password-change: the new password of the account whose token was kept or is sent."""

    authentication_classes = ()
    permission_classes = (AllowAny,)
    throttle_classes = (ScopedThrottle, AboutOneThrottle)
    throttle_scope = "password-change"
    throttle_field = "accountId"

    @extend_schema(
        request=PasswordChangeSerializer,
        responses={204: EMPTY, 401: ERROR},
    )
    def put(self, request: Request) -> Response:
        form = PasswordChangeSerializer(data=request.data)
        form.is_valid(raise_exception=True)
        given = form.validated_data
        token = given.get("token") or request.COOKIES.get(COOKIE, "")
        address = client.address(request._request)
        try:
            password_reset.change(token, given["accountId"], given["password"], address=address)
        except password_reset.ExpiredToken as error:
            raise TokenRefused("reset token has expired") from error
        except password_reset.VoidToken as error:
            raise TokenRefused from error
        except passwords.Weak as error:
            raise ValidationError({"password": error.reasons}) from error
        response = Response(status=status.HTTP_204_NO_CONTENT)
        response.delete_cookie(COOKIE, path=COOKIE_PATH, samesite="Strict")
        return response


def _keep(response: Response, request: HttpRequest, token: str, expires_at: float) -> None:
    """Set ``token`` as a cookie for the host that asked alone."""
    response.set_cookie(
        COOKIE,
        token,
        max_age=max(1, min(COOKIE_SECONDS, int(expires_at - time.time()))),
        path=COOKIE_PATH,
        secure=settings.IS_HTTPS or request.is_secure(),
        httponly=True,
        samesite="Strict",
    )
