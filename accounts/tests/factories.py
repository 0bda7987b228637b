"""Saved rows for tests; what a test does not name is valid and none of its business."""

from itertools import count

from accounts.models import Account

PASSWORD = "correct horse battery"

_numbers = count(1)


def make_account(email=None, password=PASSWORD, **fields):
    """Save an account that can sign in with ``PASSWORD``."""
    email = email or f"owner{next(_numbers)}@selene.test"
    return Account.objects.create_user(email, password, **fields)
