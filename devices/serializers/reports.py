"""The JSON of what devices tell: messages to their owners."""

from rest_framework import serializers
from rest_framework.exceptions import ValidationError


class MessageSerializer(serializers.Serializer):
    """The body of PUT /v1/device/D/message."""

    title = serializers.CharField(max_length=200)
    sender = serializers.CharField(max_length=200)
    body = serializers.CharField(max_length=50_000, trim_whitespace=False)

    def validate_title(self, title: str) -> str:
        if not any(c.isprintable() and not c.isspace() for c in title):
            raise ValidationError("This field may not be blank.")
        return title
