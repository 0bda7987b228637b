"""Loads what the marketplace shows of the skills of one core version."""

from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.core.management.base import CommandError

from market import catalogue
from market.upstream import skill_metadata
from operations.management.job_command import JobCommand


class Command(JobCommand):
    help = "Load the skill catalogue of a core version, in place."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument(
            "--core-version",
            metavar="V",
            help="such as 21.02 (default: the one that the marketplace shows)",
        )
        parser.add_argument(
            "--file", type=Path, help="a skill-metadata.json (default: download it)"
        )

    def run(self, **options: Any) -> str:  # noqa: ANN401
        core_version = options["core_version"] or catalogue.shown_version()
        if not core_version:
            raise CommandError("no catalogue is loaded yet: --core-version says which to load")
        try:
            metadata = (
                skill_metadata.read(options["file"])
                if options["file"]
                else skill_metadata.download(core_version)
            )
            return f"core {core_version}: {catalogue.load(core_version, metadata)}"
        except skill_metadata.Unusable as error:
            raise CommandError(str(error)) from error
