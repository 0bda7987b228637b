"""The JSON about Mark IIs, whose software Pantacor updates."""

from rest_framework import serializers


class PantacorSyncSerializer(serializers.Serializer):
    """The body of POST /v1/device/pantacor."""

    mycroft_device_id = serializers.CharField(max_length=100)
    pantacor_device_id = serializers.CharField(max_length=100)


class SoftwareUpdateSerializer(serializers.Serializer):
    """The body of PATCH /api/software-update."""

    deploymentId = serializers.CharField(max_length=100)


class SshKeySerializer(serializers.Serializer):
    """The answer of GET /api/ssh-key."""

    isValid = serializers.BooleanField()
