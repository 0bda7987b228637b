"""Counts devices by what the dashboard shows them by."""

from typing import Any

from operations import fleet
from operations.management.job_command import JobCommand


class Command(JobCommand):
    help = "Count devices by status, platform, place and so on, for the dashboard."
    is_frequent = True

    def run(self, **options: Any) -> str:  # noqa: ANN401
        return f"{fleet.count()} devices counted"
