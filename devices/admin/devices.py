"""Devices and their pairing in the back office."""

from collections.abc import Iterable
from typing import Any

from django import forms
from django.contrib import admin, messages
from django.contrib.admin.options import InlineModelAdmin
from django.core.exceptions import ValidationError
from django.db import models
from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import redirect
from django.urls import reverse
from django.utils.http import urlencode
from django.utils.timezone import now
from unfold.admin import ModelAdmin, StackedInline
from unfold.contrib.filters.admin import AutocompleteSelectFilter
from unfold.dataclasses import UnfoldAction
from unfold.decorators import action, display
from unfold.enums import ActionVariant
from unfold.widgets import UnfoldAdminTextInputWidget, UnfoldBooleanWidget

from accounts import admin_panels
from accounts.admin.accounts import AccountAdmin
from accounts.admin_mixins import (
    Deletion,
    LongList,
    ReadOnly,
    SavesWhatWasEdited,
    edited_columns,
)
from accounts.admin_panels import WithPanels, menu
from accounts.admin_questions import Question, Refused, ask
from accounts.models import Account
from devices import connection, defaults, editing, moving, pairing, search, tokens
from devices.admin.filters import CoreVersionFilter, PlatformFilter, StatusFilter
from devices.admin.pages import PlaceForm
from devices.admin.panels import OF_ACCOUNT, OF_DEVICE
from devices.models import (
    Device,
    PairingSession,
    PantacorConfig,
)

NOT_PAIRED = {
    pairing.UnknownCode: "no device shows this code any more",
    pairing.NameTaken: "the account has another device of this name",
    editing.TooManyDevices: "the account has too many devices",
}


class PantacorConfigInline(ReadOnly, StackedInline):
    """Pantacor's to change, not ours."""

    model = PantacorConfig
    extra = 0

    def has_view_permission(self, request: HttpRequest, obj: Device | None = None) -> bool:
        # A heading over nothing would be all that other devices show of it.
        is_there = obj is not None and PantacorConfig.objects.filter(device=obj).exists()
        return is_there and super().has_view_permission(request, obj)


class DeviceForm(PlaceForm):
    def clean_name(self) -> str:
        name = self.cleaned_data["name"]
        same_name = Device.objects.filter(account=self.instance.account_id, name=name)
        if same_name.exclude(pk=self.instance.pk).exists():
            raise ValidationError("the account has another device of this name")
        return name

    def clean(self) -> dict[str, Any] | None:
        """Let the time zone follow the city, unless it was chosen too."""
        if "city" in self.changed_data and "timezone" not in self.changed_data:
            city = self.cleaned_data.get("city")
            self.cleaned_data["timezone"] = city.timezone if city else None
            self.changed_data.append("timezone")
        return super().clean()


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


class MoveForm(forms.Form):
    """Whose a device is to be."""

    email = forms.EmailField(label="Address of the account", widget=UnfoldAdminTextInputWidget)
    name = forms.CharField(
        max_length=100,
        required=False,
        widget=UnfoldAdminTextInputWidget,
        help_text="Only if it is to have another one there.",
    )
    keep = forms.BooleanField(
        label="The same people use it",
        required=False,
        widget=UnfoldBooleanWidget,
        help_text="Keeps the values of its skills' settings and what it has reported.",
    )

    def clean_email(self) -> Account:
        account = Account.objects.with_email(self.cleaned_data["email"]).first()
        if account is None:
            raise ValidationError("no account has this address")
        return account


MOVE = Question(
    "Move to another account",
    "The device stays paired. From its next poll, within a minute or so, it shows date format, "
    "time format and measures of the other account, and keeps its place, voice and wake word. The "
    "values of its skills' settings go back to the authors' defaults and what it has reported is "
    "deleted, unless the same people use it. Recorded wake words stay with the account that agreed "
    "to them. Pairing codes, tokens and Pantacor's updates stay as they are.",
    "Move",
    form=MoveForm,
)
REVOKE_TOKENS = Question(
    "Revoke the device's tokens",
    "It is refused from its next call, and shows a new pairing code. To be used again it has to "
    "be paired anew, which makes another device here: remove this one then.",
    "Revoke",
    is_dangerous=True,
)


@admin.register(Device)
class DeviceAdmin(LongList, WithPanels, SavesWhatWasEdited, ModelAdmin):
    """What is changed here reaches the device on its next poll; to add a device is to pair it."""

    form = DeviceForm
    list_display = ["name", "account", "status", "last_contact_at", "city", "platform", "versions"]
    list_select_related = ["account", "city"]
    list_filter = [
        StatusFilter,
        PlatformFilter,
        CoreVersionFilter,
        ("city__region__country", AutocompleteSelectFilter),
        ("voice", AutocompleteSelectFilter),
        ("wake_word", AutocompleteSelectFilter),
    ]
    list_filter_submit = True
    ordering = ["-last_contact_at"]
    sortable_by = ["last_contact_at"]
    search_fields = ["name"]  # for a box to type in
    search_help_text = "How the name of the device or its account's address begins, or the id"
    autocomplete_fields = ["voice", "wake_word", "city", "timezone"]
    readonly_fields = [
        "status",
        "last_contact_at",
        "id",
        "account",
        "platform",
        "platform_build",
        "core_version",
        "enclosure_version",
        "created_at",
    ]
    inlines = [PantacorConfigInline]
    panels = OF_DEVICE
    actions = ["cut_off"]
    actions_detail = menu("move", "revoke_tokens")

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
        if not term.strip():
            return devices, False
        return devices.filter(pk__in=search.devices(term)), False

    def get_actions_detail(self, request: HttpRequest, object_id: Any) -> list[UnfoldAction]:  # noqa: ANN401
        """Return the buttons, for who may change devices."""
        may = self.has_change_permission(request)
        return super().get_actions_detail(request, object_id) if may else []

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
        asked = {"account": request.user.pk} | super().get_changeform_initial_data(request)
        chosen = defaults.of(Account(pk=asked["account"]))
        usual = {"voice": chosen.voice_id, "wake_word": chosen.wake_word_id} if chosen else {}
        return usual | asked

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

    @action(description="Move", icon="move_up")
    def move(self, request: HttpRequest, object_id: str) -> HttpResponseBase:
        return ask(self, request, object_id, MOVE, _move)

    @action(description="Revoke tokens", icon="key_off", variant=ActionVariant.DANGER)
    def revoke_tokens(self, request: HttpRequest, object_id: str) -> HttpResponseBase:
        return ask(self, request, object_id, REVOKE_TOKENS, _revoke_tokens)


def _move(device: Device, chosen: dict[str, Any]) -> str:
    account, name = chosen["email"], chosen["name"] or device.name
    if account == device.account:
        raise Refused("It belongs to this account already.")
    try:
        moving.move(device, account, name=name, keep=chosen["keep"])
    except pairing.NameTaken as error:
        raise Refused(f"The account has a device called {name}: choose another name.") from error
    except editing.TooManyDevices as error:
        raise Refused(f"It was not moved: {error}.") from error
    except (Device.DoesNotExist, Account.DoesNotExist) as error:
        raise Refused("Device or account were changed at this moment: look again.") from error
    return f"Moved to {account}"


def _revoke_tokens(device: Device, _: dict[str, Any]) -> str:
    tokens.revoke(device)
    return "Its tokens are revoked: it has to be paired anew"


def _pair(chosen: dict[str, Any]) -> Device:
    city = chosen.pop("city")
    timezone = city.timezone if city else None
    return editing.add(city=city, timezone=timezone, **chosen)


@admin.register(PairingSession)
class PairingSessionAdmin(LongList, ReadOnly, ModelAdmin):
    """Without token, state and code: whoever reads a code can claim the device."""

    list_display = ["created_at", "expires_at", "state", "device", "packaging"]
    list_select_related = ["device"]
    search_fields = ["=code"]
    search_help_text = "The whole code, in capitals"
    fields = ["packaging", "device", "created_at", "expires_at", "activated_at"]
    sortable_by = ["expires_at"]
    ordering = ["-expires_at"]  # which has an index
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


@action(description="Pair a device", icon="add_link", permissions=["pair"])
def pair(page: AccountAdmin, request: HttpRequest, object_id: str) -> HttpResponseBase:
    """Lead to the page for a code, with the account filled in."""
    return redirect(f"{reverse('admin:devices_device_add')}?{urlencode({'account': object_id})}")


admin_panels.add(
    AccountAdmin, panels=[OF_ACCOUNT], rights={"pair": "devices.add_device"}, pair=pair
)
