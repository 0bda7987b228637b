"""What the devices of many or of one account have in common, in the back office."""

from collections.abc import Iterable

from django import forms
from django.contrib import admin
from django.db import models
from django.http import HttpRequest
from unfold.admin import ModelAdmin, StackedInline

from accounts.admin_mixins import (
    Deletion,
    FoundByAccount,
    MadeElsewhere,
    SavesWhatWasEdited,
    edited_columns,
)
from devices import preferences, reference
from devices.admin.pages import PlaceForm
from devices.models import (
    AccountDefaults,
    AccountPreferences,
    PocketsphinxSettings,
    Voice,
    WakeWord,
)


class SharedAdmin(SavesWhatWasEdited, ModelAdmin):
    """What many devices may refer to: a change reaches them all, and in use it cannot go."""

    def save_model(
        self, request: HttpRequest, chosen: Voice | WakeWord, form: forms.ModelForm, change: bool
    ) -> None:
        super().save_model(request, chosen, form, change)
        reference.note_changed(chosen)

    def get_deleted_objects(
        self, chosen: Iterable[Voice | WakeWord], request: HttpRequest
    ) -> Deletion:
        # Not each device that stands in the way: there may be a million.
        rows = list(chosen)
        used = [f"{row} is in use" for row in rows if reference.is_in_use(row)]
        return [str(row) for row in rows], {"rows": len(rows)}, set(), used


@admin.register(Voice)
class VoiceAdmin(SharedAdmin):
    list_display = ["display_name", "engine", "setting_name"]
    search_fields = ["display_name"]


class WakeWordForm(forms.ModelForm):
    def clean_name(self) -> str:
        return self.cleaned_data["name"].lower()


class PocketsphinxInline(StackedInline):
    model = PocketsphinxSettings


@admin.register(WakeWord)
class WakeWordAdmin(SharedAdmin):
    form = WakeWordForm
    list_display = ["name", "engine"]
    list_filter = ["engine"]
    search_fields = ["name"]
    inlines = [PocketsphinxInline]


@admin.register(AccountPreferences)
class AccountPreferencesAdmin(FoundByAccount, MadeElsewhere, SavesWhatWasEdited, ModelAdmin):
    """What is changed here reaches the account's devices on their next poll."""

    list_display = ["account", "date_format", "time_format", "measurement_system"]
    list_select_related = ["account"]
    list_filter = ["date_format", "time_format", "measurement_system"]
    ordering = ["pk"]
    sortable_by: list[str] = []
    readonly_fields = ["account"]

    def save_model(
        self,
        request: HttpRequest,
        chosen: AccountPreferences,
        form: forms.ModelForm,
        change: bool,
    ) -> None:
        edited = {name: form.cleaned_data[name] for name in edited_columns(form)}
        preferences.amend(chosen.account, **edited)

    def delete_model(self, request: HttpRequest, chosen: AccountPreferences) -> None:
        preferences.forget(chosen.account)

    def delete_queryset(
        self, request: HttpRequest, chosen: models.QuerySet[AccountPreferences]
    ) -> None:
        for each in chosen.select_related("account"):
            preferences.forget(each.account)


class AccountDefaultsForm(PlaceForm):
    def clean(self) -> None:
        country, region, city = map(self.cleaned_data.get, ("country", "region", "city"))
        if region and region.country != country:
            self.add_error("region", "not in this country")
        if city and city.region != region:
            self.add_error("city", "not in this region")


@admin.register(AccountDefaults)
class AccountDefaultsAdmin(FoundByAccount, MadeElsewhere, SavesWhatWasEdited, ModelAdmin):
    form = AccountDefaultsForm
    list_display = ["account", "city", "timezone", "voice", "wake_word"]
    list_select_related = ["account", "city", "timezone", "voice", "wake_word"]
    ordering = ["pk"]
    sortable_by: list[str] = []
    readonly_fields = ["account"]
    autocomplete_fields = ["country", "region", "city", "timezone", "voice", "wake_word"]
