"""Loading places, so that the devices that are there learn of it."""

from collections.abc import Iterable
from pathlib import Path
from uuid import UUID

from django.db import transaction

from accounts import versions
from devices.models import Device
from geography import geonames
from geography.geonames_files import Progress

BATCH = 1_000


@transaction.atomic
def load(
    source: Path | None = None, progress: Progress = lambda step, share: None
) -> geonames.Report:
    """Load GeoNames' dump as ``geonames.load`` does; devices at changed places poll anew."""
    report = geonames.load(source, progress)
    for cities in _batches(report.changed_cities):
        versions.bump(Device.objects.filter(city__in=cities))
    for timezones in _batches(report.changed_timezones):
        versions.bump(Device.objects.filter(timezone__in=timezones))
    return report


def _batches(ids: Iterable[UUID]) -> Iterable[list[UUID]]:
    ordered = sorted(ids)
    for start in range(0, len(ordered), BATCH):
        yield ordered[start : start + BATCH]
