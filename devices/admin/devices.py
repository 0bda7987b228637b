"""Devices and their pairing in the back office."""

from collections.abc import Iterable
from typing import Any
from uuid import UUID

from django import forms
from django.contrib import admin, messages
from django.contrib.admin.options import InlineModelAdmin
from django.core.exceptions import ValidationError
from django.db import models
from django.db.models import Q
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.utils.timezone import now
from unfold.admin import ModelAdmin, StackedInline, TabularInline
from unfold.decorators import action, display
from unfold.widgets import UnfoldAdminTextInputWidget

from accounts.admin_mixins import (
    Deletion,
    ReadOnly,
    SavesWhatWasEdited,
    edited_columns,
)
from devices import connection, editing, pairing, tokens
from devices.admin.pages import PlaceForm
from devices.models import (
    Device,
    DeviceToken,
    PairingSession,
    PantacorConfig,
)

NOT_PAIRED = {
    pairing.UnknownCode: "no device shows this code any more",
    pairing.NameTaken: "the account has another device of this name",
    editing.TooManyDevices: "the account has too many devices",
}


class StatusFilter(admin.SimpleListFilter):
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


class DeviceTokenInline(ReadOnly, TabularInline):
    """The pairs of tokens that may still be used; never their digests."""

    model = DeviceToken
    fields = ["issued_at", "used_at"]
    readonly_fields = fields
    verbose_name_plural = "tokens"

    def get_queryset(self, request: HttpRequest) -> models.QuerySet[DeviceToken]:
        return super().get_queryset(request).filter(superseded_at=None)


class PantacorConfigInline(ReadOnly, StackedInline):
    """Pantacor's to change, not ours."""

    model = PantacorConfig
    extra = 0


class DeviceForm(PlaceForm):
    def clean_name(self) -> str:
        name = self.cleaned_data["name"]
        same_name = Device.objects.filter(account=self.instance.account_id, name=name)
        if same_name.exclude(pk=self.instance.pk).exists():
            raise ValidationError("the account has another device of this name")
        return name


class PairingForm(PlaceForm):
    """A new device: the one that shows the code."""

    code = forms.CharField(
        label="Pairing code",
        max_length=20,
        widget=UnfoldAdminTextInputWidget,
        help_text="The six letters and digits that the device says or shows.",
    )

    class Meta:
        model = Device
        fields = ["account", "name", "placement", "wake_word", "voice", "city"]
        help_texts = {"city": "Empty for the account's default place."}

    def clean_code(self) -> str:
        code = "".join(self.cleaned_data["code"].split()).upper()
        if not pairing.is_claimable(code):
            raise ValidationError("no device shows this code: is it a day old, or used already?")
        return code


@admin.register(Device)
class DeviceAdmin(SavesWhatWasEdited, ModelAdmin):
    """What is changed here reaches the device on its next poll; to add a device is to pair it."""

    form = DeviceForm
    list_display = ["name", "account", "status", "last_contact_at", "city", "platform", "versions"]
    list_select_related = ["account", "city"]
    list_filter = [StatusFilter, "voice", "wake_word"]
    search_fields = ["name", "account__email"]
    search_help_text = "Name, address of the account, or id"
    show_full_result_count = False
    autocomplete_fields = ["voice", "wake_word", "city", "timezone"]
    readonly_fields = [
        "id",
        "account",
        "platform",
        "platform_build",
        "core_version",
        "enclosure_version",
        "created_at",
        "last_contact_at",
    ]
    inlines = [PantacorConfigInline, DeviceTokenInline]
    actions = ["cut_off"]

    @display(
        description="status",
        label={"Connected": "success", "Disconnected": "warning", "Dormant": "danger"},
    )
    def status(self, device: Device) -> str:
        return connection.status(device.last_contact_at, now()).value

    @display(description="core, enclosure")
    def versions(self, device: Device) -> str:
        return f"{device.core_version}, {device.enclosure_version}"

    def get_search_results(
        self, request: HttpRequest, devices: models.QuerySet[Device], term: str
    ) -> tuple[models.QuerySet[Device], bool]:
        try:
            return devices.filter(pk=UUID(term)), False
        except ValueError:
            return super().get_search_results(request, devices, term)

    def get_form(
        self,
        request: HttpRequest,
        obj: Device | None = None,
        change: bool = False,
        **options: object,
    ) -> type[forms.ModelForm]:
        if obj is None:
            options["form"] = PairingForm
        return super().get_form(request, obj, change=change, **options)

    def get_fields(self, request: HttpRequest, obj: Device | None = None) -> list[str]:
        if obj is None:
            return ["code", *PairingForm.Meta.fields]
        return list(super().get_fields(request, obj))

    def get_readonly_fields(self, request: HttpRequest, obj: Device | None = None) -> list[str]:
        return self.readonly_fields if obj else []

    def get_autocomplete_fields(self, request: HttpRequest) -> list[str]:
        return [*self.autocomplete_fields, "account"]

    def get_inlines(self, request: HttpRequest, obj: Device | None) -> list[type[InlineModelAdmin]]:
        return super().get_inlines(request, obj) if obj else []

    def get_changeform_initial_data(self, request: HttpRequest) -> dict[str, object]:
        # Who sits before the page is whose device it is, in a household.
        return {"account": request.user.pk} | super().get_changeform_initial_data(request)

    def add_view(
        self, request: HttpRequest, form_url: str = "", extra_context: dict | None = None
    ) -> HttpResponse:
        try:
            return super().add_view(request, form_url, extra_context)
        except tuple(NOT_PAIRED) as error:
            # The form has looked already; this is somebody else in the same moment.
            self.message_user(request, str(error) or NOT_PAIRED[type(error)], messages.ERROR)
            return redirect(request.path)

    def save_model(
        self, request: HttpRequest, device: Device, form: forms.ModelForm, change: bool
    ) -> None:
        if not change:
            device.pk = _pair(form.cleaned_data).pk
            return
        editing.change(device, **{name: form.cleaned_data[name] for name in edited_columns(form)})

    def delete_model(self, request: HttpRequest, device: Device) -> None:
        editing.remove(Device.objects.filter(pk=device.pk))

    def delete_queryset(self, request: HttpRequest, devices: models.QuerySet[Device]) -> None:
        editing.remove(devices)

    def get_deleted_objects(self, devices: Iterable[Device], request: HttpRequest) -> Deletion:
        # The devices alone: what they reported can be very many rows, and nothing is in the way.
        names = [f"{device} of {device.account}" for device in devices]
        return names, {"devices": len(names)}, set(), []

    @action(description="Cut off: they have to be paired anew", permissions=["change"])
    def cut_off(self, request: HttpRequest, devices: models.QuerySet[Device]) -> None:
        for device in devices:
            tokens.revoke(device)
        self.message_user(request, f"{len(devices)} devices cut off")


def _pair(chosen: dict[str, Any]) -> Device:
    city = chosen.pop("city")
    timezone = city.timezone if city else None
    return editing.add(city=city, timezone=timezone, **chosen)


@admin.register(PairingSession)
class PairingSessionAdmin(ReadOnly, ModelAdmin):
    """Without token, state and code: whoever reads a code can claim the device."""

    list_display = ["created_at", "expires_at", "state", "device", "packaging"]
    list_select_related = ["device"]
    search_fields = ["=code", "device__name"]
    fields = ["packaging", "device", "created_at", "expires_at", "activated_at"]
    date_hierarchy = "created_at"
    actions = ["purge"]

    @display(
        description="state",
        label={"active": "success", "claimed": "info", "open": "warning", "lapsed": "danger"},
    )
    def state(self, session: PairingSession) -> str:
        if session.activated_at:
            return "active"
        if session.expires_at <= now():
            return "lapsed"
        return "claimed" if session.device_id else "open"

    def has_purge_permission(self, request: HttpRequest) -> bool:
        return request.user.has_perm("devices.delete_pairingsession")

    @action(description="Delete all that have lapsed", permissions=["purge"])
    def purge(self, request: HttpRequest, sessions: models.QuerySet[PairingSession]) -> None:
        self.message_user(request, f"{pairing.purge()} lapsed pairing sessions deleted")
