"""What Mark IIs and their owners call about Pantacor, which updates their software."""

from urllib.parse import unquote

from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework import status
from rest_framework.exceptions import APIException, AuthenticationFailed, NotFound
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from accounts.authentication import AccountRequest
from accounts.openapi import EMPTY, ERROR, UPSTREAM
from accounts.throttles import ScopedThrottle
from devices import pantacor, ssh_keys
from devices.authentication import DeviceRequest, DeviceTokenAuthentication
from devices.serializers import pantacor as serializers


class NotClaimed(APIException):
    status_code = status.HTTP_428_PRECONDITION_REQUIRED
    default_detail = "Device not yet claimed by Pantacor"


class SyncView(APIView):
    """POST /v1/device/pantacor: take over what Pantacor says of the device."""

    authentication_classes = (DeviceTokenAuthentication,)

    @extend_schema(
        request=serializers.PantacorSyncSerializer,
        responses={200: EMPTY, 404: ERROR, 428: ERROR} | UPSTREAM,
    )
    def post(self, request: DeviceRequest) -> Response:
        ids = serializers.PantacorSyncSerializer(data=request.data)
        ids.is_valid(raise_exception=True)
        if ids.validated_data["mycroft_device_id"] != str(request.auth.pk):
            raise AuthenticationFailed("device token is not of the device in the body")
        try:
            pantacor.sync(request.auth, ids.validated_data["pantacor_device_id"])
        except pantacor.UnknownDevice as error:
            raise NotFound("Pantacor does not know the device") from error
        except pantacor.NotClaimed as error:
            raise NotClaimed from error
        return Response()


class SoftwareUpdateView(APIView):
    """PATCH /api/software-update: the owner's yes to an update that waits for it."""

    @extend_schema(
        request=serializers.SoftwareUpdateSerializer,
        responses={204: EMPTY, 404: ERROR} | UPSTREAM,
    )
    def patch(self, request: AccountRequest) -> Response:
        update = serializers.SoftwareUpdateSerializer(data=request.data)
        update.is_valid(raise_exception=True)
        try:
            pantacor.update_software(request.user, update.validated_data["deploymentId"])
        except pantacor.UnknownDeployment as error:
            raise NotFound("deployment not found") from error
        return Response(status=status.HTTP_204_NO_CONTENT)


class SshKeyView(APIView):
    """GET /api/ssh-key?key=: whether it is a public key, whatever was typed.

    Selene UI encodes the key twice.
    """

    throttle_classes = (ScopedThrottle,)
    throttle_scope = "ssh-key"

    @extend_schema(
        parameters=[OpenApiParameter("key", str, description="URL-encoded, once or twice.")],
        responses=serializers.SshKeySerializer,
    )
    def get(self, request: Request) -> Response:
        key = request.query_params.get("key", "")
        return Response({"isValid": ssh_keys.is_valid(unquote(key))})
