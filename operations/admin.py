"""Jobs, statistics and the audit log in the back office."""

from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from typing import Any

from auditlog.models import LogEntry
from django.contrib import admin, messages
from django.contrib.contenttypes.models import ContentType
from django.core.exceptions import PermissionDenied
from django.core.management import get_commands, load_command_class
from django.db.models import OuterRef, QuerySet, Subquery
from django.http import HttpRequest, HttpResponse, HttpResponseNotAllowed
from django.shortcuts import redirect
from django.urls import URLPattern, path
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString
from django.utils.text import Truncator
from unfold.admin import ModelAdmin
from unfold.contrib.filters.admin import AutocompleteSelectFilter, RangeDateFilter
from unfold.decorators import display
from unfold.utils import parse_date_str

from accounts import audit
from accounts.admin_mixins import LongList, ReadOnly
from operations import (
    admin_pages,  # noqa: F401 - adds to pages of other apps
    orders,
    scheduler,
)
from operations.models import ApiCallDay, JobOrder, JobRun, Lease

RUN = "operations.run_job"


@dataclass(frozen=True)
class Job:
    """A job with what one wants to know of it."""

    name: str
    what: str
    plan: str
    last: JobRun | None
    order: JobOrder | None
    may_run: bool


@admin.register(JobRun)
class JobRunAdmin(ReadOnly, ModelAdmin):
    """What ran, above it what is to run; who has the right to may have it run now."""

    list_before_template = "operations/jobs.html"
    list_display = ["name", "started_at", "took", "result", "summary"]
    list_filter = ["name", "succeeded", ("day", RangeDateFilter)]
    list_filter_submit = True
    search_fields = ["name", "output"]
    date_hierarchy = "day"
    readonly_fields = ["took"]

    @display(description="result", label={"succeeded": "success", "failed": "danger"})
    def result(self, run: JobRun) -> str:
        """Return how the run ended; one that died looks like one under way."""
        return {True: "succeeded", False: "failed", None: "no end yet"}[run.succeeded]

    @display(description="took")
    def took(self, run: JobRun) -> str:
        if run.ended_at is None:
            return "-"
        return f"{(run.ended_at - run.started_at).total_seconds():,.1f} s"

    @display(description="output")
    def summary(self, run: JobRun) -> str:
        return Truncator(run.output).chars(100)

    def get_urls(self) -> list[URLPattern]:
        run = path("run/", self.admin_site.admin_view(self.run), name="operations_jobrun_run")
        return [run, *super().get_urls()]

    def changelist_view(
        self, request: HttpRequest, extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        jobs = _jobs(may_run=request.user.has_perm(RUN))
        return super().changelist_view(request, {"jobs": jobs} | (extra_context or {}))

    def run(self, request: HttpRequest) -> HttpResponse:
        """Ask the scheduler for a run of the job ``name``."""
        if request.method != "POST":
            return HttpResponseNotAllowed(["POST"])
        if not request.user.has_perm(RUN):
            raise PermissionDenied
        name = request.POST.get("name", "")
        try:
            audit.note(orders.place(name, request.user), "asked for a run")  # type: ignore[arg-type]
        except orders.NoSuchJob:
            self.message_user(request, "There is no such job.", messages.ERROR)
        except orders.AlreadyAsked:
            self.message_user(request, f"{name} is waiting or under way.", messages.WARNING)
        else:
            text = f"{name} will run within seconds: load this page again to see what came of it."
            self.message_user(request, text, messages.SUCCESS)
        return redirect("admin:operations_jobrun_changelist")


def _jobs(*, may_run: bool) -> list[Job]:
    """Return the jobs of this installation, in a fixed number of queries."""
    plans = {job.command: job.plan for job in scheduler.schedule()}
    names = orders.runnable()
    last = {run.name: run for run in _latest(JobRun.objects.filter(name__in=names), "started_at")}
    asked = JobOrder.objects.filter(name__in=names).select_related("asked_by")
    order = {each.name: each for each in _latest(asked, "asked_at")}
    return [
        Job(
            name,
            _help(name),
            plans.get(name, "when asked for"),
            last.get(name),
            order.get(name),
            may_run,
        )
        for name in names
    ]


def _latest(rows: QuerySet, moment: str) -> QuerySet:
    """Return the newest of ``rows`` of each name."""
    same = rows.model.objects.filter(name=OuterRef("name")).order_by(f"-{moment}")
    return rows.filter(pk=Subquery(same.values("pk")[:1]))


def _help(name: str) -> str:
    return load_command_class(get_commands()[name], name).help


@admin.register(ApiCallDay)
class ApiCallDayAdmin(ReadOnly, ModelAdmin):
    list_display = ["day", "api", "method", "route", "status", "count", "mean", "highest_seconds"]
    list_filter = ["api", "method", "status", ("day", RangeDateFilter)]
    list_filter_submit = True
    search_fields = ["route"]
    date_hierarchy = "day"

    @display(description="mean seconds")
    def mean(self, row: ApiCallDay) -> float:
        return round(row.total_seconds / row.count, 4) if row.count else 0.0


@admin.register(Lease)
class LeaseAdmin(ReadOnly, ModelAdmin):
    list_display = ["name", "holder", "expires_at"]


admin.site.unregister(LogEntry)


class KindFilter(admin.SimpleListFilter):
    """Entries by the kind of row; kinds that can be changed here, not all there are."""

    title = "kind"
    parameter_name = "kind"

    def lookups(self, request: HttpRequest, model_admin: admin.ModelAdmin) -> list[tuple[str, str]]:
        kinds = ContentType.objects.get_for_models(*admin.site._registry).items()
        names = ((str(kind.pk), str(model._meta.verbose_name)) for model, kind in kinds)
        return sorted(names, key=lambda each: each[1].lower())

    def queryset(self, request: HttpRequest, rows: QuerySet[LogEntry]) -> QuerySet[LogEntry]:
        value = self.value()
        return rows.filter(content_type=int(value)) if value and value.isdigit() else rows


class DaysFilter(RangeDateFilter):
    """Moments by their days, of which the last one is meant too."""

    def queryset(self, request: HttpRequest, queryset: QuerySet) -> QuerySet:
        names = (f"{self.parameter_name}_from", f"{self.parameter_name}_to")
        first, last = (parse_date_str(str(self.used_parameters.get(name, ""))) for name in names)
        rows = queryset
        if first:
            rows = rows.filter(**{f"{self.parameter_name}__gte": _midnight(first)})
        if last:
            rows = rows.filter(
                **{f"{self.parameter_name}__lt": _midnight(last) + timedelta(days=1)}
            )
        return rows


def _midnight(day: date) -> datetime:
    return datetime.combine(day, time.min, UTC)


@admin.register(LogEntry)
class LogEntryAdmin(LongList, ReadOnly, ModelAdmin):
    """Who changed what in the back office, when and from where."""

    list_display = ["timestamp", "who", "did", "kind", "object_repr", "what", "remote_addr"]
    list_select_related = ["content_type"]
    list_filter = [
        ("actor", AutocompleteSelectFilter),
        KindFilter,
        "action",
        ("timestamp", DaysFilter),
    ]
    list_filter_submit = True
    search_fields = ["actor_email", "object_repr", "=object_pk"]
    search_help_text = "Address of who did it, name or id of what it was done to"
    fields = [
        "timestamp",
        "who",
        "remote_addr",
        "did",
        "kind",
        "object_repr",
        "object_pk",
        "changed",
    ]
    readonly_fields = fields

    @display(description="who", ordering="actor_email")
    def who(self, entry: LogEntry) -> str:
        return entry.actor_email or "-"

    @display(
        description="did",
        label={"create": "success", "delete": "danger", "update": "info", "access": "warning"},
    )
    def did(self, entry: LogEntry) -> str:
        return str(entry.get_action_display())

    @display(description="kind")
    def kind(self, entry: LogEntry) -> str:
        return entry.content_type.name

    @display(description="what")
    def what(self, entry: LogEntry) -> str:
        names = ", ".join(entry.changes or {})
        return Truncator(names or (entry.additional_data or {}).get("did", "")).chars(100)

    @display(description="changes")
    def changed(self, entry: LogEntry) -> SafeString:
        """Return the fields with what they were and what they are."""
        did = (entry.additional_data or {}).get("did", "")
        rows = [
            (name, *_before_and_after(change)) for name, change in (entry.changes or {}).items()
        ]
        if not rows:
            return format_html("{}", did or "-")
        table = format_html_join("", "<tr><th>{}</th><td>{}</td><td>{}</td></tr>", rows)
        return format_html(
            '<table class="text-left"><tr><th></th><th>before</th><th>after</th></tr>{}</table>',
            table,
        )


def _before_and_after(change: Any) -> tuple[str, str]:  # noqa: ANN401 - JSON
    """Return both sides of a change as the log has it: of a column, or of rows referred to."""
    if isinstance(change, dict):
        names = ", ".join(change.get("objects", []))
        return ("", names) if change.get("operation") == "add" else (names, "")
    before, after = change
    return str(before), str(after)
