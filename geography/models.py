"""Countries, regions, cities and time zones, as GeoNames lists them."""

import uuid

from django.db import models
from django.db.models import Q
from django.utils.timezone import now


class Country(models.Model):
    """A country or dependent territory (GeoNames countryInfo)."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    iso_code = models.CharField(max_length=2, unique=True, help_text='ISO 3166-1, e.g. "US".')
    name = models.CharField(max_length=100)
    search_name = models.CharField(max_length=100, help_text="Name, folded for searching.")

    class Meta:
        ordering = ["name"]
        verbose_name_plural = "countries"
        indexes = [models.Index(fields=["search_name"], name="country_search_name")]

    def __str__(self) -> str:
        return self.name


class Region(models.Model):
    """A first-level division of a country (GeoNames admin1)."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    country = models.ForeignKey(Country, on_delete=models.PROTECT, related_name="regions")
    region_code = models.CharField(max_length=20, unique=True, help_text='E.g. "US.MO".')
    name = models.CharField(max_length=200)
    search_name = models.CharField(max_length=200, help_text="Name, folded for searching.")

    class Meta:
        ordering = ["name"]
        indexes = [models.Index(fields=["search_name"], name="region_search_name")]

    def __str__(self) -> str:
        return f"{self.name} ({self.region_code})"


class Timezone(models.Model):
    """An IANA time zone with its offsets in January and July."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    country = models.ForeignKey(Country, on_delete=models.PROTECT, related_name="timezones")
    name = models.CharField(max_length=50, unique=True, help_text='E.g. "America/Chicago".')
    gmt_offset = models.FloatField(help_text="Hours from UTC on 1 January.")
    dst_offset = models.FloatField(help_text="Hours from UTC on 1 July.")

    class Meta:
        ordering = ["name"]
        verbose_name = "time zone"
        constraints = [
            models.CheckConstraint(
                condition=Q(gmt_offset__range=(-15, 15), dst_offset__range=(-15, 15)),
                name="timezone_offsets_on_earth",
            )
        ]

    def __str__(self) -> str:
        return self.name


class City(models.Model):
    """A populated place; of several of one name in a region, the most populous."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    geonames_id = models.PositiveIntegerField(unique=True, help_text="GeoNames' own id.")
    # No index of its own: city_unique_in_region begins with it.
    region = models.ForeignKey(
        Region, on_delete=models.PROTECT, related_name="cities", db_index=False
    )
    timezone = models.ForeignKey(Timezone, on_delete=models.PROTECT, related_name="cities")
    name = models.CharField(max_length=200)
    search_name = models.CharField(max_length=200, help_text="Name, folded for searching.")
    latitude = models.FloatField(help_text="Degrees north.")
    longitude = models.FloatField(help_text="Degrees east.")
    population = models.PositiveBigIntegerField(default=0)

    class Meta:
        ordering = ["name"]
        verbose_name_plural = "cities"
        constraints = [
            models.UniqueConstraint(fields=["region", "name"], name="city_unique_in_region"),
            models.CheckConstraint(
                condition=Q(latitude__range=(-90, 90), longitude__range=(-180, 180)),
                name="city_on_earth",
            ),
        ]
        indexes = [
            models.Index(fields=["search_name", "-population"], name="city_search_name"),
            models.Index(fields=["region", "-population"], name="city_most_populous_first"),
        ]

    def __str__(self) -> str:
        return self.name


class OtherCityName(models.Model):
    """A name that people have for a city besides GeoNames' first one."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    city = models.ForeignKey(City, on_delete=models.CASCADE, related_name="other_names")
    search_name = models.CharField(max_length=200, help_text="Folded for searching.")

    class Meta:
        ordering = ["search_name"]
        verbose_name = "other name of a city"
        verbose_name_plural = "other names of cities"
        constraints = [
            models.UniqueConstraint(fields=["search_name", "city"], name="other_city_name_once")
        ]

    def __str__(self) -> str:
        return self.search_name


class Correction(models.Model):
    """A city or time zone of which somebody knows better than GeoNames: a load leaves it alone.

    It refers to its place like whatever has to stay, so a load keeps the place with its name.
    """

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    city = models.OneToOneField(
        City, on_delete=models.PROTECT, null=True, blank=True, related_name="correction"
    )
    timezone = models.OneToOneField(
        Timezone, on_delete=models.PROTECT, null=True, blank=True, related_name="correction"
    )
    corrected_at = models.DateTimeField(default=now)

    class Meta:
        constraints = [
            models.CheckConstraint(
                condition=Q(city=None) ^ Q(timezone=None), name="correction_of_one_place"
            )
        ]

    def __str__(self) -> str:
        return f"{self.city or self.timezone}, {self.corrected_at:%Y-%m-%d}"


class Gazetteer(models.Model):
    """All places together: one row, from the first load on."""

    id = models.PositiveSmallIntegerField(primary_key=True, default=1, editable=False)
    # No number: one that a backup brings back could come to name two contents.
    revision = models.UUIDField(default=uuid.uuid4, help_text="Another after every load.")

    class Meta:
        constraints = [models.CheckConstraint(condition=Q(id=1), name="gazetteer_is_one")]

    def __str__(self) -> str:
        return "places"
