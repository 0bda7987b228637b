"""Mails the installation's numbers to whoever REPORT_RECIPIENT names."""

from argparse import ArgumentParser
from datetime import date
from typing import Any

from django.core.management.base import CommandError

from accounts.exceptions import NotConfigured
from operations import report
from operations.management.job_command import JobCommand


class Command(JobCommand):
    help = "Mail the numbers of the day to REPORT_RECIPIENT, once a day whoever runs it."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument(
            "--date", type=date.fromisoformat, metavar="YYYY-MM-DD", help="default: today"
        )

    def run(self, **options: Any) -> str:  # noqa: ANN401
        try:
            was_sent = report.send(options["date"])
        except NotConfigured as error:
            raise CommandError(str(error)) from error
        except report.NoSuchDay as error:
            raise CommandError(f"{options['date']} is yet to come") from error
        return "1 report sent" if was_sent else "0 reports sent: there is one of this day"
