"""Sums each day's requests for speech, and forgets who made them."""

from typing import Any

from devices import speech
from operations.management.job_command import JobCommand


class Command(JobCommand):
    help = "Sum the requests for speech of days that are over, and delete those older than a day."
    is_frequent = True  # so that a day is hardly more than a day

    def run(self, **options: Any) -> str:  # noqa: ANN401
        added, deleted = speech.summarise()
        return f"{added} sums of a day and engine added, {deleted} requests deleted"
