"""Recorded wake words in the back office: found, listened to by the few who may, deleted.

A voice tells who is speaking, and was given for one purpose: to make wake words better. Helping
somebody with a device takes no listening, so support is not let; every time that somebody listens
is in the audit log. A sample that is marked for deletion, since its owner withdrew, nobody hears.
"""

import re
from typing import Any

from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied
from django.db.models import Model, QuerySet
from django.http import Http404, HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import redirect
from django.urls import URLPattern, path
from django.utils.html import format_html
from django.views.decorators.cache import never_cache
from unfold.admin import ModelAdmin, TabularInline
from unfold.contrib.filters.admin import AutocompleteSelectFilter
from unfold.dataclasses import UnfoldAction
from unfold.decorators import action, display
from unfold.enums import ActionVariant

from accounts import audit
from accounts.admin_mixins import FoundByAccount, ReadOnly
from accounts.admin_questions import Question, ask
from devices import samples
from devices.models import SampleStatus, SampleTag, WakeWordSample

DELETE = Question(
    "Delete the sample now",
    "The recording and all that was said about it are gone for good.",
    "Delete",
    is_dangerous=True,
)
PART = re.compile(r"bytes=([0-9]{1,9})-([0-9]{0,9})")


class SampleTagInline(ReadOnly, TabularInline):
    model = SampleTag
    fields = ["value", "account", "tagged_at"]


@admin.register(WakeWordSample)
class WakeWordSampleAdmin(FoundByAccount, ReadOnly, ModelAdmin):
    list_display = ["submitted_at", "wake_word", "account", "status", "sound"]
    list_select_related = ["wake_word", "account"]
    list_filter = ["status", ("wake_word", AutocompleteSelectFilter)]
    list_filter_submit = True
    also = ("digest",)
    sortable_by = ["submitted_at"]
    inlines = [SampleTagInline]
    fields = ["wake_word", "account", "recorded_at", "submitted_at", "status", "model"]
    fields += ["whole_digest"]
    readonly_fields = ["whole_digest"]
    actions = ["mark_for_deletion"]
    actions_detail = ["delete_now"]
    change_form_before_template = "devices/back_office/sample.html"

    @display(description="SHA-256 of the sound")
    def whole_digest(self, sample: WakeWordSample) -> str:
        # Longer than a phone is wide, in one word
        return format_html('<span style="overflow-wrap: anywhere">{}</span>', sample.digest)

    @display(description="sound")
    def sound(self, sample: WakeWordSample) -> str:
        return str(sample)

    def get_urls(self) -> list[URLPattern]:
        view = never_cache(self.admin_site.admin_view(self.listen))
        name = "devices_wakewordsample_listen"
        return [path("<uuid:object_id>/listen/", view, name=name), *super().get_urls()]

    def render_change_form(
        self,
        request: HttpRequest,
        context: dict[str, Any],
        add: bool = False,
        change: bool = False,
        form_url: str = "",
        obj: Model | None = None,
    ) -> HttpResponse:
        is_heard = isinstance(obj, WakeWordSample) and obj.status == SampleStatus.STORED
        context["may_listen"] = is_heard and self.has_listen_permission(request)
        return super().render_change_form(request, context, add, change, form_url, obj)

    def listen(self, request: HttpRequest, object_id: object) -> HttpResponse:
        """GET .../listen/: the sound itself, for the player on the page; noted each time."""
        if not self.has_listen_permission(request):
            raise PermissionDenied
        sample = self.get_object(request, str(object_id))
        if sample is None:
            raise Http404
        try:
            content, media_type = samples.sound(sample)
        except samples.Unheard as error:
            raise Http404 from error
        audit.note(sample, "listened to it", audit.Action.ACCESS)
        return _part(request, content, media_type)

    def has_listen_permission(self, request: HttpRequest) -> bool:
        return request.user.has_perm("devices.listen_wakewordsample")

    def has_mark_permission(self, request: HttpRequest, obj: object = None) -> bool:
        return request.user.has_perm("devices.delete_wakewordsample")

    def get_actions_detail(self, request: HttpRequest, object_id: Any) -> list[UnfoldAction]:  # noqa: ANN401
        may = self.has_mark_permission(request)
        return super().get_actions_detail(request, object_id) if may else []

    @action(description="Delete now", icon="delete", variant=ActionVariant.DANGER)
    def delete_now(self, request: HttpRequest, object_id: str) -> HttpResponseBase:
        def delete(sample: WakeWordSample, _: dict[str, Any]) -> HttpResponseBase:
            samples.remove(sample)
            audit.note(sample, "deleted it", audit.Action.DELETE)
            self.message_user(request, "The sample is deleted", messages.SUCCESS)
            return redirect("admin:devices_wakewordsample_changelist")

        return ask(self, request, object_id, DELETE, delete, may=self.has_mark_permission)

    @action(description="Mark for deletion", permissions=["mark"])
    def mark_for_deletion(self, request: HttpRequest, chosen: QuerySet[WakeWordSample]) -> None:
        count = chosen.update(status=SampleStatus.PENDING_DELETE)
        self.message_user(request, f"{count} samples marked for deletion")


def _part(request: HttpRequest, content: bytes, media_type: str) -> HttpResponse:
    """Answer with ``content``, or the part asked for: some browsers play nothing else."""
    asked = PART.fullmatch(request.headers.get("Range", ""))
    end = len(content) - 1
    first, last = (int(asked[1]), min(int(asked[2] or end), end)) if asked else (0, end)
    if asked and first <= last:
        response = HttpResponse(content[first : last + 1], content_type=media_type, status=206)
        response["Content-Range"] = f"bytes {first}-{last}/{len(content)}"
    else:
        response = HttpResponse(content, content_type=media_type)
    response["Accept-Ranges"] = "bytes"
    response["Content-Disposition"] = "inline"
    return response
