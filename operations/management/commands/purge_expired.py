"""Deletes what has expired: pairing sessions, tokens, sign-in sessions, old records."""

from typing import Any

from operations import purging
from operations.management.job_command import JobCommand


class Command(JobCommand):
    help = "Delete expired pairing sessions, tokens and sign-in sessions, and old records."

    def run(self, **options: Any) -> str:  # noqa: ANN401
        return ", ".join(f"{count} {what}" for what, count in purging.purge().items())
