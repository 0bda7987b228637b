"""Recorded wake words that devices send."""

from typing import Any

import orjson
from django.core.files.uploadedfile import UploadedFile
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import extend_schema
from rest_framework.exceptions import ValidationError
from rest_framework.parsers import MultiPartParser
from rest_framework.response import Response
from rest_framework.views import APIView

from devices import audio, samples
from devices.authentication import DeviceRequest, DeviceTokenAuthentication
from devices.parsers import MislabelledMultiPartParser
from devices.serializers.samples import SampleMetadataSerializer, SampleUploadSerializer
from devices.throttles import DeviceThrottle

STORED = "Wake word sample uploaded successfully"


class WakeWordFileView(APIView):
    """POST /v1/device/D/wake-word-file: a sound that woke the device."""

    authentication_classes = (DeviceTokenAuthentication,)
    parser_classes = (MultiPartParser, MislabelledMultiPartParser)
    throttle_classes = (DeviceThrottle,)
    throttle_scope = "wake-word-file"

    @extend_schema(
        request={"multipart/form-data": SampleUploadSerializer},
        responses=OpenApiTypes.STR,
    )
    def post(self, request: DeviceRequest, device_id: str) -> Response:
        content, metadata = _read(request, "audio"), _read(request, "metadata")
        details = SampleMetadataSerializer(data=_as_json(metadata))
        details.is_valid(raise_exception=True)
        _store(request, content, details.validated_data)
        # The same without consent: the device would only send it again.
        return Response(STORED)


def _read(request: DeviceRequest, name: str) -> bytes:
    """Return what the form has as ``name``, a file or a field."""
    value = request.data.get(name) if isinstance(request.data, dict) else None
    if isinstance(value, UploadedFile):
        return value.read()
    if isinstance(value, str):
        return value.encode(errors="surrogateescape")
    raise ValidationError({name: [f"No {name} file included in request"]})


def _as_json(metadata: bytes) -> dict[str, Any]:
    try:
        details = orjson.loads(metadata)
    except orjson.JSONDecodeError as error:
        raise ValidationError({"metadata": ["Not valid JSON."]}) from error
    if not isinstance(details, dict):
        raise ValidationError({"metadata": ["Not a JSON object."]})
    return details


def _store(request: DeviceRequest, content: bytes, details: dict[str, Any]) -> None:
    name, engine = details.pop("wake_word"), details.pop("engine")
    try:
        word = samples.wake_word(name, engine)
        samples.store(request.user, content, wake_word=word, **details)
    except samples.UnknownWakeWord as error:
        raise ValidationError({"wake_word": ["unknown wake word"]}) from error
    except audio.NotAudio as error:
        raise ValidationError({"audio": [str(error)]}) from error
