"""Texts that accounts accept: a new version with preview and differences, published on a day."""

import difflib
from collections.abc import Iterable
from typing import Any

from django import forms
from django.contrib import admin, messages
from django.core.exceptions import ValidationError
from django.db.models import BooleanField, ExpressionWrapper, Model, Q, QuerySet
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.utils import timezone
from django.utils.safestring import mark_safe
from unfold.admin import ModelAdmin
from unfold.decorators import display

from accounts import agreements
from accounts.admin_mixins import Deletion
from accounts.models import Agreement

PREVIEW = "_preview"  # the name of a button
NOT_PUBLISHED = {
    agreements.VersionTaken: "another text of this agreement has this version",
    agreements.DayTaken: "another version of this agreement takes effect on this day",
    agreements.DayPassed: "this day is over: choose today or a later one",
}
MARKS = {"+": "added", "-": "removed", " ": "same"}


class NewAgreementForm(forms.ModelForm):
    """A version that is not published before somebody has said so without asking for a preview."""

    class Meta:
        model = Agreement
        fields = ["type", "version", "effective_on", "content"]

    def clean_effective_on(self) -> object:
        day = self.cleaned_data["effective_on"]
        if day < timezone.now().date():
            raise ValidationError(NOT_PUBLISHED[agreements.DayPassed])
        return day

    def is_valid(self) -> bool:
        return super().is_valid() and PREVIEW not in self.data


@admin.register(Agreement)
class AgreementAdmin(ModelAdmin):
    """A published version stays as it is; a change is another version."""

    form = NewAgreementForm
    list_display = ["type", "version", "effective_on", "state"]
    list_filter = ["type"]
    search_fields = ["version"]
    fields = ["type", "version", "effective_on", "content"]
    change_form_after_template = "accounts/back_office/agreement.html"

    @display(
        description="state",
        label={"in force": "success", "from that day on": "info", "replaced": "default"},
    )
    def state(self, agreement: Agreement) -> str:
        if agreement.effective_on > timezone.now().date():
            return "from that day on"
        return "in force" if agreement.is_in_force else "replaced"  # type: ignore[attr-defined]

    def get_queryset(self, request: HttpRequest) -> QuerySet[Agreement]:
        is_in_force = Q(pk__in=Agreement.objects.in_force().values("pk"))
        return (
            super()
            .get_queryset(request)
            .annotate(is_in_force=ExpressionWrapper(is_in_force, BooleanField()))
        )

    def has_change_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        return False

    def get_changeform_initial_data(self, request: HttpRequest) -> dict[str, object]:
        today = {"effective_on": timezone.now().date()}
        return today | super().get_changeform_initial_data(request)

    def add_view(
        self, request: HttpRequest, form_url: str = "", extra_context: dict | None = None
    ) -> HttpResponse:
        try:
            return super().add_view(request, form_url, extra_context)
        except tuple(NOT_PUBLISHED) as error:
            # The form has looked already; this is somebody else in the same moment.
            self.message_user(request, NOT_PUBLISHED[type(error)], messages.ERROR)
            return redirect(request.path)

    def save_model(
        self, request: HttpRequest, agreement: Agreement, form: forms.ModelForm, change: bool
    ) -> None:
        published = agreements.publish(
            form.cleaned_data["type"],
            form.cleaned_data["version"],
            form.cleaned_data["content"],
            effective_on=form.cleaned_data["effective_on"],
        )
        agreement.pk = published.pk

    def render_change_form(
        self,
        request: HttpRequest,
        context: dict[str, Any],
        add: bool = False,
        change: bool = False,
        form_url: str = "",
        obj: Agreement | None = None,
    ) -> HttpResponse:
        shown = obj or _asked_for(context["adminform"].form)
        if shown:
            before = _before(shown)
            context["preview"] = mark_safe(agreements.as_html(shown))  # noqa: S308 - nh3 cleaned it
            context["before"] = before
            context["differences"] = differences(before.content, shown.content) if before else []
        context["preview_button"] = PREVIEW if add else ""
        context["show_save_and_add_another"] = context["show_save_and_continue"] = False
        return super().render_change_form(request, context, add, change, form_url, obj)

    def get_deleted_objects(self, rows: Iterable[Agreement], request: HttpRequest) -> Deletion:
        accepted = [str(each) for each in rows if each.acceptances.exists()]
        names = [str(agreement) for agreement in rows]
        return names, {"agreements": len(names)}, set(), accepted


def differences(before: str, after: str) -> list[tuple[str, str]]:
    """Return the lines of two texts, each with how it came: added, removed, same or skipped."""
    lines: list[tuple[str, str]] = []
    unified = difflib.unified_diff(before.splitlines(), after.splitlines(), lineterm="", n=3)
    for line in list(unified)[2:]:  # the first two name the files
        lines.append(("skipped", "") if line.startswith("@@") else (MARKS[line[0]], line[1:]))
    return lines


def _asked_for(form: forms.ModelForm) -> Agreement | None:
    """Return what a preview was asked for, as far as the form makes sense."""
    if PREVIEW not in form.data or not getattr(form, "cleaned_data", {}).get("content"):
        return None
    given = {name: form.cleaned_data.get(name) for name in form.fields}
    return Agreement(**given)


def _before(agreement: Agreement) -> Agreement | None:
    """Return the version that ``agreement`` replaces, or would."""
    day = agreement.effective_on or timezone.now().date()
    older = Agreement.objects.filter(type=agreement.type, effective_on__lt=day)
    if agreement._state.adding:
        older = Agreement.objects.filter(type=agreement.type, effective_on__lte=day)
    return older.order_by("-effective_on").first()
