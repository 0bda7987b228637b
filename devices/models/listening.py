"""What a device listens for and how it speaks."""

import uuid

from django.db import models
from django.db.models import Q


class WakeWordEngine(models.TextChoices):
    PRECISE = "precise", "Precise"
    POCKETSPHINX = "pocketsphinx", "PocketSphinx"


class WakeWord(models.Model):
    """A phrase a device listens for, as one engine spots it."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    name = models.CharField(max_length=100, help_text='Lower case, e.g. "hey mycroft".')
    engine = models.CharField(max_length=20, choices=WakeWordEngine)

    class Meta:
        ordering = ["name"]
        constraints = [
            models.UniqueConstraint(fields=["name", "engine"], name="wake_word_unique_per_engine"),
            models.CheckConstraint(
                condition=Q(engine__in=WakeWordEngine.values), name="wake_word_engine_known"
            ),
        ]

    def __str__(self) -> str:
        return self.name


class PocketsphinxSettings(models.Model):
    """How PocketSphinx spots one wake word."""

    wake_word = models.OneToOneField(
        WakeWord, on_delete=models.CASCADE, primary_key=True, related_name="pocketsphinx"
    )
    sample_rate = models.PositiveIntegerField(default=16_000, help_text="Hertz.")
    channels = models.PositiveSmallIntegerField(default=1)
    pronunciation = models.CharField(max_length=200, help_text='E.g. "HH EY . M AY K R AO F T".')
    threshold = models.CharField(max_length=20, help_text='E.g. "1e-90".')
    threshold_multiplier = models.FloatField(default=1.0)
    dynamic_energy_ratio = models.FloatField(default=1.5)

    class Meta:
        verbose_name = "how PocketSphinx spots it"
        verbose_name_plural = "how PocketSphinx spots it"

    def __str__(self) -> str:
        return f"PocketSphinx for {self.wake_word}"


class Voice(models.Model):
    """How a device speaks: a name for a voice of a text-to-speech module.

    Two names may stand for one voice: Selene UI knows more of them than mimic has.
    """

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    display_name = models.CharField(max_length=50, unique=True, help_text='E.g. "British Male".')
    engine = models.CharField(max_length=50, help_text='Module on the device, e.g. "mimic2".')
    setting_name = models.CharField(
        max_length=50, blank=True, help_text='The module\'s own name of it, e.g. "kusal".'
    )

    class Meta:
        ordering = ["display_name"]

    def __str__(self) -> str:
        return self.display_name
