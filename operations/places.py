"""Loading places, so that the devices that are there learn of it."""

from pathlib import Path

from devices import places
from geography import geonames
from geography.geonames_files import Progress


def load(
    source: Path | None = None,
    progress: Progress = lambda step, share: None,
    *,
    with_other_names: bool = False,
) -> geonames.Report:
    """Load GeoNames' dump as ``geonames.load`` does; devices at changed places poll anew."""
    return geonames.load(
        source, progress, note_changed=_tell_devices, with_other_names=with_other_names
    )


def _tell_devices(report: geonames.Report) -> None:
    places.note_changed(report.changed_cities, report.changed_timezones)
