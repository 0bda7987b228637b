"""Changing what an account signs in with."""

from drf_spectacular.utils import extend_schema
from rest_framework import status
from rest_framework.exceptions import ValidationError
from rest_framework.response import Response
from rest_framework.views import APIView

from accounts import client, email_changes, passwords, registration, serializers
from accounts.authentication import AccountRequest
from accounts.openapi import EMPTY
from accounts.throttles import ScopedThrottle


class ChangePasswordView(APIView):
    """PUT /api/change-password: a new password; the account's other sessions end."""

    throttle_classes = (ScopedThrottle,)
    throttle_scope = "password-change"

    @extend_schema(
        request=serializers.NewPasswordSerializer,
        responses={204: EMPTY},
    )
    def put(self, request: AccountRequest) -> Response:
        form = serializers.NewPasswordSerializer(data=request.data)
        form.is_valid(raise_exception=True)
        try:
            passwords.change(
                request.user,
                form.validated_data["password"],
                session=request.auth,
                address=client.address(request._request),
            )
        except passwords.Weak as error:
            raise ValidationError({"password": error.reasons}) from error
        return Response(status=status.HTTP_204_NO_CONTENT)


class ChangeEmailView(APIView):
    """PUT /api/change-email: ask for another address; a mail there has the link to confirm it."""

    throttle_classes = (ScopedThrottle,)
    throttle_scope = "email-change"

    @extend_schema(
        request=serializers.NewEmailSerializer,
        responses={204: EMPTY},
    )
    def put(self, request: AccountRequest) -> Response:
        form = serializers.NewEmailSerializer(data=request.data)
        form.is_valid(raise_exception=True)
        email_changes.request(request.user, form.validated_data["token"])
        return Response(status=status.HTTP_204_NO_CONTENT)


class VerifyEmailView(APIView):
    """PUT /api/verify-email: confirm the new address with the token that was mailed there."""

    @extend_schema(
        request=serializers.LinkSerializer,
        responses={204: EMPTY},
    )
    def put(self, request: AccountRequest) -> Response:
        form = serializers.LinkSerializer(data=request.data)
        form.is_valid(raise_exception=True)
        address = client.address(request._request)
        try:
            email_changes.confirm(request.user, form.validated_data["token"], address=address)
        except email_changes.VoidLink as error:
            raise ValidationError({"token": ["the link is not valid any more"]}) from error
        except registration.AddressInUse as error:
            reason = "an account with this address exists"
            raise ValidationError({"token": [reason]}) from error
        return Response(status=status.HTTP_204_NO_CONTENT)
