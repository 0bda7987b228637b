"""Ways to narrow down a list of devices without reading all of them for what to offer."""

from collections.abc import Callable, Iterable

from django.contrib import admin
from django.db import models
from django.db.models import Q
from django.http import HttpRequest
from django.utils.timezone import now
from unfold.contrib.filters.admin import DropdownFilter

from devices import connection
from devices.models import Device

# What devices say of themselves, as an app above has counted it: by column, the commonest values.
counted: dict[str, Callable[[], Iterable[str]]] = {}


class StatusFilter(DropdownFilter):
    """Devices by their last contact, as far as it is written to their rows."""

    title = "status"
    parameter_name = "status"

    def lookups(self, request: HttpRequest, model_admin: admin.ModelAdmin) -> list[tuple[str, str]]:
        return connection.Status.choices

    def queryset(
        self, request: HttpRequest, devices: models.QuerySet[Device]
    ) -> models.QuerySet[Device]:
        connected = Q(last_contact_at__gte=now() - Device.CONNECTED_WITHIN)
        dormant = Q(last_contact_at__lte=now() - Device.DORMANT_AFTER)
        match self.value():
            case connection.Status.CONNECTED:
                return devices.filter(connected)
            case connection.Status.DORMANT:
                return devices.filter(dormant)
            case connection.Status.DISCONNECTED:
                return devices.filter(Q(last_contact_at=None) | ~(connected | dormant))
        return devices


class SaidFilter(DropdownFilter):
    """Devices by what they say of themselves; offers what was counted, takes any value."""

    def lookups(self, request: HttpRequest, model_admin: admin.ModelAdmin) -> list[tuple[str, str]]:
        values = list(counted[self.parameter_name]()) if self.parameter_name in counted else []
        chosen = [self.value()] if self.value() and self.value() not in values else []
        return [(value, value) for value in [*values, *chosen]]

    def queryset(
        self, request: HttpRequest, devices: models.QuerySet[Device]
    ) -> models.QuerySet[Device]:
        value = self.value()
        return devices.filter(**{str(self.parameter_name): value}) if value else devices


class PlatformFilter(SaidFilter):
    title = "platform"
    parameter_name = "platform"


class CoreVersionFilter(SaidFilter):
    title = "core version"
    parameter_name = "core_version"
