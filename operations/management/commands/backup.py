"""Writes everything the installation has into one archive."""

from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.core.management.base import CommandError

from operations import backup, progress, whole_files
from operations.management.job_command import JobCommand


class Command(JobCommand):
    help = "Write database, files and secrets into one archive that only you can read."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("file", type=Path)

    def run(self, **options: Any) -> str:  # noqa: ANN401
        path: Path = options["file"]
        try:
            with whole_files.writing(path) as file, progress.on_terminal() as tell:
                contents = backup.save(file, tell)
        except OSError as error:
            raise CommandError(f"{path}: {error.strerror}") from error
        return f"{contents} in {path}, {path.stat().st_size:,} bytes"
