"""What devices tell: messages to their owners, and metrics."""

import orjson
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import extend_schema
from rest_framework import status
from rest_framework.exceptions import APIException, ValidationError
from rest_framework.response import Response
from rest_framework.views import APIView

from accounts.openapi import EMPTY
from accounts.throttles import ScopedThrottle
from devices import messages, metrics
from devices.authentication import DeviceRequest, DeviceTokenAuthentication
from devices.serializers.reports import MessageSerializer
from devices.throttles import DeviceThrottle


class MetricTooLarge(APIException):
    status_code = status.HTTP_413_REQUEST_ENTITY_TOO_LARGE
    default_detail = f"a metric has at most {metrics.VALUE_BYTES:,} bytes"


class MessageView(APIView):
    """PUT /v1/device/D/message: mail to the owner."""

    authentication_classes = (DeviceTokenAuthentication,)
    # By account: with many devices it gets no more mail than with one.
    throttle_classes = (ScopedThrottle,)
    throttle_scope = "message"

    @extend_schema(
        request=MessageSerializer,
        responses={200: EMPTY},
    )
    def put(self, request: DeviceRequest, device_id: str) -> Response:
        message = MessageSerializer(data=request.data)
        message.is_valid(raise_exception=True)
        messages.send(request.auth, **message.validated_data)
        return Response()


class MetricView(APIView):
    """POST /v1/device/D/metric/<name>: something a device measured."""

    authentication_classes = (DeviceTokenAuthentication,)
    throttle_classes = (DeviceThrottle,)
    throttle_scope = "metric"

    @extend_schema(
        request=OpenApiTypes.OBJECT,
        responses={204: EMPTY},
    )
    def post(self, request: DeviceRequest, device_id: str, name: str) -> Response:
        if len(name) > metrics.NAME_LENGTH:
            raise ValidationError({"name": [f"at most {metrics.NAME_LENGTH} characters"]})
        if not isinstance(request.data, dict):
            raise ValidationError("a metric is a JSON object")
        if len(orjson.dumps(request.data)) > metrics.VALUE_BYTES:
            raise MetricTooLarge
        metrics.note(request.auth, name, request.data)
        return Response(status=status.HTTP_204_NO_CONTENT)
