"""What devices and their owners ask about skills."""

from typing import Any, NoReturn

from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiResponse, extend_schema
from rest_framework import status
from rest_framework.exceptions import ValidationError
from rest_framework.response import Response
from rest_framework.views import APIView

from accounts.authentication import AccountRequest
from accounts.openapi import EMPTY, ERROR, FIELD_ERRORS
from devices import etags
from devices.authentication import DeviceRequest, DeviceTokenAuthentication
from market import (
    device_skills,
    families,
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
REFUSED = {400: FIELD_ERRORS, 401: ERROR}
REFUSALS = (
    device_skills.TooManySkills,
    settings_definitions.DefinitionTooLarge,
    settings_values.ValuesTooLarge,
)


class ManifestView(APIView):
    """GET, PUT /v1/device/D/skillJson: which skills the device has."""

    authentication_classes = (DeviceTokenAuthentication,)

    @extend_schema(responses={200: serializers.ManifestSerializer, 401: ERROR})
    def get(self, request: DeviceRequest, device_id: str) -> Response:
        skills = {"skills": manifest.read(request.auth)}
        return Response(serializers.ManifestSerializer(skills).data)

    @extend_schema(request=serializers.ManifestSerializer, responses={200: EMPTY} | REFUSED)
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

    @extend_schema(
        request=serializers.SettingsDefinitionSerializer, responses={204: EMPTY} | REFUSED
    )
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

    @extend_schema(responses={200: OpenApiTypes.OBJECT, 304: EMPTY, 401: ERROR})
    def get(self, request: DeviceRequest, device_id: str) -> Response:
        return etags.respond_unless_known(request, skill_settings.of_device(request.auth))


class LegacySkillView(APIView):
    """GET, PUT /v1/device/D/skill: settings as devices before 19.08 exchange them."""

    authentication_classes = (DeviceTokenAuthentication,)

    @extend_schema(
        responses={
            200: serializers.LegacySkillAnswerSerializer(many=True),
            204: NO_SETTINGS,
            304: EMPTY,
            401: ERROR,
        }
    )
    def get(self, request: DeviceRequest, device_id: str) -> Response:
        skills = legacy_settings.read(request.auth)
        if not skills:
            return Response(status=status.HTTP_204_NO_CONTENT)
        return etags.respond_unless_known(request, skills)

    @extend_schema(
        request=serializers.LegacySkillSerializer,
        responses={200: serializers.SkillIdSerializer} | REFUSED,
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

    @extend_schema(responses={204: EMPTY, 401: ERROR})
    def delete(self, request: DeviceRequest, device_id: str, skill_gid: str) -> Response:
        manifest.remove(request.auth, skill_gid)
        return Response(status=status.HTTP_204_NO_CONTENT)


class SkillsView(APIView):
    """GET /api/skills: the skills on the account's devices."""

    @extend_schema(responses={200: serializers.FamilySerializer(many=True), 401: ERROR})
    def get(self, request: AccountRequest) -> Response:
        found = families.of_account(request.user)
        return Response(serializers.FamilySerializer(found, many=True).data)


class SkillSettingsView(APIView):
    """GET, PUT /api/skills/<family>/settings: settings of a skill over all devices."""

    @extend_schema(responses={200: serializers.SkillSettingsSerializer(many=True), 401: ERROR})
    def get(self, request: AccountRequest, family_name: str) -> Response:
        found = skill_settings.of_family(request.user, family_name)
        return Response(serializers.SkillSettingsSerializer(found, many=True).data)

    @extend_schema(
        request=serializers.SkillSettingsChangeSerializer, responses={200: EMPTY} | REFUSED
    )
    def put(self, request: AccountRequest, family_name: str) -> Response:
        sent = serializers.SkillSettingsChangeSerializer(data=request.data)
        sent.is_valid(raise_exception=True)
        edits, skill_ids = sent.edits, sent.validated_data.get("skillIds", [])
        try:
            skill_settings.change(request.user, family_name, edits, skill_ids)
        except skill_settings.UnknownSkill as error:
            raise ValidationError({"skillIds": ["none of your devices has this skill"]}) from error
        except skill_settings.UnknownDevice as error:
            reason = f"none of your devices is called {error} and has this skill"
            place = _at(edits.index(error.edit), {"deviceNames": [reason]})
            raise ValidationError(place) from error
        except skill_settings.UnfitValues as error:
            reasons = {error.setting: [str(error)]} if error.setting else [str(error)]
            place = _at(edits.index(error.edit), {"settingsValues": reasons})
            raise ValidationError(place) from error
        return Response()


def _at(position: int, reason: dict[str, Any]) -> dict[str, Any]:
    """Return ``reason`` where the request has the entry it is about."""
    return {"skillSettings": {position: reason}}


def _refuse(error: Exception) -> NoReturn:
    """Answer 400 to a definition that is too much."""
    if isinstance(error, device_skills.TooManySkills):
        raise ValidationError({"skill_gid": [TOO_MANY]}) from error
    raise ValidationError({"skillMetadata": [TOO_LARGE]}) from error
