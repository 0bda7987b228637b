"""What devices sent, in the back office."""

from uuid import UUID

from django.contrib import admin
from django.db import models
from django.http import HttpRequest
from unfold.admin import ModelAdmin, TabularInline
from unfold.contrib.filters.admin import AutocompleteSelectFilter
from unfold.decorators import action, display

from accounts.admin_mixins import FoundByAccount, LongList, ReadOnly, SavesWhatWasEdited
from devices import search
from devices.models import (
    CoreInteraction,
    CoreMetric,
    SampleStatus,
    SampleTag,
    SttEngineDay,
    SttTranscription,
    Tag,
    TagValue,
    WakeWordSample,
)


class FoundByDevice(FoundByAccount):
    """A list that is searched by whose rows they are, among devices."""

    account_field = "device"
    search_help_text = "How the name of the device or its account's address begins, or its id"

    def find(self, term: str) -> list[UUID]:
        return search.devices(term)


class TagValueInline(TabularInline):
    model = TagValue
    extra = 0


@admin.register(Tag)
class TagAdmin(SavesWhatWasEdited, ModelAdmin):
    list_display = ["title", "name", "priority", "instructions"]
    search_fields = ["name", "title"]
    inlines = [TagValueInline]


class SampleTagInline(ReadOnly, TabularInline):
    model = SampleTag
    fields = ["value", "account", "tagged_at"]


@admin.register(WakeWordSample)
class WakeWordSampleAdmin(FoundByAccount, ReadOnly, ModelAdmin):
    list_display = ["submitted_at", "wake_word", "account", "status", "digest"]
    list_select_related = ["wake_word", "account"]
    list_filter = ["status", ("wake_word", AutocompleteSelectFilter)]
    list_filter_submit = True
    also = ("digest",)
    sortable_by = ["submitted_at"]
    inlines = [SampleTagInline]
    actions = ["mark_for_deletion"]

    def has_mark_permission(self, request: HttpRequest) -> bool:
        return request.user.has_perm("devices.delete_wakewordsample")

    @action(description="Mark for deletion", permissions=["mark"])
    def mark_for_deletion(
        self, request: HttpRequest, samples: models.QuerySet[WakeWordSample]
    ) -> None:
        count = samples.update(status=SampleStatus.PENDING_DELETE)
        self.message_user(request, f"{count} samples marked for deletion")


@admin.register(CoreMetric)
class CoreMetricAdmin(FoundByDevice, ReadOnly, ModelAdmin):
    list_display = ["received_at", "device", "name"]
    list_select_related = ["device"]
    sortable_by = ["received_at"]


@admin.register(CoreInteraction)
class CoreInteractionAdmin(FoundByDevice, ReadOnly, ModelAdmin):
    list_display = ["started_at", "device", "intent_type", "skill_handler", "user_latency_seconds"]
    list_select_related = ["device"]
    sortable_by = ["started_at"]


@admin.register(SttTranscription)
class SttTranscriptionAdmin(LongList, ReadOnly, ModelAdmin):
    list_display = ["requested_at", "engine", "succeeded", "audio_seconds", "transcription_seconds"]
    list_filter = ["succeeded"]
    sortable_by = ["requested_at"]
    fields = list_display


@admin.register(SttEngineDay)
class SttEngineDayAdmin(ReadOnly, ModelAdmin):
    list_display = ["day", "engine", "requests", "success_rate", "audio_seconds"]
    list_filter = ["engine"]
    date_hierarchy = "day"

    @display(description="successes")
    def success_rate(self, day: SttEngineDay) -> str:
        return f"{day.successes / day.requests:.1%}" if day.requests else "-"
