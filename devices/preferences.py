"""How the devices of an account tell dates, times and measures."""

from django.db import transaction

from accounts import versions
from accounts.models import Account
from devices.models import AccountPreferences


def of(account: Account) -> AccountPreferences | None:
    """Return what ``account`` set, or None if it never set any."""
    return AccountPreferences.objects.filter(account=account).first()


@transaction.atomic
def change(
    account: Account, *, date_format: str, measurement_system: str, time_format: str
) -> None:
    """Set the preferences of ``account``; its devices see them on their next poll."""
    versions.bump_all_of(account)
    AccountPreferences.objects.update_or_create(
        account=account,
        defaults={
            "date_format": date_format,
            "measurement_system": measurement_system,
            "time_format": time_format,
        },
    )


@transaction.atomic
def amend(account: Account, **edited: str) -> None:
    """Set some of the preferences that ``account`` has; its devices see them on their next poll."""
    versions.bump_all_of(account)
    AccountPreferences.objects.filter(account=account).update(**edited)


@transaction.atomic
def forget(account: Account) -> None:
    """Go back to what devices show of an account that never set any preferences."""
    versions.bump_all_of(account)
    AccountPreferences.objects.filter(account=account).delete()
