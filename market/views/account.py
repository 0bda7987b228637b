"""What owners ask about the skills on their devices."""

from typing import Any

from drf_spectacular.utils import extend_schema
from rest_framework.exceptions import ValidationError
from rest_framework.response import Response
from rest_framework.views import APIView

from accounts.authentication import AccountRequest
from accounts.openapi import EMPTY
from market import families, serializers, skill_settings


class SkillsView(APIView):
    """GET /api/skills: the skills on the account's devices."""

    @extend_schema(responses=serializers.FamilySerializer(many=True))
    def get(self, request: AccountRequest) -> Response:
        found = families.of_account(request.user)
        return Response(serializers.FamilySerializer(found, many=True).data)


class SkillSettingsView(APIView):
    """GET, PUT /api/skills/<family>/settings: settings of a skill over all devices."""

    @extend_schema(responses=serializers.SkillSettingsSerializer(many=True))
    def get(self, request: AccountRequest, family_name: str) -> Response:
        found = skill_settings.of_family(request.user, family_name)
        return Response(serializers.SkillSettingsSerializer(found, many=True).data)

    @extend_schema(request=serializers.SkillSettingsChangeSerializer, responses={200: EMPTY})
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
