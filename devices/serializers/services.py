"""What devices ask services through this server."""

from rest_framework import serializers


class InputQuerySerializer(serializers.Serializer):
    """The question of /wa and /wolframAlphaFull; whatever else comes is passed on."""

    input = serializers.CharField(max_length=2_000)


class SpokenQuerySerializer(serializers.Serializer):
    """The question of /wolframAlphaSpoken and /wolframAlphaSimple."""

    i = serializers.CharField(max_length=2_000)
