"""Moves the times of devices' last contact from the cache to the database."""

from typing import Any

from devices import contacts
from operations.management.job_command import JobCommand


class Command(JobCommand):
    help = "Move the times of devices' last contact from the cache to the database."
    is_frequent = True

    def run(self, **options: Any) -> str:  # noqa: ANN401
        return f"last contact of {contacts.flush()} devices"
