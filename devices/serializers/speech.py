"""What devices say about speech and recordings."""

from rest_framework import serializers

LANGUAGE = r"\A[A-Za-z]{2,3}(?:[-_][A-Za-z0-9]{2,8}){0,3}\Z"


class TranscribeQuerySerializer(serializers.Serializer):
    lang = serializers.RegexField(
        LANGUAGE, default="en-US", max_length=35, help_text='BCP 47, e.g. "en-US".'
    )

    def validate_lang(self, lang: str) -> str:
        return lang.replace("_", "-")


class SpeechQuerySerializer(TranscribeQuerySerializer):
    limit = serializers.IntegerField(
        default=1, min_value=1, max_value=100, help_text="How many guesses to answer at most."
    )
