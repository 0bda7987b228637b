"""Sends mail that could not be sent at once."""

from typing import Any

from django.core.management import CommandError

from accounts import mail
from operations.management.job_command import JobCommand


class Command(JobCommand):
    help = "Send the mail that is due: what could not be sent when it was written."
    is_frequent = True

    def run(self, **options: Any) -> str:  # noqa: ANN401
        sent, failed = mail.deliver_due()
        if failed:
            raise CommandError(f"{sent} mails sent, {failed} not: see Outgoing mail")
        return f"{sent} mails sent"
