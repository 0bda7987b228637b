"""What owners ask about their devices, at /api/."""

from typing import Any
from uuid import UUID

from django.utils.timezone import now
from drf_spectacular.utils import OpenApiResponse, extend_schema
from rest_framework import status
from rest_framework.exceptions import NotFound, ValidationError
from rest_framework.permissions import AllowAny
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.throttling import BaseThrottle
from rest_framework.views import APIView

from accounts.authentication import AccountRequest
from accounts.openapi import EMPTY, UPSTREAM
from accounts.throttles import ScopedThrottle
from devices import contacts, defaults, editing, pairing, pantacor, places, preferences, reference
from devices.models import Device, Voice
from devices.serializers import account as serializers
from geography.models import Country

SHOWN = (
    "city__region__country",
    "city__timezone",
    "timezone",
    "voice",
    "wake_word",
    "pantacor_config",
)
NAME_TAKEN = {"name": ["you have a device of this name"]}
NO_DEVICE = "device not found"
NOT_SET = OpenApiResponse(description="None were set; the body is empty.")
CHANGED = {204: EMPTY}


class VoicesView(APIView):
    """GET /api/voices: the voices that a device can have."""

    authentication_classes = ()
    permission_classes = (AllowAny,)

    @extend_schema(auth=[], responses=serializers.ListedVoiceSerializer(many=True))
    def get(self, request: Request) -> Response:
        return Response(serializers.ListedVoiceSerializer(Voice.objects.all(), many=True).data)


class WakeWordsView(APIView):
    """GET /api/wake-words: the phrases that a device can listen for."""

    @extend_schema(responses=serializers.ListedSerializer(many=True))
    def get(self, request: Request) -> Response:
        return Response(serializers.ListedSerializer(reference.wake_words(), many=True).data)


class GeographiesView(APIView):
    """GET /api/geographies: the countries that the account's devices stand in."""

    @extend_schema(responses=serializers.ListedCountrySerializer(many=True))
    def get(self, request: AccountRequest) -> Response:
        countries = Country.objects.filter(regions__cities__devices__account=request.user)
        listed = serializers.ListedCountrySerializer(countries.distinct(), many=True)
        return Response(listed.data)


class PreferencesView(APIView):
    """GET, POST, PATCH /api/preferences; POST and PATCH are the same."""

    @extend_schema(responses={200: serializers.PreferencesSerializer, 204: NOT_SET})
    def get(self, request: AccountRequest) -> Response:
        chosen = preferences.of(request.user)
        if chosen is None:
            return Response(status=status.HTTP_204_NO_CONTENT)
        return Response(serializers.PreferencesSerializer(chosen).data)

    @extend_schema(request=serializers.PreferencesSerializer, responses=CHANGED)
    def post(self, request: AccountRequest) -> Response:
        return self._change(request)

    @extend_schema(request=serializers.PreferencesSerializer, responses=CHANGED)
    def patch(self, request: AccountRequest) -> Response:
        return self._change(request)

    def _change(self, request: AccountRequest) -> Response:
        change = serializers.PreferencesSerializer(data=request.data)
        change.is_valid(raise_exception=True)
        preferences.change(request.user, **change.validated_data)
        return Response(status=status.HTTP_204_NO_CONTENT)


class DefaultsView(APIView):
    """GET, POST, PATCH /api/defaults; POST and PATCH are the same."""

    @extend_schema(responses={200: serializers.DefaultsSerializer, 204: NOT_SET})
    def get(self, request: AccountRequest) -> Response:
        chosen = defaults.of(request.user)
        if chosen is None:
            return Response(status=status.HTTP_204_NO_CONTENT)
        return Response(serializers.DefaultsSerializer(chosen).data)

    @extend_schema(request=serializers.DefaultsChangeSerializer, responses=CHANGED)
    def post(self, request: AccountRequest) -> Response:
        return self._change(request)

    @extend_schema(request=serializers.DefaultsChangeSerializer, responses=CHANGED)
    def patch(self, request: AccountRequest) -> Response:
        return self._change(request)

    def _change(self, request: AccountRequest) -> Response:
        change = serializers.DefaultsChangeSerializer(data=request.data)
        change.is_valid(raise_exception=True)
        try:
            defaults.change(request.user, **change.validated_data)
        except places.UnknownPlace as error:
            raise ValidationError(error.reasons) from error
        return Response(status=status.HTTP_204_NO_CONTENT)


class DeviceCountView(APIView):
    """GET /api/device-count."""

    @extend_schema(responses=serializers.DeviceCountSerializer)
    def get(self, request: AccountRequest) -> Response:
        return Response({"deviceCount": request.user.devices.count()})


class PairingCodeView(APIView):
    """GET /api/pairing-code/<code>: whether a device shows this code, whatever was typed."""

    throttle_classes = (ScopedThrottle,)
    throttle_scope = "pairing-check"

    @extend_schema(responses=serializers.CodeCheckSerializer)
    def get(self, request: Request, code: str) -> Response:
        return Response({"isValid": pairing.is_claimable(serializers.normalise_code(code))})


class DevicesView(APIView):
    """GET /api/devices; POST pairs the device that read out a code."""

    throttle_scope = "pairing-check"

    def get_throttles(self) -> list[BaseThrottle]:
        # A claim tells as much about a code as asking for it does.
        return [ScopedThrottle()] if self.request.method == "POST" else []

    @extend_schema(responses=serializers.OwnedDeviceSerializer(many=True))
    def get(self, request: AccountRequest) -> Response:
        return Response(show(list(request.user.devices.select_related(*SHOWN))))

    @extend_schema(request=serializers.NewDeviceSerializer, responses=CHANGED)
    def post(self, request: AccountRequest) -> Response:
        new = serializers.NewDeviceSerializer(data=request.data)
        new.is_valid(raise_exception=True)
        try:
            editing.add(request.user, **new.validated_data)
        except pairing.UnknownCode as error:
            raise ValidationError({"pairingCode": ["pairing code not found"]}) from error
        except pairing.NameTaken as error:
            raise ValidationError(NAME_TAKEN) from error
        except editing.TooManyDevices as error:
            raise ValidationError({"error": str(error)}) from error
        return Response(status=status.HTTP_204_NO_CONTENT)


class DeviceView(APIView):
    """GET, PATCH, DELETE /api/devices/<id>."""

    @extend_schema(responses=serializers.OwnedDeviceSerializer)
    def get(self, request: AccountRequest, device_id: UUID) -> Response:
        device = request.user.devices.filter(pk=device_id).select_related(*SHOWN).first()
        if device is None:
            raise NotFound(NO_DEVICE)
        if hasattr(device, "pantacor_config"):
            pantacor.refresh(device.pantacor_config)
        return Response(show([device])[0])

    @extend_schema(
        request=serializers.DeviceChangeSerializer,
        responses=CHANGED | UPSTREAM,
    )
    def patch(self, request: AccountRequest, device_id: UUID) -> Response:
        device = self._device(request, device_id)
        change = serializers.DeviceChangeSerializer(device, data=request.data)
        change.is_valid(raise_exception=True)
        fields = change.validated_data
        try:
            editing.check_name(device, fields["name"])
            pantacor.change(device, **fields.pop("pantacor"))
            editing.change(device, **fields)
        except pairing.NameTaken as error:
            raise ValidationError(NAME_TAKEN) from error
        except Device.DoesNotExist as error:
            raise NotFound(NO_DEVICE) from error
        return Response(status=status.HTTP_204_NO_CONTENT)

    @extend_schema(responses={204: EMPTY})
    def delete(self, request: AccountRequest, device_id: UUID) -> Response:
        if not editing.remove(request.user.devices.filter(pk=device_id)):
            raise NotFound(NO_DEVICE)
        return Response(status=status.HTTP_204_NO_CONTENT)

    def _device(self, request: AccountRequest, device_id: UUID) -> Device:
        device = (
            request.user.devices.select_related("wake_word", "pantacor_config")
            .filter(pk=device_id)
            .first()
        )
        if device is None:
            raise NotFound(NO_DEVICE)
        return device


def show(devices: list[Device]) -> list[dict[str, Any]]:
    """Return ``devices`` as their owner sees them."""
    context = {"contacts": contacts.latest(devices), "now": now()}
    return list(serializers.OwnedDeviceSerializer(devices, many=True, context=context).data)
