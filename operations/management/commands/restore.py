"""Replaces everything the installation has by what is in an archive."""

from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from operations import backup, jobs, progress


class Command(BaseCommand):
    help = "Replace database, files and secrets by those of a backup. Stop the server first."
    requires_system_checks = []

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("file", type=Path)
        parser.add_argument("--force", action="store_true", help="Even if there are accounts.")

    def handle(self, *args: Any, **options: Any) -> str:  # noqa: ANN401
        try:
            with options["file"].open("rb") as file, progress.on_terminal() as tell:
                contents = backup.restore(file, force=options["force"], tell=tell)
        except backup.Refused as error:
            raise CommandError(f"nothing was changed: {error}") from error
        except OSError as error:
            raise CommandError(f"{options['file']}: {error.strerror}") from error
        for warning in contents.warnings:
            self.stderr.write(f"Warning: {warning}")
        with jobs.record("restore") as run:  # now: the rows before are gone
            run.output = f"{contents} from {options['file']}"
        return run.output
