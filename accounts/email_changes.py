"""Changing the address of an account, which takes a click in a mail to the new one.

1. ``request`` keeps the new address beside the account and mails a link there, and a notice to the
   address it has.
2. ``confirm`` takes the token of the link, once, from the account that asked.
"""

from datetime import timedelta
from urllib.parse import urlencode

from django.conf import settings
from django.db import IntegrityError, transaction
from django.utils import timezone
from rest_framework_simplejwt.exceptions import TokenError

from accounts import mail, security, versions
from accounts.models import Account, EmailChange, SecurityEventKind
from accounts.registration import AddressInUse
from accounts.tokens import VerifyEmailToken


class VoidLink(Exception):
    """Too old, used, of another account, or followed by another request of the same one."""


@transaction.atomic
def request(account: Account, email: str) -> None:
    """Mail a link to the new address ``email`` of ``account``; nothing changes before it is used.

    Whether another account has the address is told to nobody but who reads its mail.
    """
    versions.lock(account)
    forget(account)
    mail.send("email_change_requested", account.email)
    holder = Account.objects.with_email(email).exclude(pk=account.pk).first()
    if holder:
        mail.send("address_in_use", holder.email)
        return
    change = EmailChange.objects.create(account=account, email=email)
    query = urlencode({"token": _token(change)})
    mail.send("verify_email", email, url=f"{settings.ACCOUNT_BASE_URL}/verify-email?{query}")


def confirm(account: Account, token: str, *, address: str | None = None) -> None:
    """Give ``account`` the address that it asked for, since ``token`` arrived there.

    Raises:
        VoidLink, AddressInUse: nothing changed.
    """
    link = _link(token)
    if link["sub"] != str(account.pk):
        raise VoidLink
    with transaction.atomic():
        current = versions.lock(account)
        change = EmailChange.objects.filter(account=current, pk=link["jti"]).first()
        if change is None:
            raise VoidLink
        _change(current, change.email, address)
        change.delete()


def read(token: str) -> EmailChange:
    """Return the change, with its account, that ``token`` is to confirm.

    Raises:
        VoidLink: there is none any more.
    """
    link = _link(token)
    change = EmailChange.objects.select_related("account").filter(pk=link["jti"]).first()
    if change is None or link["sub"] != str(change.account_id) or not change.account.is_active:
        raise VoidLink
    return change


def forget(account: Account) -> None:
    """Make a link that ``account`` may have asked for void."""
    EmailChange.objects.filter(account=account).delete()


def prove(account: Account) -> None:
    """Note that mail to the address of ``account`` arrives."""
    Account.objects.filter(pk=account.pk, email_proven_at=None).update(
        email_proven_at=timezone.now()
    )


def purge() -> int:
    """Delete changes whose link is too old; return how many."""
    limit = timezone.now() - VerifyEmailToken.lifetime - timedelta(hours=1)
    return EmailChange.objects.filter(requested_at__lt=limit).delete()[0]


def _change(account: Account, email: str, address: str | None) -> None:
    is_another = email != account.email
    account.email, account.email_proven_at = email, timezone.now()
    try:
        with transaction.atomic():
            account.save(update_fields=["email", "email_proven_at"])
    except IntegrityError as error:
        raise AddressInUse from error
    if is_another:
        security.record(SecurityEventKind.EMAIL_CHANGED, account=account, address=address)


def _token(change: EmailChange) -> str:
    token = VerifyEmailToken()
    token["sub"], token["jti"] = str(change.account_id), str(change.pk)
    return str(token)


def _link(token: str) -> VerifyEmailToken:
    try:
        return VerifyEmailToken.read(token)
    except TokenError as error:
        raise VoidLink from error
