"""Signing in with Google, Facebook or GitHub, as Selene UI does it."""

from django.http import HttpRequest, HttpResponse
from drf_spectacular.utils import extend_schema
from rest_framework import status
from rest_framework.exceptions import ValidationError
from rest_framework.permissions import AllowAny
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from accounts import base64_text, client, cookies, sessions
from accounts.models import Account
from accounts.openapi import EMPTY, ERROR, UPSTREAM
from accounts.throttles import ScopedThrottle
from sso import federated, serializers
from sso.upstream import github
from sso.upstream.identities import Refused
from sso.views.signing_in import LoginRefused

NO_ACCOUNT = "no account found for provided email"


class ValidateFederatedView(APIView):
    """POST /api/validate-federated: sign in with a platform's token."""

    authentication_classes = ()
    permission_classes = (AllowAny,)
    throttle_classes = (ScopedThrottle,)
    throttle_scope = "federated-login"

    @extend_schema(
        request=serializers.FederatedLoginSerializer,
        responses={204: EMPTY, 401: ERROR} | UPSTREAM,
    )
    def post(self, request: Request) -> Response:
        form = serializers.FederatedLoginSerializer(data=request.data)
        form.is_valid(raise_exception=True)
        address = client.address(request._request)
        try:
            identity = federated.identify(**form.validated_data)
            account = federated.recognise(identity, address=address)
        except Refused as error:
            raise LoginRefused(str(error)) from error
        except federated.NoAccount as error:
            raise LoginRefused(NO_ACCOUNT) from error
        response = Response(status=status.HTTP_204_NO_CONTENT)
        sign_in(request._request, response, account)
        return response


def sign_in(request: HttpRequest, response: HttpResponse, account: Account) -> None:
    """Open a session of ``account`` and have ``response`` set its cookies."""
    agent, address = request.headers.get("User-Agent", ""), client.address(request)
    try:
        tokens = sessions.start(account, client=agent, address=address)
    except sessions.NotRecognised as error:
        raise LoginRefused(NO_ACCOUNT) from error
    cookies.write(response, request, tokens)


class GithubTokenView(APIView):
    """GET /api/github-token: exchange the code that GitHub gave to a page for a token.

    The state is the page's own and checked there, before it asks.
    """

    authentication_classes = ()
    permission_classes = (AllowAny,)
    throttle_classes = (ScopedThrottle,)
    throttle_scope = "federated-login"

    @extend_schema(
        parameters=[serializers.GithubCodeSerializer],
        responses={200: serializers.GithubTokenSerializer} | UPSTREAM,
    )
    def get(self, request: Request) -> Response:
        query = serializers.GithubCodeSerializer(data=request.query_params)
        query.is_valid(raise_exception=True)
        try:
            token = github.exchange(**query.validated_data)
        except Refused as error:
            raise ValidationError({"code": [str(error)]}) from error
        return Response({"token": token}, headers={"Cache-Control": "no-store"})


class ValidateEmailView(APIView):
    """GET /api/validate-email: whether a person has an account, as the sign-up page asks.

    What cannot be used has none: the page hangs on an error.
    """

    authentication_classes = ()
    permission_classes = (AllowAny,)
    throttle_classes = (ScopedThrottle,)
    throttle_scope = "validate-email"

    @extend_schema(
        parameters=[serializers.EmailQuerySerializer],
        responses={200: serializers.EmailKnownSerializer} | UPSTREAM,
    )
    def get(self, request: Request) -> Response:
        query = serializers.EmailQuerySerializer(data=request.query_params)
        query.is_valid(raise_exception=True)
        platform, token = query.validated_data["platform"], query.validated_data["token"]
        if platform == "Internal":
            return _answer(exists=_has_account(token), has_address=True)
        if not token:
            return _answer(exists=False, has_address=True)
        return _ask(platform, token)


def _has_account(token: str) -> bool:
    """Tell whether the address in ``token`` has an account; what is no address has none."""
    try:
        email = base64_text.decode(token)
    except ValueError:
        return False
    return Account.objects.with_email(email.strip()).exists()


def _ask(platform: str, token: str) -> Response:
    try:
        identity = federated.identify(platform, token)
    except Refused:
        return _answer(exists=False, has_address=True)
    # Whoever was here before needs no address any more.
    exists = federated.has_account(identity)
    return _answer(exists=exists, has_address=exists or identity.email is not None)


def _answer(*, exists: bool, has_address: bool) -> Response:
    return Response({"accountExists": exists, "noFederatedEmail": not has_address})
