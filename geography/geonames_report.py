"""What a load of GeoNames' dump did."""

import uuid
from dataclasses import dataclass, field


@dataclass
class Report:
    """Counts of rows; ``changed_*`` are the ids of places that now show something else."""

    countries: int = 0
    regions: int = 0
    timezones: int = 0
    cities: int = 0
    other_names: int = 0  # of cities
    added: int = 0  # this and the following: of cities
    updated: int = 0
    removed: int = 0
    kept: int = 0  # left the dump, or lost its name to another, but something refers to it
    corrected: int = 0  # cities and time zones that were corrected here, and left as they are
    duplicates: int = 0  # left out, since another of the region has the name
    unknown_region: int = 0
    unknown_timezone: int = 0
    unknown_country: int = 0  # regions and time zones left out
    changed_cities: set[uuid.UUID] = field(default_factory=set)
    changed_timezones: set[uuid.UUID] = field(default_factory=set)

    def __str__(self) -> str:
        left_out = (
            f"{self.duplicates:,} of a name that is taken, {self.unknown_region:,} of unknown "
            f"region, {self.unknown_timezone:,} of unknown time zone"
        )
        if self.unknown_country:
            left_out += f", {self.unknown_country:,} regions or time zones of unknown country"
        others = f", {self.other_names:,} other names" if self.other_names else ""
        corrected = f", {self.corrected:,} left as corrected here" if self.corrected else ""
        return (
            f"{self.countries:,} countries, {self.regions:,} regions, {self.timezones:,} time "
            f"zones, {self.cities:,} cities ({self.added:,} new, {self.updated:,} updated, "
            f"{self.removed:,} removed, {self.kept:,} kept for what refers to them){others}"
            f"{corrected}; "
            f"left out: {left_out}"
        )
