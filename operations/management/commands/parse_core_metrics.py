"""Puts together voice interactions from the timing metrics of a day."""

from argparse import ArgumentParser
from datetime import date, timedelta
from typing import Any

from django.utils import timezone

from devices import metrics
from operations.management.job_command import JobCommand


class Command(JobCommand):
    help = "Put together voice interactions from the timing metrics of a day."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument(
            "--day",
            type=date.fromisoformat,
            metavar="YYYY-MM-DD",
            help="a day, in UTC (default: yesterday)",
        )

    def run(self, **options: Any) -> str:  # noqa: ANN401
        day = options["day"] or timezone.now().date() - timedelta(days=1)
        return f"{metrics.parse(day):,} interactions of {day}"
