"""What devices say about recorded wake words."""

from datetime import UTC, datetime

from rest_framework import serializers

# Seconds and milliseconds since 1970 are told apart here: in 5138, or in 1973.
SMALLEST_MILLISECONDS = 10**11


class RecordedAtField(serializers.Field):
    """Unix time, in milliseconds as a text, as devices write it; seconds and numbers will do."""

    default_error_messages = {"invalid": "A Unix time in milliseconds is required."}

    def to_internal_value(self, data: object) -> datetime:
        if isinstance(data, bool) or not isinstance(data, str | int | float):
            self.fail("invalid")
        try:
            number = float(data)
            seconds = number / 1_000 if number >= SMALLEST_MILLISECONDS else number
            return datetime.fromtimestamp(max(seconds, 0), UTC)
        except (ValueError, OverflowError, OSError):
            self.fail("invalid")

    def to_representation(self, value: datetime) -> str:
        return str(int(value.timestamp() * 1_000))


class SampleMetadataSerializer(serializers.Serializer):
    """The part ``metadata`` of POST /v1/device/D/wake-word-file."""

    wake_word = serializers.CharField(max_length=100, help_text='E.g. "hey mycroft".')
    engine = serializers.CharField(max_length=100, help_text='E.g. "precise".')
    timestamp = RecordedAtField(source="recorded_at", help_text="Unix time in milliseconds.")
    model = serializers.CharField(max_length=100, help_text="A digest of the engine's model.")


class SampleUploadSerializer(serializers.Serializer):
    """The form itself, for the description."""

    audio = serializers.FileField()
    metadata = serializers.FileField(help_text="JSON: wake_word, engine, timestamp, model.")
