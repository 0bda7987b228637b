"""Removes recorded wake words that are marked for deletion."""

from typing import Any

from devices import samples
from operations.management.job_command import JobCommand


class Command(JobCommand):
    help = "Remove recorded wake words of accounts that are gone or opted out, files and rows."

    def run(self, **options: Any) -> str:  # noqa: ANN401
        marked, removed, swept = samples.mark_unwanted(), samples.remove_marked(), samples.sweep()
        return f"{marked} samples marked, {removed} removed, {swept} files without a sample removed"
