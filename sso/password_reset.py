"""A new password for whoever reads the mail of an account.

1. ``send_link`` mails a link with a token, or that there is no account: who asks is told neither.
2. ``read`` takes the token, which is void as soon as password or address are others than they were.
3. ``change`` takes it for a new password, and so only once.
"""

from dataclasses import dataclass
from urllib.parse import urlencode
from uuid import UUID

from django.conf import settings
from django.core.exceptions import ValidationError
from django.db import transaction
from django.utils.crypto import constant_time_compare, salted_hmac
from rest_framework_simplejwt.exceptions import ExpiredTokenError, TokenError

from accounts import email_changes, lockout, mail, passwords, versions
from accounts.models import Account
from accounts.tokens import ResetToken


class VoidToken(Exception):
    """The token is forged, used, of another account or type, or follows a changed password."""


class ExpiredToken(VoidToken):
    """The token was good once."""


@dataclass(frozen=True)
class Reset:
    """What a good token allows."""

    account: Account
    state: str  # what the account was like when the token was made
    expires_at: float  # seconds since 1970


def send_link(email: str) -> None:
    """Mail to ``email``: a link, or that there is no account. Both take the same steps."""
    account = Account.objects.with_email(email).filter(is_active=True).first()
    token = _token(account or Account(email=email))
    query = urlencode({"token": token})
    # To the address of the account: databases take more letters for the same than mail does.
    mail.send(
        "password_reset" if account else "no_account",
        account.email if account else email,
        url=f"{settings.SSO_BASE_URL}/change-password?{query}",
    )


def read(token: str) -> Reset:
    """Return what ``token`` allows.

    Raises:
        ExpiredToken: it was good for an hour.
        VoidToken: it is no good for any other reason.
    """
    try:
        claims = ResetToken.read(token)
    except ExpiredTokenError as error:
        raise ExpiredToken from error
    except TokenError as error:
        raise VoidToken from error
    try:
        account = Account.objects.get(pk=claims["sub"], is_active=True)
    except (Account.DoesNotExist, ValidationError, KeyError) as error:
        raise VoidToken from error
    reset = Reset(account, str(claims.get("state", "")), claims["exp"])
    _check(reset, account)
    return reset


def change(token: str, account_id: UUID, password: str, *, address: str | None = None) -> None:
    """Give the account ``account_id`` a new password; all its sessions end.

    It takes mail to get a token, so the address is proven, too.

    Raises:
        VoidToken: ``token`` is no good, or not for this account; nothing changed.
        passwords.Weak: nothing changed, and the token is still good.
    """
    reset = read(token)
    if reset.account.pk != account_id:
        raise VoidToken
    passwords.check(password, reset.account)
    reset.account.set_password(password)  # takes its time, so not while others wait
    with transaction.atomic():
        try:
            current = versions.lock(reset.account)
        except Account.DoesNotExist as error:
            raise VoidToken from error
        _check(reset, current)
        passwords.save(reset.account, address=address)
        email_changes.prove(current)
    lockout.forget(current.email, address)


def _check(reset: Reset, account: Account) -> None:
    if not constant_time_compare(reset.state, _state(account)):
        raise VoidToken


def _token(account: Account) -> str:
    token = ResetToken()
    token["sub"], token["state"] = str(account.pk), _state(account)
    return str(token)


def _state(account: Account) -> str:
    """Return what changes with the password, whose salt is new each time, and with the address."""
    seen = f"{account.password} {account.email}"
    secret = settings.JWT_RESET_SECRET
    return salted_hmac("sso.password_reset", seen, secret=secret, algorithm="sha256").hexdigest()
