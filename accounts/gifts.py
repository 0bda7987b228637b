"""Memberships that nobody pays for: given by the operator's people, to a last day or for good.

One and a paid membership exclude each other: whoever has the one gets the other once it has ended.
What is paid through Stripe is none of this module's business (``payments``).
"""

from datetime import date
from uuid import uuid4

from django.db import transaction
from django.utils import timezone

from accounts import activity, memberships, versions
from accounts.models import (
    Account,
    Membership,
    PaymentMethod,
    PendingPayment,
    Subscription,
    SubscriptionQuerySet,
)
from accounts.payments import AlreadyMember, NotAMember, UnderWay


@transaction.atomic
def give(account: Account, membership: Membership, *, until: date | None = None) -> None:
    """Give ``account`` ``membership`` from now, up to the day ``until`` and with it.

    Raises:
        AlreadyMember, UnderWay: nothing changed; it has a membership, or is about to pay for one.
    """
    versions.lock(account)
    if account.subscriptions.active().exists():
        raise AlreadyMember
    if PendingPayment.objects.filter(account=account).exists():
        raise UnderWay
    _open(account, f"gift {uuid4()}", membership, until)
    activity.count(members=1, members_added=1)


@transaction.atomic
def change(account: Account, membership: Membership, *, until: date | None = None) -> None:
    """Make the gift of ``account`` another membership, or one with another last day.

    Raises:
        NotAMember: it has none, or pays for it.
    """
    current = _locked(account, [PaymentMethod.GIFT])
    if current.membership_id == membership.pk:
        current.given_until = until
        current.save(update_fields=["given_until"])
        return
    memberships.close(current)
    _open(account, current.payment_id, membership, until)


@transaction.atomic
def end(account: Account) -> None:
    """End the membership of ``account`` now; PayPal, which we do not reach, is not told.

    Raises:
        NotAMember: it has none, or pays through Stripe.
    """
    memberships.close(_locked(account, [PaymentMethod.GIFT, PaymentMethod.PAYPAL]))
    activity.count(members=-1, members_expired=1)


def end_due() -> int:
    """End the gifts whose last day is over; return how many."""
    return sum(_end_if_due(gift) for gift in list(_due().select_related("account")))


def _due() -> SubscriptionQuerySet:
    return Subscription.objects.active().filter(given_until__lt=timezone.now().date())


@transaction.atomic
def _end_if_due(gift: Subscription) -> bool:
    try:
        versions.lock(gift.account)
    except Account.DoesNotExist:
        return False
    # Somebody may have given it another day meanwhile.
    if not _due().filter(pk=gift.pk).exists() or not memberships.close(gift):
        return False
    activity.count(members=-1, members_expired=1)
    return True


def _open(account: Account, payment_id: str, membership: Membership, until: date | None) -> None:
    account.subscriptions.create(
        membership=membership,
        payment_method=PaymentMethod.GIFT,
        payment_id=payment_id,
        given_until=until,
    )


def _locked(account: Account, methods: list[PaymentMethod]) -> Subscription:
    versions.lock(account)
    current = account.subscriptions.active().filter(payment_method__in=methods).first()
    if current is None:
        raise NotAMember
    return current
