"""Changing a password."""

from django.contrib.auth.password_validation import validate_password
from django.core.exceptions import ValidationError
from django.db import transaction

from accounts import mail, security, sessions
from accounts.models import Account, EmailChange, SecurityEventKind, SignInSession

# Logging in sends it in a header, and those are limited to 8 KB.
MAX_LENGTH = 1_000


class Weak(ValueError):
    """The password will not do, for ``reasons`` that the person can be told."""

    def __init__(self, reasons: list[str]) -> None:
        super().__init__("; ".join(reasons))
        self.reasons = reasons


def check(password: str, account: Account) -> None:
    """Check that ``account``, which may be unsaved, may have ``password``.

    Raises:
        Weak: it may not.
    """
    if "\0" in password:
        raise Weak(["NUL characters are not allowed"])
    if len(password) > MAX_LENGTH:
        raise Weak([f"at most {MAX_LENGTH} characters"])
    try:
        validate_password(password, account)
    except ValidationError as error:
        raise Weak(error.messages) from error


def change(
    account: Account, password: str, *, session: SignInSession, address: str | None = None
) -> None:
    """Give ``account`` a new password, as it asked to in ``session``: the only one to go on.

    Raises:
        Weak: nothing changed.
    """
    check(password, account)
    account.set_password(password)  # takes its time, so not while others wait for a transaction
    save(account, keep=session, address=address)


@transaction.atomic
def save(
    account: Account, *, keep: SignInSession | None = None, address: str | None = None
) -> None:
    """Save the password just set on ``account``; whoever is signed in is signed out.

    But for the session to ``keep``. The account is told by mail, and a change of its address that
    was under way ends: whoever asked for it may be why there is a new password.
    """
    account.save(update_fields=["password"])
    sessions.end_all(account, but=keep)
    EmailChange.objects.filter(account=account).delete()
    security.record(SecurityEventKind.PASSWORD_CHANGED, account=account, address=address)
    mail.send("password_changed", account.email)
