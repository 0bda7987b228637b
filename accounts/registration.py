"""New accounts."""

from django.db import IntegrityError, transaction

from accounts import activity, agreements
from accounts.models import Account, Agreement, AgreementType

REQUIRED = (AgreementType.TERMS_OF_USE, AgreementType.PRIVACY_POLICY)


class AddressInUse(Exception):
    """Another account has the address, in whatever case."""


def sign_up(email: str, password: str) -> Account:
    """Create the account of a person who agrees to what is required.

    Raises:
        AddressInUse: nothing changed.
    """
    account = Account(email=email)
    account.set_password(password)  # takes its time, so not while others wait for a transaction
    with transaction.atomic():
        enter(account)
        count()
    return account


@transaction.atomic
def add(account: Account) -> None:
    """Save the new ``account`` and count it.

    Raises:
        AddressInUse: nothing changed.
    """
    _save(account)
    count()


def enter(account: Account) -> None:
    """Save the new ``account`` of a person who agrees to what is required.

    Whoever calls it counts the account, at the end of the same transaction.

    Raises:
        AddressInUse: nothing changed.
    """
    _save(account)
    for agreement in Agreement.objects.filter(type__in=REQUIRED).in_force():
        agreements.accept(account, agreement)


def count() -> None:
    """Count a new account: the last step, since others who count wait for its end."""
    activity.count(accounts=1, accounts_added=1)


def _save(account: Account) -> None:
    try:
        with transaction.atomic():
            account.save(force_insert=True)
    except IntegrityError as error:
        raise AddressInUse from error
