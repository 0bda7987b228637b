"""What devices ask about skills."""

from typing import NoReturn

from django.http import HttpResponse
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiResponse, extend_schema
from rest_framework import status
from rest_framework.exceptions import ValidationError
from rest_framework.response import Response
from rest_framework.views import APIView

from accounts.openapi import EMPTY
from devices import etags
from devices.authentication import DeviceRequest, DeviceTokenAuthentication
from market import (
    device_skills,
    legacy_settings,
    manifest,
    serializers,
    settings_definitions,
    settings_values,
    skill_settings,
)

TOO_MANY = f"a device stores at most {device_skills.LIMIT} skills"
NO_SETTINGS = OpenApiResponse(description="No skill has settings; the body is empty.")
TOO_LARGE = "over 64 KB"
REFUSALS = (
    device_skills.TooManySkills,
    settings_definitions.DefinitionTooLarge,
    settings_values.ValuesTooLarge,
)


class ManifestView(APIView):
    """GET, PUT /v1/device/D/skillJson: which skills the device has."""

    authentication_classes = (DeviceTokenAuthentication,)

    @extend_schema(responses=serializers.ManifestSerializer)
    def get(self, request: DeviceRequest, device_id: str) -> Response:
        skills = {"skills": manifest.read(request.auth)}
        return Response(serializers.ManifestSerializer(skills).data)

    @extend_schema(request=serializers.ManifestSerializer, responses={200: EMPTY})
    def put(self, request: DeviceRequest, device_id: str) -> Response:
        sent = serializers.ManifestSerializer(data=request.data)
        sent.is_valid(raise_exception=True)
        try:
            manifest.store(request.auth, sent.entries)
        except device_skills.TooManySkills as error:
            raise ValidationError({"skills": [TOO_MANY]}) from error
        return Response()


class SettingsMetaView(APIView):
    """PUT /v1/device/D/settingsMeta: the settings that a skill offers."""

    authentication_classes = (DeviceTokenAuthentication,)

    @extend_schema(request=serializers.SettingsDefinitionSerializer, responses={204: EMPTY})
    def put(self, request: DeviceRequest, device_id: str) -> Response:
        sent = serializers.SettingsDefinitionSerializer(data=request.data)
        sent.is_valid(raise_exception=True)
        try:
            settings_definitions.store(
                request.auth, sent.validated_data["skill_gid"], sent.validated_data
            )
        except REFUSALS as error:
            _refuse(error)
        return Response(status=status.HTTP_204_NO_CONTENT)


class DeviceSettingsView(APIView):
    """GET /v1/device/D/skill/settings: the values of all skills, polled every minute."""

    authentication_classes = (DeviceTokenAuthentication,)

    @extend_schema(responses={200: OpenApiTypes.OBJECT, 304: EMPTY})
    def get(self, request: DeviceRequest, device_id: str) -> HttpResponse:
        values = skill_settings.of_device(request.auth)
        return etags.respond_unless_known(request, values.by_skill, is_secret=values.has_secrets)


class LegacySkillView(APIView):
    """GET, PUT /v1/device/D/skill: settings as devices before 19.08 exchange them."""

    authentication_classes = (DeviceTokenAuthentication,)

    @extend_schema(
        responses={
            200: serializers.LegacySkillAnswerSerializer(many=True),
            204: NO_SETTINGS,
            304: EMPTY,
        }
    )
    def get(self, request: DeviceRequest, device_id: str) -> HttpResponse:
        skills = legacy_settings.read(request.auth)
        if not skills:
            return Response(status=status.HTTP_204_NO_CONTENT)
        return etags.respond_unless_known(request, skills, is_secret=True)

    @extend_schema(
        request=serializers.LegacySkillSerializer,
        responses=serializers.SkillIdSerializer,
    )
    def put(self, request: DeviceRequest, device_id: str) -> Response:
        sent = serializers.LegacySkillSerializer(data=request.data)
        sent.is_valid(raise_exception=True)
        try:
            skill = legacy_settings.store(
                request.auth, sent.validated_data["skill_gid"], sent.validated_data
            )
        except REFUSALS as error:
            _refuse(error)
        return Response(serializers.SkillIdSerializer(skill).data)


class DeviceSkillView(APIView):
    """DELETE /v1/device/D/skill/<skill_gid>: the skill is no longer on the device."""

    authentication_classes = (DeviceTokenAuthentication,)

    @extend_schema(responses={204: EMPTY})
    def delete(self, request: DeviceRequest, device_id: str, skill_gid: str) -> Response:
        manifest.remove(request.auth, skill_gid)
        return Response(status=status.HTTP_204_NO_CONTENT)


def _refuse(error: Exception) -> NoReturn:
    """Answer 400 to a definition that is too much."""
    if isinstance(error, device_skills.TooManySkills):
        raise ValidationError({"skill_gid": [TOO_MANY]}) from error
    raise ValidationError({"skillMetadata": [TOO_LARGE]}) from error
