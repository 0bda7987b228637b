"""Changing a password."""

from django.db import transaction

from accounts import security, sessions
from accounts.models import Account, SecurityEventKind


@transaction.atomic
def save(account: Account, *, address: str | None = None) -> None:
    """Save the password just set on ``account``; whoever is signed in is signed out."""
    account.save(update_fields=["password"])
    sessions.end_all(account)
    security.record(SecurityEventKind.PASSWORD_CHANGED, account=account, address=address)
