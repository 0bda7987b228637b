"""The JSON about devices that their owners send and get."""

from string import capwords
from typing import Any

from rest_framework import serializers
from rest_framework.exceptions import ValidationError

from devices import connection, places, reference, ssh_keys
from devices.models import (
    DateFormat,
    Device,
    MeasurementSystem,
    PantacorConfig,
    ReleaseChannel,
    TimeFormat,
    Voice,
    WakeWord,
)

PLACE_FIELDS = ("country", "region", "city", "timezone")
REQUIRED = "This field is required."


class ListedSerializer(serializers.Serializer):
    """An entry of a list to choose from."""

    id = serializers.UUIDField()
    name = serializers.CharField()
    userDefined = serializers.BooleanField(default=False)


class ListedVoiceSerializer(ListedSerializer):
    name = serializers.CharField(source="display_name")


class ListedCountrySerializer(ListedSerializer):
    userDefined = serializers.BooleanField(default=True)


class DeviceCountSerializer(serializers.Serializer):
    deviceCount = serializers.IntegerField()


class CodeCheckSerializer(serializers.Serializer):
    isValid = serializers.BooleanField()


class Nothing:
    """Has every attribute; each is None."""

    def __getattr__(self, name: str) -> None:
        return None


class AlwaysThereSerializer(serializers.Serializer):
    """An object inside another, there with null values where nothing is set."""

    def get_fields(self) -> dict[str, serializers.Field]:
        fields = super().get_fields()
        for field in fields.values():
            field.allow_null = True
        return fields

    def get_attribute(self, instance: object) -> object:
        for name in self.source_attrs:
            instance = getattr(instance, name, None)
        return instance or Nothing()


class ChosenCountrySerializer(AlwaysThereSerializer):
    id = serializers.UUIDField()
    name = serializers.CharField()
    isoCode = serializers.CharField(source="iso_code")


class ChosenRegionSerializer(AlwaysThereSerializer):
    id = serializers.UUIDField()
    name = serializers.CharField()
    regionCode = serializers.CharField(source="region_code")


class ChosenCitySerializer(AlwaysThereSerializer):
    id = serializers.UUIDField()
    name = serializers.CharField()
    timezone = serializers.CharField(source="timezone.name")
    latitude = serializers.FloatField()
    longitude = serializers.FloatField()


class ChosenTimezoneSerializer(AlwaysThereSerializer):
    id = serializers.UUIDField()
    name = serializers.CharField()
    gmtOffset = serializers.FloatField(source="gmt_offset", help_text="Hours.")
    dstOffset = serializers.FloatField(source="dst_offset", help_text="Hours.")


class ChosenVoiceSerializer(AlwaysThereSerializer):
    id = serializers.UUIDField()
    settingName = serializers.CharField(source="setting_name")
    displayName = serializers.CharField(source="display_name")
    engine = serializers.CharField()


class ChosenWakeWordSerializer(AlwaysThereSerializer):
    id = serializers.UUIDField()
    name = serializers.SerializerMethodField(help_text='E.g. "Hey Mycroft".')
    engine = serializers.CharField()

    def get_name(self, wake_word: WakeWord | Nothing) -> str | None:
        return wake_word.name and capwords(wake_word.name)


class PantacorSerializer(AlwaysThereSerializer):
    pantacorId = serializers.CharField(source="pantacor_id")
    autoUpdate = serializers.BooleanField(source="auto_update")
    releaseChannel = serializers.SerializerMethodField(help_text='E.g. "Stable".')
    sshPublicKey = serializers.CharField(source="ssh_public_key")
    ipAddress = serializers.CharField(source="ip_address")
    deploymentId = serializers.SerializerMethodField()
    claimed = serializers.SerializerMethodField()

    def get_releaseChannel(self, config: PantacorConfig | Nothing) -> str | None:
        return config.release_channel and ReleaseChannel(config.release_channel).label

    def get_deploymentId(self, config: PantacorConfig | Nothing) -> str | None:
        return config.deployment_id or None

    def get_claimed(self, config: PantacorConfig | Nothing) -> bool | None:
        return config.claimed_at is not None if config.pantacor_id else None


class OwnedDeviceSerializer(serializers.Serializer):
    """A device as its owner sees it; the context has ``contacts`` and ``now``."""

    id = serializers.UUIDField()
    accountId = serializers.UUIDField(source="account_id")
    name = serializers.CharField()
    placement = serializers.CharField()
    platform = serializers.CharField()
    coreVersion = serializers.CharField(source="core_version")
    enclosureVersion = serializers.CharField(source="enclosure_version")
    addTs = serializers.DateTimeField(source="created_at")
    lastContactTs = serializers.SerializerMethodField()
    status = serializers.SerializerMethodField()
    disconnectDuration = serializers.SerializerMethodField(help_text='E.g. "5 hours".')
    country = ChosenCountrySerializer(source="city.region.country")
    region = ChosenRegionSerializer(source="city.region")
    city = ChosenCitySerializer()
    timezone = ChosenTimezoneSerializer()
    voice = ChosenVoiceSerializer()
    wakeWord = ChosenWakeWordSerializer(source="wake_word")
    pantacorConfig = PantacorSerializer(source="pantacor_config")

    def get_lastContactTs(self, device: Device) -> str | None:
        contact = self.context["contacts"][device.pk]
        return serializers.DateTimeField().to_representation(contact) if contact else None

    def get_status(self, device: Device) -> connection.Status:
        return connection.status(self.context["contacts"][device.pk], self.context["now"])

    def get_disconnectDuration(self, device: Device) -> str | None:
        contact = self.context["contacts"][device.pk]
        return connection.disconnect_duration(contact, self.context["now"])


class PlaceNameField(serializers.CharField):
    """A name as the lists give it; null and "" mean that none was chosen."""

    def __init__(self, **options: Any) -> None:  # noqa: ANN401
        super().__init__(
            max_length=200, required=False, allow_null=True, allow_blank=True, **options
        )


class DeviceChangeSerializer(serializers.Serializer):
    """The body of PATCH /api/devices/<id>: what is optional and absent stays as it was."""

    name = serializers.CharField(max_length=100)
    placement = serializers.CharField(
        max_length=100, required=False, allow_null=True, allow_blank=True
    )
    voice = serializers.CharField(max_length=50)
    wakeWord = serializers.CharField(max_length=100, source="wake_word")
    country = PlaceNameField()
    region = PlaceNameField()
    city = PlaceNameField()
    timezone = PlaceNameField()
    autoUpdate = serializers.BooleanField(
        source="pantacor.auto_update", required=False, allow_null=True
    )
    sshPublicKey = serializers.CharField(
        source="pantacor.ssh_public_key",
        max_length=ssh_keys.MAX_CHARACTERS,
        required=False,
        allow_null=True,
        allow_blank=True,
    )
    releaseChannel = serializers.ChoiceField(
        source="pantacor.release_channel",
        choices=[*ReleaseChannel.values, *ReleaseChannel.labels],
        required=False,
        allow_null=True,
        allow_blank=True,
        help_text="Pantacor's name of it or the one that people read.",
    )

    def validate_placement(self, placement: str | None) -> str:
        return placement or ""

    def validate_voice(self, name: str) -> Voice:
        return find_voice(name)

    def validate_wakeWord(self, name: str) -> WakeWord:
        # One name can stand for two engines: the device keeps the one it has.
        if self.instance and self.instance.wake_word.name.lower() == name.lower():
            return self.instance.wake_word
        return find_wake_word(name)

    def validate_sshPublicKey(self, key: str | None) -> str | None:
        # What Pantacor has is shown, and comes back from Selene UI, as it is.
        config = getattr(self.instance, "pantacor_config", None)
        if key and not (config and config.ssh_public_key == key) and not ssh_keys.is_valid(key):
            raise ValidationError("not an OpenSSH public key")
        return key

    def validate_releaseChannel(self, channel: str | None) -> str | None:
        values = {label: value for value, label in ReleaseChannel.choices}
        return values.get(channel, channel) if channel else None

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        names = {field: attrs.pop(field, None) for field in PLACE_FIELDS}
        if any(names.values()):
            attrs["city"], attrs["timezone"] = find_place(names)
        wishes = attrs.pop("pantacor", {})
        attrs["pantacor"] = {name: wish for name, wish in wishes.items() if wish is not None}
        return attrs


class NewDeviceSerializer(DeviceChangeSerializer):
    """The body of POST /api/devices: without a place the device gets the account's default."""

    pairingCode = serializers.CharField(max_length=100, source="code")

    def validate_pairingCode(self, code: str) -> str:
        return normalise_code(code)


class DefaultsSerializer(serializers.Serializer):
    """What a new device starts with."""

    id = serializers.UUIDField()
    country = ChosenCountrySerializer()
    region = ChosenRegionSerializer()
    city = ChosenCitySerializer()
    timezone = ChosenTimezoneSerializer()
    voice = ChosenVoiceSerializer()
    wakeWord = ChosenWakeWordSerializer(source="wake_word")


class DefaultsChangeSerializer(serializers.Serializer):
    """The body of POST and PATCH /api/defaults: what is absent stays, null is cleared."""

    country = PlaceNameField()
    region = PlaceNameField()
    city = PlaceNameField()
    timezone = PlaceNameField()
    voice = serializers.CharField(max_length=50, required=False, allow_null=True, allow_blank=True)
    wakeWord = serializers.CharField(
        max_length=100, source="wake_word", required=False, allow_null=True, allow_blank=True
    )

    def validate_voice(self, name: str | None) -> Voice | None:
        return find_voice(name) if name else None

    def validate_wakeWord(self, name: str | None) -> WakeWord | None:
        return find_wake_word(name) if name else None

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        names = {field: attrs.pop(field) for field in PLACE_FIELDS if field in attrs}
        attrs["place_names"] = names
        return attrs


class PreferencesSerializer(serializers.Serializer):
    """How an account's devices tell dates, times and measures."""

    id = serializers.UUIDField(read_only=True)
    dateFormat = serializers.ChoiceField(source="date_format", choices=DateFormat.choices)
    measurementSystem = serializers.ChoiceField(
        source="measurement_system", choices=MeasurementSystem.choices
    )
    timeFormat = serializers.ChoiceField(source="time_format", choices=TimeFormat.choices)


def normalise_code(code: str) -> str:
    """Return a pairing code as it is stored, of one that a person typed."""
    return "".join(code.split()).upper()


def find_voice(name: str) -> Voice:
    """Return the voice of this name; ValidationError if there is none."""
    voice = reference.voice_named(name)
    if voice is None:
        raise ValidationError("voice not found")
    return voice


def find_wake_word(name: str) -> WakeWord:
    """Return the wake word of this name, in any case; ValidationError if there is none."""
    wake_word = reference.wake_word_named(name)
    if wake_word is None:
        raise ValidationError("wake word not found")
    return wake_word


def find_place(names: dict[str, str | None]) -> tuple[places.City, places.Timezone]:
    """Return the place that all four names give together; ValidationError for half a place."""
    given = {field: name for field, name in names.items() if name}
    if missing := {field: [REQUIRED] for field in names if field not in given}:
        raise ValidationError(missing)
    try:
        return places.resolve(**given)
    except places.UnknownPlace as error:
        raise ValidationError(error.reasons) from error
