"""What devices report, and what became of their speech requests."""

import uuid

from django.conf import settings
from django.db import models
from django.db.models import Q
from django.utils.timezone import now

from devices.models.device import Device


class CoreMetric(models.Model):
    """Something a device reported, of an account that agreed to Open Dataset."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    device = models.ForeignKey(Device, on_delete=models.CASCADE, related_name="metrics")
    name = models.CharField(max_length=200, help_text='E.g. "timing".')
    value = models.JSONField()
    received_at = models.DateTimeField(default=now)

    class Meta:
        ordering = ["-received_at"]
        verbose_name = "metric"
        indexes = [models.Index(fields=["received_at"], name="core_metric_received")]

    def __str__(self) -> str:
        return self.name


class CoreInteraction(models.Model):
    """One exchange between a person and a device, put together from its timing metrics."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    device = models.ForeignKey(Device, on_delete=models.CASCADE, related_name="interactions")
    core_id = models.CharField(max_length=100, help_text="The device's own id of it.")
    started_at = models.DateTimeField()
    stt_engine = models.CharField(max_length=100, blank=True)
    stt_transcription = models.TextField(blank=True)
    stt_seconds = models.FloatField(null=True, blank=True)
    intent_type = models.CharField(max_length=200, blank=True)
    intent_seconds = models.FloatField(null=True, blank=True)
    fallback_handler_seconds = models.FloatField(null=True, blank=True)
    skill_handler = models.CharField(max_length=200, blank=True)
    skill_seconds = models.FloatField(null=True, blank=True)
    tts_engine = models.CharField(max_length=100, blank=True)
    tts_utterance = models.TextField(blank=True)
    tts_seconds = models.FloatField(null=True, blank=True)
    speech_playback_seconds = models.FloatField(null=True, blank=True)
    user_latency_seconds = models.FloatField(null=True, blank=True)

    class Meta:
        ordering = ["-started_at"]
        verbose_name = "interaction"
        constraints = [
            models.UniqueConstraint(fields=["device", "core_id"], name="interaction_once")
        ]
        indexes = [models.Index(fields=["started_at"], name="interaction_started")]

    def __str__(self) -> str:
        return self.core_id


class SttTranscription(models.Model):
    """A speech request of an account; lives a day, then only its engine's daily sum remains."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    account = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="transcriptions"
    )
    engine = models.CharField(max_length=50)
    succeeded = models.BooleanField()
    audio_seconds = models.FloatField()
    transcription_seconds = models.FloatField()
    requested_at = models.DateTimeField(default=now)

    class Meta:
        ordering = ["-requested_at"]
        verbose_name = "speech request"
        indexes = [models.Index(fields=["requested_at"], name="stt_requested")]

    def __str__(self) -> str:
        return f"{self.engine}, {self.requested_at:%Y-%m-%d %H:%M}"


class SttEngineDay(models.Model):
    """What one speech engine did in one day."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    day = models.DateField()
    engine = models.CharField(max_length=50)
    requests = models.PositiveIntegerField()
    successes = models.PositiveIntegerField()
    audio_seconds = models.FloatField()
    transcription_seconds = models.FloatField()

    class Meta:
        ordering = ["-day", "engine"]
        verbose_name = "day of speech"
        verbose_name_plural = "days of speech"
        constraints = [
            models.UniqueConstraint(fields=["day", "engine"], name="stt_engine_once_a_day"),
            models.CheckConstraint(
                condition=Q(successes__lte=models.F("requests")), name="stt_successes_of_requests"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.engine}, {self.day}"
