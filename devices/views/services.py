"""The weather and answers that devices ask other services for, through this server."""

from collections.abc import Callable

from django.http import HttpResponse
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework.exceptions import NotFound, Throttled
from rest_framework.serializers import Serializer
from rest_framework.views import APIView

from accounts import activity
from accounts.openapi import ERROR, UPSTREAM
from devices import answers, quotas, weather
from devices.authentication import DeviceRequest, DeviceTokenAuthentication
from devices.serializers.services import InputQuerySerializer, SpokenQuerySerializer
from devices.throttles import DeviceThrottle
from devices.upstream.proxied import Params, Reply

RETRY_AFTER = 60  # seconds, if a service finds that this server asks too often
# Who opens a reply as a page sees it, and nothing in it runs.
INERT = "default-src 'none'; sandbox"


class WeatherView(APIView):
    """GET /v1/owm/<path>: what OpenWeatherMap says, its keys in camelCase."""

    authentication_classes = (DeviceTokenAuthentication,)
    throttle_classes = (DeviceThrottle,)
    throttle_scope = "weather"

    @extend_schema(
        parameters=[
            OpenApiParameter("path", str, OpenApiParameter.PATH, enum=list(weather.LIFETIMES))
        ],
        description="All parameters are passed on, but no `appid`.",
        responses={200: OpenApiTypes.OBJECT, 400: OpenApiTypes.OBJECT} | UPSTREAM,
    )
    def get(self, request: DeviceRequest, path: str) -> HttpResponse:
        try:
            return _pass_on(request, lambda: weather.report(request.auth, path, _params(request)))
        except weather.UnknownPath as error:
            raise NotFound("not a path of OpenWeatherMap that is passed on") from error


class WolframXMLView(APIView):
    """GET /v1/wa: Wolfram Alpha's full results, as XML."""

    authentication_classes = (DeviceTokenAuthentication,)
    throttle_classes = (DeviceThrottle,)
    throttle_scope = "wolfram"

    @extend_schema(
        parameters=[InputQuerySerializer],
        responses={(200, "text/xml"): OpenApiTypes.STR} | UPSTREAM,
    )
    def get(self, request: DeviceRequest) -> HttpResponse:
        return _answer(request, InputQuerySerializer, "xml")


class WolframFullView(APIView):
    """GET /v1/wolframAlphaFull: Wolfram Alpha's full results, as JSON with keys in camelCase."""

    authentication_classes = (DeviceTokenAuthentication,)
    throttle_classes = (DeviceThrottle,)
    throttle_scope = "wolfram"

    @extend_schema(
        parameters=[InputQuerySerializer],
        responses={200: OpenApiTypes.OBJECT} | UPSTREAM,
    )
    def get(self, request: DeviceRequest) -> HttpResponse:
        return _answer(request, InputQuerySerializer, "full")


class WolframSpokenView(APIView):
    """GET /v1/wolframAlphaSpoken: an answer to say; 501 if Wolfram Alpha has none."""

    authentication_classes = (DeviceTokenAuthentication,)
    throttle_classes = (DeviceThrottle,)
    throttle_scope = "wolfram"

    @extend_schema(
        parameters=[SpokenQuerySerializer],
        responses={
            (200, "text/plain"): OpenApiTypes.STR,
            (501, "text/plain"): OpenApiTypes.STR,
        }
        | UPSTREAM,
    )
    def get(self, request: DeviceRequest) -> HttpResponse:
        return _answer(request, SpokenQuerySerializer, "spoken")


class WolframSimpleView(APIView):
    """GET /v1/wolframAlphaSimple: an image of the answer; 501 if Wolfram Alpha has none."""

    authentication_classes = (DeviceTokenAuthentication,)
    throttle_classes = (DeviceThrottle,)
    throttle_scope = "wolfram"

    @extend_schema(
        parameters=[SpokenQuerySerializer],
        responses={(200, "image/*"): OpenApiTypes.BINARY, 501: ERROR} | UPSTREAM,
    )
    def get(self, request: DeviceRequest) -> HttpResponse:
        return _answer(request, SpokenQuerySerializer, "simple")


def _answer(request: DeviceRequest, query: type[Serializer], form: str) -> HttpResponse:
    query(data=request.query_params).is_valid(raise_exception=True)
    return _pass_on(request, lambda: answers.answer(request.auth, form, _params(request)))


def _params(request: DeviceRequest) -> Params:
    lists = request.query_params.lists()
    return [(name, str(value)) for name, values in lists for value in values]


def _pass_on(request: DeviceRequest, ask: Callable[[], Reply]) -> HttpResponse:
    activity.note_active(request.user)
    try:
        reply = ask()
    except quotas.Spent as error:
        raise Throttled(error.seconds, "asked as often as a device may in a day") from error
    headers = {"Content-Security-Policy": INERT}
    if reply.status == 429:
        headers["Retry-After"] = str(RETRY_AFTER)
    return HttpResponse(
        reply.content, status=reply.status, content_type=reply.content_type, headers=headers
    )
