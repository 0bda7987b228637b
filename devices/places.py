"""Where devices are: finding places by the names that the lists give them."""

from collections.abc import Iterable
from uuid import UUID

from django.db import transaction
from django.db.models import Case, F, UUIDField, Value, When

from accounts import versions
from devices.models import AccountDefaults, Device
from geography import correcting
from geography.bulk import batches
from geography.models import City, Country, Region, Timezone

# Fits SQLite's limit on the values of one statement.
BATCH = 900


class UnknownPlace(Exception):
    """No such place; ``reasons`` says why, by field."""

    def __init__(self, reasons: dict[str, list[str]]) -> None:
        super().__init__(str(reasons))
        self.reasons = reasons


def resolve(country: str, region: str, city: str, timezone: str) -> tuple[City, Timezone]:
    """Return the city of that name in that region and country, and the time zone.

    Raises:
        UnknownPlace: the names are not in the lists, or not in one another.
    """
    found = City.objects.filter(
        name=city, region__name=region, region__country__name=country
    ).first()
    zone = Timezone.objects.filter(name=timezone).first()
    if found and zone:
        return found, zone
    reasons = {} if found else _why_not(country, region)
    if zone is None:
        reasons["timezone"] = ["time zone not found"]
    raise UnknownPlace(reasons)


def country_named(name: str) -> Country:
    """Return the country of this name, or raise UnknownPlace."""
    country = Country.objects.filter(name=name).first()
    if country is None:
        raise UnknownPlace({"country": ["country not found"]})
    return country


def region_named(name: str, country: Country) -> Region:
    """Return the region of this name in ``country``, or raise UnknownPlace."""
    region = Region.objects.filter(country=country, name=name).first()
    if region is None:
        raise UnknownPlace({"region": ["region not found in this country"]})
    return region


def city_named(name: str, region: Region) -> City:
    """Return the city of this name in ``region``, or raise UnknownPlace."""
    city = City.objects.filter(region=region, name=name).first()
    if city is None:
        raise UnknownPlace({"city": ["city not found in this region"]})
    return city


def timezone_named(name: str) -> Timezone:
    """Return the time zone of this name, or raise UnknownPlace."""
    timezone = Timezone.objects.filter(name=name).first()
    if timezone is None:
        raise UnknownPlace({"timezone": ["time zone not found"]})
    return timezone


@transaction.atomic
def note_changed(city_ids: Iterable[UUID], timezone_ids: Iterable[UUID] = ()) -> None:
    """Note, in the transaction of the change, that devices in these places show something else.

    The name or country of a region counts as a change of its cities.
    """
    for ids in batches(city_ids, BATCH):
        versions.bump(Device.objects.filter(city__in=ids))
    for ids in batches(timezone_ids, BATCH):
        versions.bump(Device.objects.filter(timezone__in=ids))


@transaction.atomic
def correct_city(city: City, **news: str | float | Timezone) -> None:
    """Write ``news`` over what GeoNames says of ``city``; devices there show it on their next poll.

    Devices and defaults that have the city's old time zone get its new one. Another one somebody
    chose on purpose.

    Raises:
        correcting.NameTaken, City.DoesNotExist: nothing changed.
    """
    if not news:
        return
    before = correcting.correct_city(city, **news)
    devices = Device.objects.filter(city=city)
    if "timezone" not in news:
        versions.bump(devices)
        return
    zone = Value(news["timezone"].pk, output_field=UUIDField())  # type: ignore[union-attr]
    versions.bump(devices, timezone=Case(When(timezone=before, then=zone), default=F("timezone")))
    AccountDefaults.objects.filter(city=city, timezone=before).update(timezone=zone)


@transaction.atomic
def correct_timezone(timezone: Timezone, **news: float) -> None:
    """Write offsets over what GeoNames says; devices in ``timezone`` show it on their next poll.

    Raises:
        Timezone.DoesNotExist: nothing changed.
    """
    if news:
        correcting.correct_timezone(timezone, **news)
        note_changed([], [timezone.pk])


def _why_not(country_name: str, region_name: str) -> dict[str, list[str]]:
    try:
        region_named(region_name, country_named(country_name))
    except UnknownPlace as error:
        return error.reasons
    return {"city": ["city not found in this region"]}
