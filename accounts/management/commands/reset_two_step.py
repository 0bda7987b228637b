"""manage.py reset_two_step EMAIL"""

from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from accounts import two_step
from accounts.models import Account


class Command(BaseCommand):
    help = "Let somebody who lost phone and recovery codes set up two-step login anew."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("email", help="Address of the account.")

    def handle(self, *args: Any, email: str, **options: Any) -> str:  # noqa: ANN401 - as BaseCommand
        account = Account.objects.with_email(email).first()
        if account is None:
            raise CommandError(f"no account has the address {email}")
        if two_step.remove(account):
            return f"two-step login of {account.email} removed"
        return f"{account.email} has no two-step login"
