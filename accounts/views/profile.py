"""The account itself, and what it can pay for."""

from drf_spectacular.utils import extend_schema
from rest_framework import status
from rest_framework.exceptions import ValidationError
from rest_framework.permissions import AllowAny
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from accounts import agreements, cookies, deletion, profile, serializers
from accounts.authentication import AccountRequest
from accounts.exceptions import NotConfigured
from accounts.models import Account, Membership
from accounts.openapi import EMPTY, ERROR, FIELD_ERRORS


class AccountView(APIView):
    """GET, PATCH, DELETE /api/account: the account that is signed in."""

    @extend_schema(responses={200: serializers.ProfileSerializer, 401: ERROR})
    def get(self, request: AccountRequest) -> Response:
        return Response(serializers.ProfileSerializer(request.user).data)

    @extend_schema(
        request=serializers.ProfileChangeSerializer,
        responses={204: EMPTY, 400: FIELD_ERRORS, 401: ERROR, 503: ERROR},
    )
    def patch(self, request: AccountRequest) -> Response:
        change = serializers.ProfileChangeSerializer(data=request.data)
        change.is_valid(raise_exception=True)
        _refuse_payment(request.user, change.validated_data.get("membership"))
        try:
            profile.update(
                request.user,
                username=change.validated_data.get("username"),
                open_dataset=change.validated_data.get("openDataset"),
            )
        except profile.UsernameTaken as error:
            raise ValidationError({"username": ["this username is taken"]}) from error
        except agreements.NotInForce as error:
            raise ValidationError({"openDataset": ["there is no agreement to accept"]}) from error
        return Response(status=status.HTTP_204_NO_CONTENT)

    @extend_schema(responses={204: EMPTY, 401: ERROR})
    def delete(self, request: AccountRequest) -> Response:
        deletion.delete(request.user)
        response = Response(status=status.HTTP_204_NO_CONTENT)
        cookies.delete(response)
        return response


class MembershipsView(APIView):
    """GET /api/memberships: what an account can pay for."""

    authentication_classes = ()
    permission_classes = (AllowAny,)

    @extend_schema(responses=serializers.MembershipSerializer(many=True))
    def get(self, request: Request) -> Response:
        return Response(serializers.MembershipSerializer(Membership.objects.all(), many=True).data)


def _refuse_payment(account: Account, change: dict[str, str] | None) -> None:
    """Raise what the membership ``change`` runs into, unless it is none."""
    if change is None or change["action"] is None:
        return
    is_member = account.subscriptions.active().exists()
    if is_member == (change["action"] == "add"):
        reason = "a membership is active" if is_member else "no membership is active"
        raise ValidationError({"membership": {"action": [reason]}})
    raise NotConfigured("STRIPE_PRIVATE_KEY")
