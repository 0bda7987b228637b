"""What the operator's people change about an account."""

from collections.abc import Collection

from django.db import transaction

from accounts import email_changes, security, sessions, staff_sessions
from accounts.models import Account, SecurityEventKind


@transaction.atomic
def save(account: Account, fields: Collection[str]) -> None:
    """Save ``fields`` of ``account`` and no others, which it may have changed itself meanwhile.

    Who may no longer sign in is signed out; a new address is on record, and unproven.
    """
    names = set(fields)
    if "email" in names:
        account.email_proven_at = None
        email_changes.forget(account)
        names.add("email_proven_at")
        security.record(SecurityEventKind.EMAIL_CHANGED, account=account)
    account.save(update_fields=names)
    if not account.is_active:
        sessions.end_all(account)
    if names & {"is_active", "is_staff"} and not (account.is_active and account.is_staff):
        staff_sessions.end_all(account)
