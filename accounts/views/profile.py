"""The account itself, and what it can pay for."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from drf_spectacular.utils import extend_schema
from rest_framework import status
from rest_framework.exceptions import ValidationError
from rest_framework.permissions import AllowAny
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.throttling import UserRateThrottle
from rest_framework.views import APIView

from accounts import agreements, cookies, deletion, payments, profile, serializers
from accounts.authentication import AccountRequest
from accounts.exceptions import PaymentRefused
from accounts.models import Account, Membership
from accounts.openapi import EMPTY, ERROR, UPSTREAM
from accounts.throttles import RateThrottle
from accounts.upstream import stripe


class MembershipThrottle(UserRateThrottle, RateThrottle):
    """Counts what may charge a card; the rest of the path is not limited."""

    scope = "membership"

    def allow_request(self, request: Request, view: APIView) -> bool:
        change = request.data.get("membership") if isinstance(request.data, dict) else None
        is_counted = isinstance(change, dict) and change.get("action") is not None
        return not is_counted or super().allow_request(request, view)


class AccountView(APIView):
    """GET, PATCH, DELETE /api/account: the account that is signed in."""

    throttle_classes = (MembershipThrottle,)

    @extend_schema(responses=serializers.ProfileSerializer)
    def get(self, request: AccountRequest) -> Response:
        return Response(serializers.PROFILE.to_representation(request.user))

    @extend_schema(
        request=serializers.ProfileChangeSerializer,
        responses={204: EMPTY, 402: ERROR} | UPSTREAM,
    )
    def patch(self, request: AccountRequest) -> Response:
        change = serializers.ProfileChangeSerializer(data=request.data)
        change.is_valid(raise_exception=True)
        payment = change.validated_data.get("membership") or {"action": None}
        own = {
            "username": change.validated_data.get("username"),
            "open_dataset": change.validated_data.get("openDataset"),
        }
        with _refusals():
            # The card comes last of what can be refused: nobody pays for a request that failed.
            profile.check(request.user, **own)
            _change_membership(request.user, payment)
            profile.update(request.user, **own)
        return Response(status=status.HTTP_204_NO_CONTENT)

    @extend_schema(responses={204: EMPTY})
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


def _change_membership(account: Account, change: dict[str, Any]) -> None:
    if change["action"] is None:
        return
    payments.check(account, change["action"])
    if change["action"] == "cancel":
        payments.cancel(account)
        return
    membership = Membership.objects.get(type=change["membershipType"])
    if change["action"] == "add":
        payments.add(account, membership, change["paymentToken"])
    else:
        payments.update(account, membership)


@contextmanager
def _refusals() -> Iterator[None]:
    """Answer which field of the request is wrong, and why."""
    try:
        yield
    except profile.UsernameTaken as error:
        raise ValidationError({"username": ["this username is taken"]}) from error
    except agreements.NotInForce as error:
        raise ValidationError({"openDataset": ["there is no agreement to accept"]}) from error
    except stripe.Refused as error:
        raise PaymentRefused(str(error)) from error
    except tuple(_MEMBERSHIP_REASONS) as error:
        reason = _MEMBERSHIP_REASONS[type(error)]
        raise ValidationError({"membership": {"action": [reason]}}) from error


_MEMBERSHIP_REASONS: dict[type[Exception], str] = {
    payments.AlreadyMember: "a membership is active",
    payments.NotAMember: "no membership is active",
    payments.UnderWay: "another change of the membership is under way",
}
