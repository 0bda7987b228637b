"""What devices sent, in the back office."""

from uuid import UUID

from django.contrib import admin
from unfold.admin import ModelAdmin, TabularInline
from unfold.decorators import display

from accounts.admin_mixins import FoundByAccount, LongList, ReadOnly, SavesWhatWasEdited
from devices import search
from devices.models import (
    CoreInteraction,
    CoreMetric,
    SttEngineDay,
    SttTranscription,
    Tag,
    TagValue,
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
