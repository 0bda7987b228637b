"""What Stripe tells of memberships."""

from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework.exceptions import ParseError
from rest_framework.permissions import AllowAny
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from accounts import payments
from accounts.openapi import EMPTY, UPSTREAM
from accounts.throttles import ScopedThrottle
from accounts.upstream import stripe

# All others concern no membership, and are answered so that Stripe does not send them again.
CHANGES = {
    "customer.subscription.created",
    "customer.subscription.updated",
    "invoice.payment_failed",
}
END = "customer.subscription.deleted"
SIGNATURE = OpenApiParameter("Stripe-Signature", str, OpenApiParameter.HEADER, required=True)


class StripeWebhookView(APIView):
    """POST /v1/user/stripe/webhook: an event of Stripe, which sends it until it is answered."""

    authentication_classes = ()
    permission_classes = (AllowAny,)
    throttle_classes = (ScopedThrottle,)
    throttle_scope = "stripe-webhook"

    @extend_schema(
        parameters=[SIGNATURE],
        request={"application/json": OpenApiTypes.OBJECT},
        responses={200: EMPTY} | UPSTREAM,
    )
    def post(self, request: Request) -> Response:
        try:
            # The bytes, and not what they were parsed to: they are what is signed.
            event = stripe.read_event(request.body, request.headers.get("Stripe-Signature", ""))
        except stripe.NotAnEvent as error:
            raise ParseError("this is no event that Stripe signed just now") from error
        if event.kind == END:
            payments.end(event.subscription_id)  # for good, so Stripe need not be asked
        elif event.kind in CHANGES and event.subscription_id:
            payments.follow(event.subscription_id)
        return Response()
