"""Deletes an account and all that belongs to it."""

from argparse import ArgumentParser
from typing import Any

from django.core.management.base import CommandError

from accounts import deletion
from accounts.models import Account
from operations.management.job_command import JobCommand


class Command(JobCommand):
    help = "Delete an account with its devices and all else that belongs to it."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("email")
        parser.add_argument("--yes", action="store_true", help="Do not ask.")

    def run(self, **options: Any) -> str:  # noqa: ANN401
        account = Account.objects.with_email(options["email"]).first()
        if account is None:
            raise CommandError("no account has this address")
        devices = account.devices.count()
        if not options["yes"]:
            self._ask(account, devices)
        pk = account.pk
        deletion.delete(account)
        return f"account {pk} and its {devices} devices deleted"

    def _ask(self, account: Account, devices: int) -> None:
        self.stderr.write(f"{account.email}, with {devices} devices, will be deleted for good.")
        try:
            answer = input("Type the address again to do it: ")
        except EOFError:
            answer = ""
        if answer.strip().lower() != account.email.lower():
            raise CommandError("nothing was deleted")
