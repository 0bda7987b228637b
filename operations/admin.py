"""Jobs and statistics in the back office: to be looked at, not changed."""

from django.contrib import admin
from django.utils.text import Truncator
from unfold.admin import ModelAdmin
from unfold.contrib.filters.admin import RangeDateFilter
from unfold.decorators import display

from accounts.admin_mixins import ReadOnly
from operations import admin_pages  # noqa: F401 - adds to pages of other apps
from operations.models import ApiCallDay, JobRun, Lease


@admin.register(JobRun)
class JobRunAdmin(ReadOnly, ModelAdmin):
    list_display = ["name", "started_at", "took", "result", "summary"]
    list_filter = ["name", "succeeded", ("day", RangeDateFilter)]
    list_filter_submit = True
    search_fields = ["name", "output"]
    date_hierarchy = "day"

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
