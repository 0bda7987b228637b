"""The JSON that devices send and get."""

from typing import Any

from rest_framework import serializers

from devices.models import (
    AccountPreferences,
    DateFormat,
    Device,
    MeasurementSystem,
    TimeFormat,
)

UNKNOWN = "unknown"
# Both spellings occur in released clients.
SPELLINGS = {"core_version": "coreVersion", "enclosure_version": "enclosureVersion"}


class CodeQuerySerializer(serializers.Serializer):
    """The query of GET /v1/device/code."""

    state = serializers.CharField(max_length=200)
    packaging = serializers.CharField(max_length=50, required=False, allow_blank=True)


class CodeSerializer(serializers.Serializer):
    """A pairing code and the token that goes with it."""

    state = serializers.CharField()
    token = serializers.CharField()
    expiration = serializers.IntegerField(help_text="Seconds.")
    code = serializers.CharField()


class VersionField(serializers.CharField):
    """A version or platform; null means that the device does not know."""

    def __init__(self, **options: Any) -> None:  # noqa: ANN401
        super().__init__(
            max_length=100, required=False, allow_null=True, allow_blank=True, **options
        )

    def run_validation(self, data: Any = serializers.empty) -> str:  # noqa: ANN401
        return super().run_validation(data) or UNKNOWN


class ActivationSerializer(serializers.Serializer):
    """The body of POST /v1/device/activate."""

    token = serializers.CharField(max_length=200)
    state = serializers.CharField(max_length=200)
    platform = VersionField(default=UNKNOWN)
    coreVersion = VersionField(source="core_version", default=UNKNOWN)
    enclosureVersion = VersionField(source="enclosure_version", default=UNKNOWN)
    platform_build = VersionField(default=UNKNOWN)
    pantacor_device_id = serializers.CharField(
        max_length=100,
        required=False,
        allow_null=True,
        allow_blank=True,
        source="pantacor_id",
    )

    def to_internal_value(self, data: Any) -> dict[str, Any]:  # noqa: ANN401
        if isinstance(data, dict):
            data = {SPELLINGS.get(name, name): value for name, value in data.items()}
        fields = super().to_internal_value(data)
        return fields | {"pantacor_id": fields.get("pantacor_id") or ""}


class IssuedTokensSerializer(serializers.Serializer):
    """A device's login."""

    uuid = serializers.UUIDField()
    accessToken = serializers.CharField()
    refreshToken = serializers.CharField()
    expiration = serializers.IntegerField(help_text="Seconds until it should refresh.")


class DeviceSerializer(serializers.Serializer):
    """A device as it sees itself."""

    uuid = serializers.UUIDField(source="pk")
    name = serializers.CharField()
    description = serializers.CharField(source="placement")
    coreVersion = serializers.CharField(source="core_version")
    enclosureVersion = serializers.CharField(source="enclosure_version")
    platform = serializers.CharField()
    user = serializers.DictField(help_text='{"uuid": <the account\'s>}')

    def to_representation(self, device: Device) -> dict[str, Any]:
        return {
            "uuid": str(device.pk),
            "name": device.name,
            "description": device.placement,
            "coreVersion": device.core_version,
            "enclosureVersion": device.enclosure_version,
            "platform": device.platform,
            "user": {"uuid": str(device.account_id)},
        }


class DevicePatchSerializer(serializers.Serializer):
    """The body of PATCH /v1/device/D: an absent field stays as it was."""

    platform = VersionField()
    coreVersion = VersionField(source="core_version")
    enclosureVersion = VersionField(source="enclosure_version")
    platform_build = VersionField()


SYSTEM_UNITS = {MeasurementSystem.METRIC: "metric", MeasurementSystem.IMPERIAL: "imperial"}
DATE_FORMATS = {DateFormat.DAY_FIRST: "DMY", DateFormat.MONTH_FIRST: "MDY"}
TIME_FORMATS = {TimeFormat.TWENTY_FOUR_HOURS: "full", TimeFormat.TWELVE_HOURS: "half"}
MILLISECONDS = 3_600_000  # in an hour


class SettingSerializer(serializers.Serializer):
    """The body of GET /v1/device/D/setting, of a device from ``Device.objects.with_setting()``."""

    uuid = serializers.UUIDField()
    systemUnit = serializers.ChoiceField(choices=list(SYSTEM_UNITS.values()))
    dateFormat = serializers.ChoiceField(choices=list(DATE_FORMATS.values()))
    timeFormat = serializers.ChoiceField(choices=list(TIME_FORMATS.values()))
    optIn = serializers.BooleanField(help_text="The account agreed to Open Dataset.")
    ttsSettings = serializers.DictField(help_text='{"module": M, M: {"voice": V}}')

    def to_representation(self, device: Any) -> dict[str, Any]:  # noqa: ANN401 - annotated
        # What was never set is what the model starts with.
        preferences = getattr(device.account, "preferences", None) or AccountPreferences()
        voice = device.voice
        return {
            "uuid": str(device.pk),
            "systemUnit": SYSTEM_UNITS[MeasurementSystem(preferences.measurement_system)],
            "dateFormat": DATE_FORMATS[DateFormat(preferences.date_format)],
            "timeFormat": TIME_FORMATS[TimeFormat(preferences.time_format)],
            "optIn": device.opted_in,
            "ttsSettings": {
                "module": voice.engine,
                voice.engine: {"voice": voice.setting_name},
            },
        }


class LocationSerializer(serializers.Serializer):
    """The body of GET /v1/device/D/location, of a device from ``Device.objects.with_location()``.

    Offsets are milliseconds from UTC: in January, and in July.
    """

    coordinate = serializers.DictField()
    timezone = serializers.DictField()
    city = serializers.DictField()

    def to_representation(self, device: Any) -> dict[str, Any]:  # noqa: ANN401 - with its place
        city, timezone = device.city, device.timezone
        region, country = city.region, city.region.country
        return {
            "coordinate": {"latitude": city.latitude, "longitude": city.longitude},
            "timezone": {
                "name": timezone.name,
                "code": timezone.name,
                "offset": round(timezone.gmt_offset * MILLISECONDS),
                "dstOffset": round(timezone.dst_offset * MILLISECONDS),
            },
            "city": {
                "name": city.name,
                "state": {
                    "name": region.name,
                    "code": region.region_code,
                    "country": {"name": country.name, "code": country.iso_code},
                },
            },
        }


class DeviceSubscriptionSerializer(serializers.Serializer):
    """The body of GET /v1/device/D/subscription."""

    def get_fields(self) -> dict[str, serializers.Field]:
        return {"@type": serializers.CharField(help_text='"free" or the membership\'s name.')}


class VoiceQuerySerializer(serializers.Serializer):
    """The query of GET /v1/device/D/voice."""

    arch = serializers.CharField(
        default="", allow_blank=True, help_text='"arm" or "x86_64"; for others there is no voice.'
    )


class VoiceLinkSerializer(serializers.Serializer):
    """The body of GET /v1/device/D/voice."""

    link = serializers.CharField(help_text="Where members get the voice, or empty.")


class GeolocationQuerySerializer(serializers.Serializer):
    """The query of GET /v1/geolocation."""

    location = serializers.CharField(max_length=300)


class FoundPlaceSerializer(serializers.Serializer):
    """The city that a spoken name means."""

    city = serializers.CharField()
    country = serializers.CharField()
    region = serializers.CharField()
    latitude = serializers.FloatField()
    longitude = serializers.FloatField()
    timezone = serializers.CharField(help_text="IANA name.")


class GeolocationSerializer(serializers.Serializer):
    """The body of GET /v1/geolocation: null where nothing fits."""

    def get_fields(self) -> dict[str, serializers.Field]:
        return {"data": FoundPlaceSerializer(allow_null=True)}
