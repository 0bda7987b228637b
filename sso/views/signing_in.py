"""Signing up, in and out."""

from django.conf import settings
from django.contrib.auth import authenticate
from django.http import HttpRequest
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework import status
from rest_framework.authentication import BaseAuthentication, get_authorization_header
from rest_framework.exceptions import APIException, PermissionDenied, ValidationError
from rest_framework.permissions import AllowAny, BasePermission, IsAuthenticated
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.throttling import BaseThrottle
from rest_framework.views import APIView

from accounts import client, cookies, lockout, registration, sessions
from accounts.authentication import AccountRequest
from accounts.models import Account
from accounts.openapi import EMPTY, ERROR, UPSTREAM
from accounts.throttles import ScopedThrottle
from accounts.views import profile
from sso import credentials, federated
from sso.serializers import SignUpSerializer
from sso.upstream.identities import Refused

IN_USE = "an account with this address exists"


class LoginRefused(APIException):
    """401: the one answer to all that is wrong with a login."""

    status_code = status.HTTP_401_UNAUTHORIZED
    default_detail = "provided credentials not found"
    auth_header = "Bearer"  # not Basic: browsers would ask for a password themselves


class IsSigningUp(BasePermission):
    """Anybody may ask for an account."""

    def has_permission(self, request: Request, view: APIView) -> bool:
        return request.method == "POST"


class AccountView(profile.AccountView):
    """POST /api/account: sign up; the other methods are the account API's own."""

    permission_classes = (IsSigningUp | IsAuthenticated,)
    throttle_scope = "sign-up"

    def setup(self, request: HttpRequest, *args: object, **kwargs: object) -> None:
        super().setup(request, *args, **kwargs)
        if not {"account", "market"}.intersection(settings.SELENE_APIS):
            self.http_method_names = ["post", "options"]

    def get_authenticators(self) -> list[BaseAuthentication]:
        # Stale cookies, of an account that is gone, must not keep a person from a new one. (The
        # generator of the API's description asks without a request.)
        if self.request is not None and self.request.method == "POST":
            return []
        return super().get_authenticators()

    def get_throttles(self) -> list[BaseThrottle]:
        if self.request.method == "POST":
            return [ScopedThrottle()]
        return super().get_throttles()

    @extend_schema(
        auth=[],
        request=SignUpSerializer,
        responses={200: str} | UPSTREAM,
    )
    def post(self, request: Request) -> Response:
        form = SignUpSerializer(data=request.data)
        form.is_valid(raise_exception=True)
        login = form.validated_data["login"]
        if platform := login.get("federatedPlatform"):
            _sign_up_federated(platform, login["federatedToken"])
        else:
            _sign_up(login["email"], login["password"])
        return Response("Account added successfully")


def _sign_up(email: str, password: str) -> None:
    try:
        registration.sign_up(email, password)
    except registration.AddressInUse as error:
        raise ValidationError({"login": {"email": [IN_USE]}}) from error


def _sign_up_federated(platform: str, token: str) -> None:
    try:
        federated.sign_up(federated.identify(platform, token))
    except Refused as error:
        raise _token_refused(str(error)) from error
    except (registration.AddressInUse, federated.AlreadyLinked) as error:
        raise _token_refused(IN_USE) from error
    except federated.NoVerifiedAddress as error:
        raise _token_refused(f"{platform} gives no verified address") from error


def _token_refused(reason: str) -> ValidationError:
    return ValidationError({"login": {"federatedToken": [reason]}})


class InternalLoginView(APIView):
    """GET /api/internal-login: sign in with email address and password."""

    authentication_classes = ()
    permission_classes = (AllowAny,)
    throttle_classes = (ScopedThrottle,)
    throttle_scope = "login"

    @extend_schema(
        parameters=[
            OpenApiParameter(
                "Authorization",
                str,
                OpenApiParameter.HEADER,
                required=True,
                description="Basic, then base64 of email address, `:||:` and password.",
            )
        ],
        responses={204: EMPTY, 401: ERROR},
    )
    def get(self, request: Request) -> Response:
        account = self._authenticate(request)
        address = client.address(request._request)
        lockout.forget(account.email, address)
        try:
            tokens = sessions.start(
                account, client=request.headers.get("User-Agent", ""), address=address
            )
        except sessions.NotRecognised as error:
            raise LoginRefused from error
        response = Response(status=status.HTTP_204_NO_CONTENT)
        cookies.write(response, request._request, tokens)
        return response

    def _authenticate(self, request: Request) -> Account:
        try:
            given = credentials.from_basic(get_authorization_header(request))
        except credentials.Malformed as error:
            raise LoginRefused from error
        # Hashes for unknown addresses too, and not at all while locked out (then axes answers).
        account = authenticate(request._request, username=given.email, password=given.password)
        if account is None:
            raise LoginRefused
        return account


class LogoutView(APIView):
    """GET /api/logout: end the session here and in the browser."""

    @extend_schema(responses={204: EMPTY, 403: ERROR})
    def get(self, request: AccountRequest) -> Response:
        # A GET that changes something, so the rule for the others is applied here.
        if cookies.is_from_another_site(request._request):
            raise PermissionDenied("request comes from another site")
        sessions.end(request.auth)
        response = Response(status=status.HTTP_204_NO_CONTENT)
        cookies.delete(response)
        return response
