"""Makes up accounts and devices, to see how the server does with many."""

from argparse import ArgumentParser
from typing import Any

from django.core.management.base import CommandError

from operations import demo, progress
from operations.management.job_command import JobCommand


class Command(JobCommand):
    help = "Make up accounts and devices until there are so many. Not among those of people."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--accounts", type=int, default=1_000, metavar="N")
        parser.add_argument("--devices", type=int, default=3_000, metavar="N")
        parser.add_argument("--force", action="store_true", help="Even among people's accounts.")

    def run(self, **options: Any) -> str:  # noqa: ANN401
        numbers = {"accounts": options["accounts"], "devices": options["devices"]}
        if min(numbers.values()) < 0:
            raise CommandError("how many must not be negative")
        try:
            with progress.on_terminal() as tell:
                made = demo.seed(**numbers, force=options["force"], tell=tell)
        except demo.RealAccounts as error:
            reason = "the database has accounts of people; --force mixes made-up ones with them"
            raise CommandError(reason) from error
        return f"added {made}"
