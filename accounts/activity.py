"""Each day's counts over all accounts, exact however many requests come at once."""

from collections.abc import Callable
from datetime import date, datetime, timedelta

from django.db import transaction
from django.db.models import F, Q, Value
from django.db.models.functions import Greatest
from django.utils import timezone

from accounts import agreements
from accounts.models import Acceptance, Account, AccountActivity, AgreementType, Subscription

# How exact an account's last activity is.
NOTED_EVERY = timedelta(minutes=1)


def count(**changes: int) -> None:
    """Add ``changes`` to today's counts: ``count(accounts=1, accounts_added=1)``.

    The last step of the transaction that makes the change: whoever comes next waits for its end,
    and must not hold a lock that it still needs. The first change of a day takes the totals from
    the tables, itself included, so that a miscount does not live on.
    """
    today = timezone.now().date()
    if _add(today, changes):
        return
    _, is_new = AccountActivity.objects.get_or_create(day=today, defaults=changes | _TOTALS)
    if not is_new:
        _add(today, changes)


def note_active(account: Account) -> None:
    """Record that ``account`` uses the service now; count it active once a day."""
    now = timezone.now()
    if account.last_activity_at and now - account.last_activity_at < NOTED_EVERY:
        return
    midnight = now.replace(hour=0, minute=0, second=0, microsecond=0)
    if account.last_activity_at is None or account.last_activity_at < midnight:
        _count_active(account, now, Q(last_activity_at=None) | Q(last_activity_at__lt=midnight))
    # Nothing but this, nearly always: who was active today as it was read, still is.
    Account.objects.filter(pk=account.pk, last_activity_at__lt=now).update(last_activity_at=now)
    account.last_activity_at = now


@transaction.atomic
def _count_active(account: Account, now: datetime, before_today: Q) -> None:
    """Count ``account`` active today, unless another request has done so meanwhile."""
    if not Account.objects.filter(before_today, pk=account.pk).update(last_activity_at=now):
        return
    count(
        accounts_active=1,
        members_active=int(account.subscriptions.active().exists()),
        open_dataset_active=int(agreements.has_open_dataset(account)),
    )


def _add(day: date, changes: dict[str, int]) -> int:
    # Never below zero, which the database refuses: an account that came past all counting may go.
    sums = {name: Greatest(F(name) + number, Value(0)) for name, number in changes.items()}
    return AccountActivity.objects.filter(day=day).update(**sums)


def _count_open_dataset() -> int:
    accepted = Acceptance.objects.filter(agreement__type=AgreementType.OPEN_DATASET)
    return accepted.values("account").distinct().count()


_TOTALS: dict[str, Callable[[], int]] = {
    "accounts": Account.objects.count,
    "members": lambda: Subscription.objects.active().count(),
    "open_dataset": _count_open_dataset,
}
