"""What a visitor is told before there is an account."""

from drf_spectacular.utils import extend_schema
from rest_framework.exceptions import NotFound
from rest_framework.permissions import AllowAny
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.throttling import ScopedRateThrottle
from rest_framework.views import APIView

from accounts import agreements, base64_text, serializers
from accounts.exceptions import PLATFORM_SETTINGS, NotConfigured
from accounts.models import Account, AgreementType
from accounts.openapi import ERROR, FIELD_ERRORS


class AgreementView(APIView):
    """GET /api/agreement/terms-of-use, /api/agreement/privacy-policy: the text in force today."""

    authentication_classes = ()
    permission_classes = (AllowAny,)
    TYPES = {
        "terms-of-use": AgreementType.TERMS_OF_USE,
        "privacy-policy": AgreementType.PRIVACY_POLICY,
    }

    @extend_schema(responses={200: serializers.AgreementSerializer, 404: ERROR})
    def get(self, request: Request, agreement_type: str) -> Response:
        try:
            agreement = agreements.in_force(self.TYPES[agreement_type])
        except (KeyError, agreements.NotInForce) as error:
            raise NotFound("agreement not found") from error
        return Response(serializers.AgreementSerializer(agreement).data)


class ValidateEmailView(APIView):
    """GET /api/validate-email: whether an address has an account, as the sign-up page asks."""

    authentication_classes = ()
    permission_classes = (AllowAny,)
    throttle_classes = (ScopedRateThrottle,)
    throttle_scope = "validate-email"

    @extend_schema(
        parameters=[serializers.EmailQuerySerializer],
        responses={200: serializers.EmailKnownSerializer, 400: FIELD_ERRORS, 503: ERROR},
    )
    def get(self, request: Request) -> Response:
        query = serializers.EmailQuerySerializer(data=request.query_params)
        query.is_valid(raise_exception=True)
        platform, token = query.validated_data["platform"], query.validated_data["token"]
        if token and platform != "Internal":
            raise NotConfigured(PLATFORM_SETTINGS[platform])
        return Response({"accountExists": _has_account(token), "noFederatedEmail": False})


def _has_account(token: str) -> bool:
    """Tell whether the address in ``token`` has an account; what is no address has none."""
    try:
        email = base64_text.decode(token)
    except ValueError:
        return False
    return Account.objects.with_email(email.strip()).exists()
