"""Writes all that is stored about an account into an archive for its owner."""

from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.core.management.base import CommandError

from accounts.models import Account
from operations import personal_data, progress, whole_files
from operations.management.job_command import JobCommand


class Command(JobCommand):
    help = "Write all data of an account into a ZIP file that only you can read."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("email")
        parser.add_argument(
            "--to", type=Path, metavar="FILE", help="default: account-<id>.zip, here"
        )

    def run(self, **options: Any) -> str:  # noqa: ANN401
        account = Account.objects.with_email(options["email"]).first()
        if account is None:
            raise CommandError("no account has this address")
        path: Path = options["to"] or Path(f"account-{account.pk}.zip")
        try:
            with whole_files.writing(path) as file, progress.on_terminal() as tell:
                count = personal_data.write(account, file, tell)
        except OSError as error:
            raise CommandError(f"{path}: {error.strerror}") from error
        # The address is not written down: the record of this run outlives the account.
        return f"{count} rows of account {account.pk} in {path}"
