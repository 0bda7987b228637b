"""Changing a password."""

from django.db import transaction

from accounts import security, sessions
from accounts.models import Account, SecurityEventKind


def change(account: Account, password: str | None, *, address: str | None = None) -> None:
    """Give ``account`` another password, or with None none; whoever is signed in is signed out."""
    account.set_password(password)  # takes its time, so not while others wait for a transaction
    with transaction.atomic():
        account.save(update_fields=["password"])
        sessions.end_all(account)
        security.record(SecurityEventKind.PASSWORD_CHANGED, account=account, address=address)
