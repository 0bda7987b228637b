"""Correcting a place of which somebody knows better than GeoNames.

What was corrected stays so when GeoNames is loaded anew, until it is given back. Whoever shows
places has to learn of it in the same transaction: ``devices.places`` sees to that.
"""

from uuid import UUID

from django.db import IntegrityError, transaction
from django.utils import timezone

from geography import revision
from geography.models import City, Correction, Timezone
from geography.names import fold


class NameTaken(Exception):
    """Another city of the region has the name; nothing changed."""


@transaction.atomic
def correct_city(city: City, **news: str | float | Timezone) -> UUID:
    """Write ``news`` over what GeoNames says of ``city``; return the time zone it had, its key.

    Raises:
        NameTaken: nothing changed.
        City.DoesNotExist: it is gone.
    """
    revision.renew()
    current = City.objects.get(pk=city.pk)
    before = current.timezone_id
    for name, value in news.items():
        setattr(current, name, value)
    current.search_name = fold(current.name)[:200]
    try:
        with transaction.atomic():
            current.save(update_fields=[*news, "search_name"])
    except IntegrityError as error:
        raise NameTaken from error
    Correction.objects.update_or_create(city=current, defaults={"corrected_at": timezone.now()})
    return before


@transaction.atomic
def correct_timezone(zone: Timezone, **news: float) -> None:
    """Write the offsets ``news`` over what GeoNames says of ``zone``.

    Raises:
        Timezone.DoesNotExist: it is gone.
    """
    revision.renew()
    current = Timezone.objects.get(pk=zone.pk)
    for name, value in news.items():
        setattr(current, name, value)
    current.save(update_fields=list(news))
    Correction.objects.update_or_create(timezone=current, defaults={"corrected_at": timezone.now()})


def give_back(place: City | Timezone) -> bool:
    """Let the next load say again what ``place`` is; return whether it was corrected."""
    kind = "city" if isinstance(place, City) else "timezone"
    return bool(Correction.objects.filter(**{kind: place}).delete()[0])
