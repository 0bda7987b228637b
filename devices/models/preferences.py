"""What the devices of an account have in common."""

import uuid

from django.conf import settings
from django.db import models
from django.db.models import Q

from devices.models.listening import Voice, WakeWord
from geography.models import City, Country, Region, Timezone


class DateFormat(models.TextChoices):
    DAY_FIRST = "DD/MM/YYYY", "DD/MM/YYYY"
    MONTH_FIRST = "MM/DD/YYYY", "MM/DD/YYYY"


class TimeFormat(models.TextChoices):
    TWELVE_HOURS = "12 Hour", "12 Hour"
    TWENTY_FOUR_HOURS = "24 Hour", "24 Hour"


class MeasurementSystem(models.TextChoices):
    IMPERIAL = "Imperial", "Imperial"
    METRIC = "Metric", "Metric"


class AccountPreferences(models.Model):
    """How the devices of an account tell dates, times and measures."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    account = models.OneToOneField(
        settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="preferences"
    )
    date_format = models.CharField(
        max_length=10, choices=DateFormat, default=DateFormat.MONTH_FIRST
    )
    time_format = models.CharField(
        max_length=10, choices=TimeFormat, default=TimeFormat.TWELVE_HOURS
    )
    measurement_system = models.CharField(
        max_length=10, choices=MeasurementSystem, default=MeasurementSystem.IMPERIAL
    )

    class Meta:
        verbose_name_plural = "account preferences"
        constraints = [
            models.CheckConstraint(
                condition=Q(
                    date_format__in=DateFormat.values,
                    time_format__in=TimeFormat.values,
                    measurement_system__in=MeasurementSystem.values,
                ),
                name="preferences_known",
            )
        ]

    def __str__(self) -> str:
        return f"{self.date_format}, {self.time_format}, {self.measurement_system}"


class AccountDefaults(models.Model):
    """What a new device of an account starts with."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    account = models.OneToOneField(
        settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="defaults"
    )
    country = models.ForeignKey(
        Country, on_delete=models.PROTECT, null=True, blank=True, related_name="+"
    )
    region = models.ForeignKey(
        Region, on_delete=models.PROTECT, null=True, blank=True, related_name="+"
    )
    city = models.ForeignKey(
        City, on_delete=models.PROTECT, null=True, blank=True, related_name="+"
    )
    timezone = models.ForeignKey(
        Timezone, on_delete=models.PROTECT, null=True, blank=True, related_name="+"
    )
    voice = models.ForeignKey(
        Voice, on_delete=models.PROTECT, null=True, blank=True, related_name="+"
    )
    wake_word = models.ForeignKey(
        WakeWord, on_delete=models.PROTECT, null=True, blank=True, related_name="+"
    )

    class Meta:
        verbose_name_plural = "account defaults"
        constraints = [
            models.CheckConstraint(
                condition=Q(region=None) | ~Q(country=None), name="defaults_region_in_a_country"
            ),
            models.CheckConstraint(
                condition=Q(city=None) | ~Q(region=None), name="defaults_city_in_a_region"
            ),
        ]

    def __str__(self) -> str:
        return f"defaults of {self.account}"
