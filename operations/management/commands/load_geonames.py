"""Loads countries, regions, cities and time zones from GeoNames."""

from argparse import ArgumentParser
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from django.core.management.base import CommandError
from rich.console import Console
from rich.progress import Progress

from geography import geonames_files
from operations import places
from operations.management.job_command import JobCommand


class Command(JobCommand):
    help = "Load countries, regions, cities and time zones from GeoNames, in place."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument(
            "--from",
            dest="source",
            type=Path,
            metavar="DIR",
            help="folder with countryInfo.txt, admin1CodesASCII.txt, timeZones.txt and "
            "cities500.zip, perhaps alternateNamesV2.zip (default: download the first four)",
        )
        parser.add_argument(
            "--other-names",
            action="store_true",
            help="download alternateNamesV2.zip (200 MB) too: other English names of all cities",
        )

    def run(self, **options: Any) -> str:  # noqa: ANN401
        try:
            with _progress_bar() as progress:
                return str(
                    places.load(
                        options["source"], progress, with_other_names=options["other_names"]
                    )
                )
        except geonames_files.GeonamesError as error:
            raise CommandError(str(error)) from error


@contextmanager
def _progress_bar() -> Iterator[geonames_files.Progress]:
    """Show on a terminal what is being done; elsewhere show nothing."""
    console = Console(stderr=True)
    with Progress(console=console, transient=True, disable=not console.is_terminal) as bar:
        task = bar.add_task("", total=1.0)
        yield lambda step, share: bar.update(task, description=step, completed=share)
