"""What devices hear, as text."""

from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiResponse, extend_schema, inline_serializer
from rest_framework import serializers, status
from rest_framework.exceptions import APIException, ParseError, Throttled, ValidationError
from rest_framework.response import Response
from rest_framework.views import APIView

from accounts.openapi import UPSTREAM
from devices import audio, speech
from devices.authentication import DeviceRequest, DeviceTokenAuthentication
from devices.parsers import FlacParser, XFlacParser
from devices.serializers.speech import SpeechQuerySerializer, TranscribeQuerySerializer
from devices.throttles import DeviceThrottle

FLAC = {"audio/x-flac": OpenApiTypes.BINARY, "audio/flac": OpenApiTypes.BINARY}
HEARD = OpenApiResponse({"type": "array", "items": {"type": "string", "nullable": True}})
TRANSCRIPTION = inline_serializer(
    "Transcription", {"transcription": serializers.CharField(allow_null=True)}
)


class NotReady(APIException):
    """503: the operator has something to do before speech works."""

    status_code = status.HTTP_503_SERVICE_UNAVAILABLE


class SttView(APIView):
    """POST /v1/stt: what is said in a FLAC file."""

    authentication_classes = (DeviceTokenAuthentication,)
    parser_classes = (XFlacParser, FlacParser)
    throttle_classes = (DeviceThrottle,)
    throttle_scope = "speech"

    @extend_schema(
        parameters=[SpeechQuerySerializer], request=FLAC, responses={200: HEARD} | UPSTREAM
    )
    def post(self, request: DeviceRequest) -> Response:
        query = SpeechQuerySerializer(data=request.query_params)
        query.is_valid(raise_exception=True)
        # No engine gives more than one guess, and devices take the first.
        return Response([_hear(request, query.validated_data["lang"])])


class TranscribeView(APIView):
    """POST /v1/transcribe: the same, in another shape."""

    authentication_classes = (DeviceTokenAuthentication,)
    parser_classes = (XFlacParser, FlacParser)
    throttle_classes = (DeviceThrottle,)
    throttle_scope = "speech"

    @extend_schema(
        parameters=[TranscribeQuerySerializer],
        request=FLAC,
        responses={200: TRANSCRIPTION} | UPSTREAM,
    )
    def post(self, request: DeviceRequest) -> Response:
        query = TranscribeQuerySerializer(data=request.query_params)
        query.is_valid(raise_exception=True)
        return Response({"transcription": _hear(request, query.validated_data["lang"])})


def _hear(request: DeviceRequest, language: str) -> str | None:
    try:
        with speech.turn():
            # Without a body the framework asks no parser, and gives a dictionary.
            content = request.data if isinstance(request.data, bytes) else b""
            return speech.transcribe(request.user, audio.read(content), language)
    except speech.Busy as error:
        raise Throttled(wait=1, detail="too many requests for speech at once.") from error
    except audio.NotAudio as error:
        raise ParseError(str(error)) from error
    except speech.UnknownLanguage as error:
        raise ValidationError({"lang": ["the speech engine does not know it"]}) from error
    except speech.NotReady as error:
        raise NotReady(str(error)) from error
