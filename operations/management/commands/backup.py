"""Writes everything the installation has into one archive."""

import os
from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.core.management.base import CommandError

from operations import backup, progress
from operations.management.job_command import JobCommand


class Command(JobCommand):
    help = "Write database, files and secrets into one archive that only you can read."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("file", type=Path)

    def run(self, **options: Any) -> str:  # noqa: ANN401
        path: Path = options["file"]
        draft = path.with_name(f"{path.name}.{os.getpid()}.part")
        try:
            handle = os.open(draft, os.O_CREAT | os.O_TRUNC | os.O_RDWR, 0o600)
            with os.fdopen(handle, "wb") as file, progress.on_terminal() as tell:
                contents = backup.save(file, tell)
                file.flush()
                os.fsync(file.fileno())
            draft.replace(path)
        except OSError as error:
            raise CommandError(f"{path}: {error.strerror}") from error
        finally:
            draft.unlink(missing_ok=True)
        return f"{contents} in {path}, {path.stat().st_size:,} bytes"
