"""What a visitor is told before there is an account."""

from drf_spectacular.utils import extend_schema
from rest_framework.exceptions import NotFound
from rest_framework.permissions import AllowAny
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from accounts import agreements, serializers
from accounts.models import AgreementType


class AgreementView(APIView):
    """GET /api/agreement/terms-of-use, /api/agreement/privacy-policy: the text in force today."""

    authentication_classes = ()
    permission_classes = (AllowAny,)
    TYPES = {
        "terms-of-use": AgreementType.TERMS_OF_USE,
        "privacy-policy": AgreementType.PRIVACY_POLICY,
    }

    @extend_schema(responses=serializers.AgreementSerializer)
    def get(self, request: Request, agreement_type: str) -> Response:
        try:
            agreement = agreements.in_force(self.TYPES[agreement_type])
        except (KeyError, agreements.NotInForce) as error:
            raise NotFound("agreement not found") from error
        return Response(serializers.AgreementSerializer(agreement).data)
