"""What accounts can pay for: the memberships that ship, how long one has been held."""

import json
from datetime import date
from pathlib import Path

from django.db import IntegrityError, transaction
from django.db.models import UUIDField
from django.utils import timezone

from accounts.models import Account, Membership, Subscription
from accounts.prepared import Given, PreparedQuery

_ACTIVE: PreparedQuery[Subscription] = PreparedQuery(
    lambda: (
        Subscription.objects.filter(account=Given("account", UUIDField()))
        .active()
        .with_paid_since()
        .select_related("membership")
    )
)


def load_shipped(path: Path) -> int:
    """Create the memberships in the file at ``path`` where there are none; return how many."""
    if Membership.objects.exists():
        return 0
    rows = [
        Membership(
            type=entry["type"],
            rate=entry["rate"],
            rate_period=entry["ratePeriod"],
            stripe_plan=entry["stripePlan"],
        )
        for entry in json.loads(path.read_text(encoding="utf-8"))
    ]
    try:
        with transaction.atomic():
            return len(Membership.objects.bulk_create(rows))
    except IntegrityError:  # another process starts at this moment
        return 0


def active(account: Account) -> Subscription | None:
    """Return what ``account`` pays for now, with its membership and ``paid_since``."""
    return _ACTIVE.first(account=account.pk)


def close(current: Subscription) -> bool:
    """End the period ``current``, in the transaction of the change; return whether it was open."""
    # Never before its start, which the clock of another machine may have told.
    ended_at = max(timezone.now(), current.started_at)
    rows = Subscription.objects.active().filter(pk=current.pk)
    return bool(rows.update(ended_at=ended_at))


def duration(since: date, until: date) -> str | None:
    """Return the whole years and months between two days as text: "1 years  2 months".

    Selene UI shows it as it is; None before the first month is over.
    """
    total = (until.year - since.year) * 12 + until.month - since.month - (until.day < since.day)
    years, months = divmod(total, 12)
    parts = [f"{years} years"] if years else []
    parts += [f"{months} months"] if months else []
    return "  ".join(parts) or None
