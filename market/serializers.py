"""The JSON of skills: manifests, settings definitions, settings."""

from collections.abc import Iterator, Mapping
from math import isfinite
from typing import Any
from uuid import UUID

from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers

from market import manifest
from market.models import Installation, Request
from market.skill_settings import Settings

GID_LENGTH = 300
FARTHEST = 2.0**53  # seconds; a number beyond does not come back from JSON as it went
NO_IDENTITY = "skill should have either skill_gid or identifier defined"


class UnixTimeField(serializers.FloatField):
    """Seconds since 1970; null, like 0, for never."""

    def to_internal_value(self, data: Any) -> float:  # noqa: ANN401
        seconds = super().to_internal_value(data)
        if not isfinite(seconds) or abs(seconds) > FARTHEST:
            self.fail("invalid")
        return seconds

    def to_representation(self, value: float) -> float:  # type: ignore[override]
        return int(value) if value.is_integer() else value


class ManifestTextField(serializers.CharField):
    """Text that a device may leave out."""

    def __init__(self, **options: Any) -> None:  # noqa: ANN401
        optional = {"required": False, "allow_blank": True, "allow_null": True}
        super().__init__(**(optional | {"trim_whitespace": False} | options))


class ManifestEntrySerializer(serializers.Serializer):
    """A skill in a manifest."""

    name = ManifestTextField(max_length=300)
    origin = ManifestTextField(max_length=50)
    installation = serializers.ChoiceField(Installation.choices, required=False)
    failure_message = ManifestTextField()
    status = ManifestTextField(max_length=50)
    beta = serializers.BooleanField(source="is_beta", required=False, allow_null=True)
    installed = UnixTimeField(
        source="installed_seconds", min_value=0, required=False, allow_null=True
    )
    updated = UnixTimeField(source="updated_seconds", min_value=0, required=False, allow_null=True)
    skill_gid = serializers.CharField(
        max_length=GID_LENGTH, allow_blank=True, trim_whitespace=False
    )

    def to_internal_value(self, data: Any) -> dict[str, Any]:  # noqa: ANN401
        # Such an entry is passed over, so that nothing else in it matters.
        if isinstance(data, Mapping) and not data.get("skill_gid"):
            return {"skill_gid": ""}
        entry = super().to_internal_value(data)
        return {name: value for name, value in entry.items() if value is not None}


class ManifestSerializer(serializers.Serializer):
    """Which skills a device has (skillJson)."""

    skills = ManifestEntrySerializer(many=True)

    @property
    def entries(self) -> list[manifest.Entry]:
        return [manifest.Entry(**entry) for entry in self.validated_data["skills"]]


@extend_schema_field(OpenApiTypes.OBJECT)
class SkillMetadataField(serializers.Field):
    """``{"sections": [{"name", "fields": [...]}]}``, as a skill's author wrote it."""

    default_error_messages = {
        "object": "an object is required",
        "sections": "sections must be a list of objects",
        "fields": "fields must be a list of objects",
        "name": "the name of a field must be a string",
        "type": "the type of a field must be a string",
    }

    def to_internal_value(self, data: Any) -> dict[str, Any]:  # noqa: ANN401
        if not isinstance(data, dict):
            self.fail("object")
        for section in self._objects(data, "sections"):
            for field in self._objects(section, "fields"):
                for key in ("name", "type"):
                    if not isinstance(field.get(key), str | None):
                        self.fail(key)
        return data

    def to_representation(self, value: dict[str, Any]) -> dict[str, Any]:
        return value

    def _objects(self, parent: dict[str, Any], key: str) -> Iterator[dict[str, Any]]:
        children = parent.get(key)
        if children is None:
            children = []
        if not isinstance(children, list):
            self.fail(key)
        for child in children:
            if not isinstance(child, dict):
                self.fail(key)
            yield child


class SettingsDefinitionSerializer(serializers.Serializer):
    """The settings that a skill offers (settingsMeta)."""

    skill_gid = serializers.CharField(max_length=GID_LENGTH, trim_whitespace=False)
    display_name = serializers.CharField(allow_blank=True)
    icon = serializers.JSONField(required=False, allow_null=True)
    icon_img = serializers.JSONField(required=False, allow_null=True)
    skillMetadata = SkillMetadataField(required=False, allow_null=True)


class LegacySkillSerializer(serializers.Serializer):
    """A skill's settings and their values, as devices before 19.08 send them."""

    skill_gid = ManifestTextField(max_length=GID_LENGTH)
    identifier = ManifestTextField(max_length=GID_LENGTH)
    name = serializers.JSONField(required=False, allow_null=True)
    display_name = ManifestTextField()
    color = serializers.JSONField(required=False, allow_null=True)
    icon = serializers.JSONField(required=False, allow_null=True)
    icon_img = serializers.JSONField(required=False, allow_null=True)
    skillMetadata = SkillMetadataField(required=False, allow_null=True)

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        attrs["skill_gid"] = attrs.get("skill_gid") or attrs.get("identifier")
        if not attrs["skill_gid"]:
            raise serializers.ValidationError({"skill_gid": [NO_IDENTITY]})
        return attrs


class LegacySkillAnswerSerializer(serializers.Serializer):
    """A skill's settings as devices before 19.08 read them; values are strings."""

    uuid = serializers.UUIDField()
    skill_gid = serializers.CharField()
    identifier = serializers.CharField()
    skillMetadata = SkillMetadataField()


class SkillIdSerializer(serializers.Serializer):
    """The id of the skill that was sent."""

    uuid = serializers.UUIDField(source="pk")


class FamilySerializer(serializers.Serializer):
    """A skill on the devices of an account."""

    familyName = serializers.CharField(source="family_name")
    marketId = serializers.UUIDField(source="market_id", allow_null=True)
    name = serializers.CharField()
    hasSettings = serializers.BooleanField(source="has_settings")
    skillIds = serializers.ListField(child=serializers.UUIDField(), source="skill_ids")


@extend_schema_field(OpenApiTypes.OBJECT)
class ValuesField(serializers.Field):
    """Values of settings by name; null, as the first Selene had it, for none."""

    default_error_messages = {"object": "an object is required"}

    def to_internal_value(self, data: Any) -> dict[str, Any]:  # noqa: ANN401
        if not isinstance(data, dict):
            self.fail("object")
        return data

    def to_representation(self, value: dict[str, Any]) -> dict[str, Any]:
        return value


class SkillSettingsSerializer(serializers.Serializer):
    """Settings that some devices of an account share."""

    settingsDisplay = serializers.JSONField(source="display", required=False, allow_null=True)
    settingsValues = ValuesField(source="values", allow_null=True)
    deviceNames = serializers.ListField(
        child=serializers.CharField(trim_whitespace=False), source="device_names"
    )


class SkillSettingsChangeSerializer(serializers.Serializer):
    """New values of settings, entries as they were read."""

    skillIds = serializers.ListField(child=serializers.UUIDField(), required=False)
    skillSettings = SkillSettingsSerializer(many=True)

    @property
    def edits(self) -> list[Settings]:
        return [
            Settings(**entry | {"values": entry["values"] or {}})
            for entry in self.validated_data["skillSettings"]
        ]


@extend_schema_field(OpenApiTypes.OBJECT)
class IconField(serializers.Field):
    """``{"icon", "color"}``; null only where there is an image."""


class SummarySerializer(serializers.Serializer):
    """A skill in the list of the marketplace; for the API's description alone."""

    id = serializers.UUIDField()
    displayName = serializers.CharField()
    summary = serializers.CharField()
    icon = IconField(allow_null=True)
    iconImage = serializers.URLField(allow_null=True)
    trigger = serializers.CharField(allow_null=True)
    marketCategory = serializers.CharField()
    isSystemSkill = serializers.BooleanField()
    isMycroftMade = serializers.BooleanField()


class AvailableSerializer(serializers.Serializer):
    """What the marketplace lists."""

    skills = SummarySerializer(many=True)


class CreditSerializer(serializers.Serializer):
    """Who made a skill."""

    name = serializers.CharField()
    githubId = serializers.CharField()


class SkillDetailSerializer(serializers.Serializer):
    """All that the marketplace tells of a skill; for the API's description alone."""

    id = serializers.UUIDField()
    displayName = serializers.CharField()
    summary = serializers.CharField(help_text="Safe HTML.")
    description = serializers.CharField(help_text="Safe HTML.")
    categories = serializers.ListField(child=serializers.CharField())
    credits = CreditSerializer(many=True)
    icon = IconField(allow_null=True)
    iconImage = serializers.URLField(allow_null=True)
    isSystemSkill = serializers.BooleanField()
    repositoryUrl = serializers.URLField(allow_null=True)
    triggers = serializers.ListField(child=serializers.CharField())
    worksOnMarkOne = serializers.BooleanField()
    worksOnMarkTwo = serializers.BooleanField()
    worksOnPicroft = serializers.BooleanField()
    worksOnKDE = serializers.BooleanField()


class StatusesSerializer(serializers.Serializer):
    """How skills are, by skill id and by market id."""

    installStatuses = serializers.DictField(child=serializers.ChoiceField(Installation.choices))
    failureReasons = serializers.DictField(child=serializers.CharField())


SECTIONS = {"to_install": Request.INSTALL, "to_remove": Request.REMOVE}


class InstallSerializer(serializers.Serializer):
    """What to do with which skill of the marketplace.

    ``skill_name`` holds the market id, too: so Selene UI's page sends it for a removal.
    """

    section = serializers.ChoiceField(list(SECTIONS))
    skillDisplayId = serializers.UUIDField(required=False, allow_null=True)
    skill_name = serializers.UUIDField(required=False, allow_null=True)

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        if not (attrs.get("skillDisplayId") or attrs.get("skill_name")):
            reason = self.fields["skillDisplayId"].error_messages["required"]
            raise serializers.ValidationError({"skillDisplayId": [reason]})
        return attrs

    @property
    def id_field(self) -> str:
        return "skillDisplayId" if self.validated_data.get("skillDisplayId") else "skill_name"

    @property
    def market_id(self) -> UUID:
        return self.validated_data[self.id_field]

    @property
    def asked(self) -> Request:
        return SECTIONS[self.validated_data["section"]]


class AuthorizationSerializer(serializers.Serializer):
    """Whether a skill is connected, and the provider's page where that is done."""

    hasToken = serializers.BooleanField()
    url = serializers.URLField()
