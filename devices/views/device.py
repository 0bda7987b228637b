"""What devices call about themselves: pairing, tokens, their settings and place."""

from uuid import UUID

from django.conf import settings
from django.db.models import UUIDField
from django.http import HttpResponse
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework import status
from rest_framework.exceptions import AuthenticationFailed, NotFound
from rest_framework.permissions import AllowAny
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from accounts.openapi import EMPTY
from accounts.prepared import Given, PreparedQuery
from accounts.throttles import ScopedThrottle
from devices import etags, fast_path, pairing, platforms, tokens
from devices.authentication import DeviceRequest, DeviceTokenAuthentication
from devices.models import Device
from devices.serializers.device import (
    ActivationSerializer,
    CodeQuerySerializer,
    CodeSerializer,
    DevicePatchSerializer,
    DeviceSerializer,
    DeviceSubscriptionSerializer,
    GeolocationQuerySerializer,
    GeolocationSerializer,
    IssuedTokensSerializer,
    LocationSerializer,
    SettingSerializer,
    VoiceLinkSerializer,
    VoiceQuerySerializer,
)
from geography import places

NOT_MODIFIED = {304: None}
# Each serializer that is made copies all its fields, which takes longer than to check them.
_CODE_QUERY = CodeQuerySerializer()
_GEOLOCATION_QUERY = GeolocationQuerySerializer()
_SETTING: PreparedQuery[Device] = PreparedQuery(
    lambda: Device.objects.with_setting().filter(pk=Given("pk", UUIDField())).order_by()
)
_LOCATION: PreparedQuery[Device] = PreparedQuery(
    lambda: Device.objects.with_location().filter(pk=Given("pk", UUIDField())).order_by()
)


class CodeView(APIView):
    """GET /v1/device/code: a new pairing code."""

    authentication_classes = ()
    permission_classes = (AllowAny,)
    throttle_classes = (ScopedThrottle,)
    throttle_scope = "pairing-code"

    @extend_schema(parameters=[CodeQuerySerializer], responses=CodeSerializer)
    def get(self, request: Request) -> Response:
        query = _CODE_QUERY.run_validation(request.query_params)
        session, token = pairing.issue_code(**query)
        return Response(
            {
                "state": query["state"],
                "token": token,
                "expiration": int(pairing.LIFETIME.total_seconds()),
                "code": session.code,
            }
        )


class ActivateView(APIView):
    """POST /v1/device/activate: a claimed device's first tokens."""

    authentication_classes = ()
    permission_classes = (AllowAny,)

    @extend_schema(
        request=ActivationSerializer,
        responses={200: IssuedTokensSerializer, 400: None, 404: None},
    )
    def post(self, request: Request) -> Response:
        activation = ActivationSerializer(data=request.data)
        activation.is_valid(raise_exception=True)
        try:
            issued = pairing.activate(**activation.validated_data)
        except pairing.NotActivated as error:
            raise NotFound from error
        return _login(issued)


class TokenView(APIView):
    """GET /v1/auth/token: new tokens for a refresh token."""

    authentication_classes = ()
    permission_classes = (AllowAny,)

    @extend_schema(
        parameters=[OpenApiParameter("Device", UUID, OpenApiParameter.HEADER)],
        responses={200: IssuedTokensSerializer, 401: None},
    )
    def get(self, request: Request) -> Response:
        try:
            issued = tokens.refresh(
                fast_path.bearer(request._request), request.headers.get("Device", "")
            )
        except tokens.NotRecognised as error:
            raise AuthenticationFailed from error
        return _login(issued)

    def get_authenticate_header(self, request: Request) -> str:
        return "Bearer"


class DeviceView(APIView):
    """GET, PATCH /v1/device/D: what the device is."""

    authentication_classes = (DeviceTokenAuthentication,)

    @extend_schema(responses={200: DeviceSerializer} | NOT_MODIFIED)
    def get(self, request: DeviceRequest, device_id: str) -> HttpResponse:
        return etags.respond_unless_known(request, DeviceSerializer(request.auth).data)

    @extend_schema(
        request=DevicePatchSerializer,
        responses={200: None},
    )
    def patch(self, request: DeviceRequest, device_id: str) -> Response:
        report = DevicePatchSerializer(data=request.data)
        report.is_valid(raise_exception=True)
        platforms.note(request.auth, **report.validated_data)
        return Response()


class SettingView(APIView):
    """GET /v1/device/D/setting: formats, voice, and whether the account opted in."""

    authentication_classes = (DeviceTokenAuthentication,)

    @extend_schema(responses={200: SettingSerializer} | NOT_MODIFIED)
    def get(self, request: DeviceRequest, device_id: str) -> HttpResponse:
        device = _reread(_SETTING, request)
        return etags.respond_unless_known(request, SettingSerializer(device).data)


class LocationView(APIView):
    """GET /v1/device/D/location: where the device stands."""

    authentication_classes = (DeviceTokenAuthentication,)

    @extend_schema(responses={200: LocationSerializer, 404: None} | NOT_MODIFIED)
    def get(self, request: DeviceRequest, device_id: str) -> HttpResponse:
        device = _reread(_LOCATION, request)
        if device.city is None:
            return Response(status=status.HTTP_404_NOT_FOUND)
        return etags.respond_unless_known(request, LocationSerializer(device).data)


class SubscriptionView(APIView):
    """GET /v1/device/D/subscription: what the account pays for."""

    authentication_classes = (DeviceTokenAuthentication,)

    @extend_schema(responses=DeviceSubscriptionSerializer)
    def get(self, request: DeviceRequest, device_id: str) -> Response:
        active = request.user.subscriptions.active().select_related("membership").first()
        return Response({"@type": active.membership.type if active else "free"})


class VoiceView(APIView):
    """GET /v1/device/D/voice: where members get the voice that is for them alone."""

    authentication_classes = (DeviceTokenAuthentication,)

    @extend_schema(
        parameters=[VoiceQuerySerializer],
        responses={200: VoiceLinkSerializer, 204: EMPTY},
    )
    def get(self, request: DeviceRequest, device_id: str) -> Response:
        query = VoiceQuerySerializer(data=request.query_params)
        query.is_valid(raise_exception=True)
        if not request.user.subscriptions.active().exists():
            return Response(status=status.HTTP_204_NO_CONTENT)
        links = {"arm": settings.VOICE_URL_ARM, "x86_64": settings.VOICE_URL_X86_64}
        return Response({"link": links.get(query.validated_data["arch"], "")})


class GeolocationView(APIView):
    """GET /v1/geolocation: the place that a spoken name means."""

    authentication_classes = (DeviceTokenAuthentication,)

    @extend_schema(
        parameters=[GeolocationQuerySerializer],
        responses=GeolocationSerializer,
    )
    def get(self, request: DeviceRequest) -> Response:
        query = _GEOLOCATION_QUERY.run_validation(request.query_params)
        return Response({"data": places.find(query["location"])})


class UnknownPathView(APIView):
    """Any other path under /v1: 401 without a good token, since clients tell from it that they
    must pair, else 404.
    """

    authentication_classes = (DeviceTokenAuthentication,)
    schema = None

    def initial(self, request: Request, *args: object, **kwargs: object) -> None:
        super().initial(request, *args, **kwargs)
        raise NotFound


def _login(issued: tokens.IssuedTokens) -> Response:
    return Response(
        {
            "uuid": str(issued.device.pk),
            "accessToken": issued.access,
            "refreshToken": issued.refresh,
            "expiration": tokens.EXPIRATION,
        }
    )


def _reread(query: PreparedQuery[Device], request: DeviceRequest) -> Device:
    """Return the device of ``request`` as ``query`` has it, or refuse it if it is just removed."""
    device = query.first(pk=request.auth.pk)
    if device is None:
        raise AuthenticationFailed(fast_path.REFUSAL)
    return device
