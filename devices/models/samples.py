"""Recorded wake words, and what people say about them."""

import uuid

from django.conf import settings
from django.db import models
from django.db.models import Q
from django.utils.timezone import now

from devices.models.listening import WakeWord


class SampleStatus(models.TextChoices):
    STORED = "stored", "Stored"
    PENDING_DELETE = "pending_delete", "Marked for deletion"


class WakeWordSample(models.Model):
    """A sound that woke a device, kept as a file named after its content.

    The account goes, the row stays: a job still has to remove the file.
    """

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    wake_word = models.ForeignKey(WakeWord, on_delete=models.PROTECT, related_name="samples")
    account = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        on_delete=models.SET_NULL,
        null=True,
        blank=True,
        related_name="wake_word_samples",
    )
    digest = models.CharField(max_length=64, unique=True, help_text="SHA-256 of the sound.")
    model = models.CharField(max_length=100, blank=True, help_text="The engine's model, a hash.")
    recorded_at = models.DateTimeField()
    submitted_at = models.DateTimeField(default=now)
    status = models.CharField(max_length=20, choices=SampleStatus, default=SampleStatus.STORED)

    class Meta:
        ordering = ["-submitted_at"]
        permissions = [("listen_wakewordsample", "Can listen to wake word samples")]
        constraints = [
            models.CheckConstraint(
                condition=Q(status__in=SampleStatus.values), name="sample_status_known"
            )
        ]
        indexes = [
            models.Index(fields=["status"], name="sample_status"),
            models.Index(fields=["submitted_at"], name="sample_submitted"),
        ]

    def __str__(self) -> str:
        return self.digest[:12]


class Tag(models.Model):
    """A question that people answer about wake word samples."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    name = models.CharField(max_length=50, unique=True, help_text='E.g. "gender".')
    title = models.CharField(max_length=100)
    instructions = models.TextField()
    priority = models.PositiveSmallIntegerField(unique=True, help_text="Lowest is asked first.")

    class Meta:
        ordering = ["priority"]

    def __str__(self) -> str:
        return self.title


class TagValue(models.Model):
    """One of the answers to a tag's question."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    tag = models.ForeignKey(Tag, on_delete=models.CASCADE, related_name="values")
    value = models.CharField(max_length=50)
    display = models.CharField(max_length=100)

    class Meta:
        ordering = ["display"]
        constraints = [models.UniqueConstraint(fields=["tag", "value"], name="tag_value_unique")]

    def __str__(self) -> str:
        return self.display


class SampleTag(models.Model):
    """What one person answered about one sample."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    sample = models.ForeignKey(WakeWordSample, on_delete=models.CASCADE, related_name="tags")
    value = models.ForeignKey(TagValue, on_delete=models.PROTECT, related_name="sample_tags")
    account = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="sample_tags"
    )
    tagged_at = models.DateTimeField(default=now)

    class Meta:
        ordering = ["-tagged_at"]
        constraints = [
            models.UniqueConstraint(fields=["sample", "value", "account"], name="sample_tag_once")
        ]

    def __str__(self) -> str:
        return f"{self.sample}: {self.value}"
