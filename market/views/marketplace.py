"""What people ask the marketplace, signed in or not."""

from uuid import UUID

import orjson
from django.http import Http404, HttpResponse
from drf_spectacular.utils import OpenApiParameter, OpenApiResponse, extend_schema
from rest_framework import status
from rest_framework.exceptions import ValidationError
from rest_framework.permissions import AllowAny
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from accounts.authentication import AccountRequest, OptionalAccountAuthentication
from accounts.openapi import EMPTY
from devices import etags
from market import installing, marketplace, serializers, settings_values
from market.models import CatalogueEntry, Installation

NOT_LOGGED_IN = OpenApiResponse(description="Nobody is signed in; the body is empty.")
SEARCH = OpenApiParameter("search", description="Text in any of a skill's fields; empty for all.")
NO_INSTALLER = (
    "none of your devices has the Installer skill: skills can be installed from here as soon as a "
    "device that has it is paired and switched on"
)
LIST_FULL = "too much waits to be installed or removed already: try again when devices are done"


class AvailableView(APIView):
    """GET /api/skills/available: the skills that can be installed."""

    authentication_classes = ()
    permission_classes = (AllowAny,)

    @extend_schema(
        parameters=[SEARCH], responses={200: serializers.AvailableSerializer, 304: EMPTY}
    )
    def get(self, request: Request) -> HttpResponse:
        found = marketplace.search(request.query_params.get("search", ""))
        return _respond_unless_known(request, found.content, found.tag)


class SkillView(APIView):
    """GET /api/skills/<market id>: all about a skill."""

    authentication_classes = ()
    permission_classes = (AllowAny,)

    @extend_schema(responses={200: serializers.SkillDetailSerializer, 304: EMPTY})
    def get(self, request: Request, market_id: UUID) -> HttpResponse:
        try:
            body = marketplace.detail(market_id)
        except CatalogueEntry.DoesNotExist as error:
            raise Http404("skill not found") from error
        tag = etags.make(request.path, body)
        return _respond_unless_known(request, orjson.dumps(body), tag)


class StatusView(APIView):
    """GET /api/skills/status: which skills the account's devices have, and which are on the way."""

    authentication_classes = (OptionalAccountAuthentication,)
    permission_classes = (AllowAny,)

    @extend_schema(
        auth=[{"accountCookies": []}, {"accountToken": []}, {}],  # type: ignore[list-item]  # hinted as names
        responses={200: serializers.StatusesSerializer, 204: NOT_LOGGED_IN},
    )
    def get(self, request: AccountRequest) -> Response:
        if not request.user.is_authenticated:
            return Response(status=status.HTTP_204_NO_CONTENT)
        found = installing.by_key(installing.statuses(request.user))
        reasons = {
            key: skill.failures[0]
            for key, skill in found.items()
            if skill.state == Installation.FAILED and skill.failures
        }
        states = {key: skill.state for key, skill in found.items()}
        return Response({"installStatuses": states, "failureReasons": reasons})


class InstallView(APIView):
    """PUT /api/skills/install: have the account's devices install or remove a skill."""

    @extend_schema(
        request=serializers.InstallSerializer,
        responses={204: EMPTY},
    )
    def put(self, request: AccountRequest) -> Response:
        sent = serializers.InstallSerializer(data=request.data)
        sent.is_valid(raise_exception=True)
        try:
            installing.ask(request.user, sent.market_id, sent.asked)
        except installing.UnknownEntry as error:
            raise ValidationError({sent.id_field: ["skill not found"]}) from error
        except installing.NoInstaller as error:
            raise ValidationError({"error": [NO_INSTALLER]}) from error
        except settings_values.ValuesTooLarge as error:
            raise ValidationError({"error": [LIST_FULL]}) from error
        return Response(status=status.HTTP_204_NO_CONTENT)


def _respond_unless_known(request: Request, content: bytes, tag: str) -> HttpResponse:
    """Answer 304 to a browser that holds what has ``tag``; it asks each time: never shows old."""
    headers = {"ETag": f'"{tag}"', "Cache-Control": "public, no-cache"}
    if etags.is_known(tag, request.headers.get("If-None-Match", "")):
        return Response(status=status.HTTP_304_NOT_MODIFIED, headers=headers)
    return HttpResponse(content, content_type="application/json", headers=headers)
