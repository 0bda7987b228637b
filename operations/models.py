"""What the installation itself does and counts: job runs, who may run them, statistics."""

import uuid

from django.conf import settings
from django.db import models
from django.db.models import Q
from django.utils import timezone


class JobRun(models.Model):
    """One run of a job; without an end it is running, or died."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    name = models.CharField(max_length=50, help_text="The management command.")
    day = models.DateField(help_text="The day the run is for.")
    started_at = models.DateTimeField(default=timezone.now)
    ended_at = models.DateTimeField(null=True, blank=True)
    succeeded = models.BooleanField(null=True, blank=True)
    output = models.TextField(blank=True)

    class Meta:
        ordering = ["-started_at"]
        permissions = [("run_job", "Can run jobs now")]
        constraints = [
            models.CheckConstraint(
                condition=Q(ended_at=None, succeeded=None)
                | ~(Q(ended_at=None) | Q(succeeded=None)),
                name="job_run_result_with_its_end",
            )
        ]
        indexes = [models.Index(fields=["name", "-started_at"], name="job_run_latest")]

    def __str__(self) -> str:
        return f"{self.name}, {self.started_at:%Y-%m-%d %H:%M}"


class JobOrder(models.Model):
    """Somebody's wish that a job be run now; the scheduler that acts takes it."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    name = models.CharField(max_length=50, help_text="The management command.")
    asked_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.SET_NULL, null=True, blank=True, related_name="+"
    )
    asked_at = models.DateTimeField(default=timezone.now)
    taken_at = models.DateTimeField(null=True, blank=True)
    ended_at = models.DateTimeField(null=True, blank=True)
    succeeded = models.BooleanField(null=True, blank=True)
    output = models.TextField(blank=True)

    class Meta:
        ordering = ["-asked_at"]
        constraints = [
            models.UniqueConstraint(
                fields=["name"], condition=Q(taken_at=None), name="job_order_waits_once"
            )
        ]

    def __str__(self) -> str:
        return f"{self.name}, {self.asked_at:%Y-%m-%d %H:%M}"

    @property
    def state(self) -> str:
        if self.succeeded is not None:
            return "succeeded" if self.succeeded else "failed"
        return "running" if self.taken_at else "waiting"


class Lease(models.Model):
    """Something that only one process of the installation does at a time."""

    SCHEDULER = "scheduler"
    START = "start"
    FLEET = "fleet"
    REPORT = "report"
    RESTORE = "restore"

    name = models.CharField(max_length=20, primary_key=True)
    holder = models.CharField(max_length=150, blank=True, help_text="Host, process and a number.")
    expires_at = models.DateTimeField(
        null=True, blank=True, help_text="When another may take it, unless it is renewed."
    )

    class Meta:
        ordering = ["name"]

    def __str__(self) -> str:
        return self.name


class FleetKind(models.TextChoices):
    """What devices, or accounts, are counted by."""

    STATUS = "status", "Devices by status"
    TROUBLE = "trouble", "Devices that need a look"
    PLATFORM = "platform", "Devices by platform"
    CORE_VERSION = "core_version", "Devices by core version"
    VOICE = "voice", "Devices by voice"
    WAKE_WORD = "wake_word", "Devices by wake word"
    COUNTRY = "country", "Devices by country"
    CITY = "city", "Devices by city"
    CELL = "cell", "Devices by degree of latitude and longitude"
    SKILL = "skill", "Devices by skill"
    ACCOUNTS = "accounts", "Accounts by membership"


class FleetCount(models.Model):
    """How many devices there were of a kind when they were last counted on a day.

    So that no page has to count a million of them.
    """

    day = models.DateField()
    kind = models.CharField(max_length=20, choices=FleetKind)
    key = models.CharField(max_length=200, help_text="A status, a platform, an ISO code, ...")
    count = models.PositiveBigIntegerField()
    counted_at = models.DateTimeField(default=timezone.now)

    class Meta:
        ordering = ["-day", "kind", "-count"]
        constraints = [
            models.UniqueConstraint(fields=["day", "kind", "key"], name="fleet_count_unique"),
            models.CheckConstraint(
                condition=Q(kind__in=FleetKind.values), name="fleet_count_kind_known"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.get_kind_display()}, {self.key}, {self.day}"


class ApiCallDay(models.Model):
    """How often a route was called in a day, how it answered, how long it took."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    day = models.DateField()
    api = models.CharField(max_length=20)
    route = models.CharField(max_length=200, help_text="The pattern, never the path.")
    method = models.CharField(max_length=10)
    status = models.PositiveSmallIntegerField()
    count = models.PositiveBigIntegerField(default=0)
    total_seconds = models.FloatField(default=0)
    highest_seconds = models.FloatField(default=0)

    class Meta:
        ordering = ["-day", "route"]
        verbose_name = "API calls of a day"
        verbose_name_plural = "API calls by day"
        constraints = [
            models.UniqueConstraint(
                fields=["day", "api", "route", "method", "status"], name="api_call_day_unique"
            )
        ]

    def __str__(self) -> str:
        return f"{self.method} {self.route} {self.status}, {self.day}"
