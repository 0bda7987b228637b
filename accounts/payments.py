"""Memberships that are paid through Stripe, so that nobody pays twice or for nothing.

Two things must happen, at Stripe and here, and the server can die between them. So:

1. Whoever asks for a membership gets a ``PendingPayment`` first. It names the requests to Stripe:
   sent again after a lost answer, from wherever, they are done once.
2. Stripe makes a customer, which costs nothing, and its id is kept. Then the customer subscribes.
3. The subscription becomes a row here, and the pending payment goes, in one transaction.

What is left between 2 and 3 is taken over by the same person's next try, by Stripe's event, or by
the job. No call to Stripe is made in a transaction. Whatever Stripe tells later (``follow``) is
only a hint to ask how things are now: events come late, twice, and in any order.
"""

import hashlib
import logging
from contextlib import suppress
from datetime import timedelta
from functools import partial
from uuid import UUID

from django.db import transaction
from django.utils import timezone

from accounts import activity, memberships, versions
from accounts.exceptions import NotConfigured
from accounts.models import Account, Membership, PaymentMethod, PendingPayment, Subscription
from accounts.upstream import http, stripe
from accounts.upstream.stripe import PaidPlan

# No request to Stripe is under way for so long
UNDER_WAY = timedelta(minutes=10)
TRIES = 3

logger = logging.getLogger(__name__)


class AlreadyMember(Exception):
    """The account has a membership."""


class NotAMember(Exception):
    """The account has no membership, or one that is not paid through Stripe."""


class UnderWay(Exception):
    """Another change of the same account's membership is being made."""


def check(account: Account, action: str) -> None:
    """Raise what ``action`` ("add", "update" or "cancel") would run into, before Stripe is asked.

    Raises:
        AlreadyMember, NotAMember: it makes no sense now.
        NotConfigured: there is no key.
    """
    if action == "add":
        if account.subscriptions.active().exists():
            raise AlreadyMember
    else:
        _current(account)
    stripe.check_configured()


def add(account: Account, membership: Membership, token: str) -> None:
    """Let ``account`` pay for ``membership`` with the card of ``token``, from now on.

    Raises:
        AlreadyMember, UnderWay: nothing was charged by this call.
        stripe.Refused: the card was not charged, and nothing changed.
        http.Unavailable: what Stripe did is not known; trying again charges no second time.
    """
    _settle_old(account)
    pending = _begin(account, membership)
    try:
        if not pending.customer_id:
            _keep_customer(pending, account, token)
        paid = stripe.subscribe(
            account.pk, pending.customer_id, membership.stripe_plan, key=str(pending.pk)
        )
    except stripe.Refused:
        _drop(pending)
        raise
    if not _adopt(account.pk, paid, membership, pending):
        _refuse(paid)
        raise UnderWay


def update(account: Account, membership: Membership) -> None:
    """Let ``account`` pay for ``membership`` instead of the one it has.

    Raises:
        NotAMember: there is none, or Stripe has ended it.
        stripe.Refused: all is as before.
    """
    current = _current(account)
    paid = stripe.find(current.payment_id)
    if paid is None or not paid.is_paid:
        end(current.payment_id)
        raise NotAMember
    if paid.plan != membership.stripe_plan:
        stripe.change_plan(paid, membership.stripe_plan)
    if current.membership_id != membership.pk:
        _change(current, membership)


def cancel(account: Account) -> None:
    """End the membership of ``account`` now, at Stripe and here.

    Raises:
        NotAMember: there is none.
    """
    current = _current(account)
    stripe.cancel(current.payment_id)
    end(current.payment_id)


def end(payment_id: str) -> None:
    """End the membership, if any, that Stripe's subscription ``payment_id`` pays for."""
    current = _paid_by(payment_id)
    if current is None:
        return
    with suppress(Account.DoesNotExist), transaction.atomic():
        versions.lock(current.account)
        if memberships.close(current):
            activity.count(members=-1, members_expired=1)


@transaction.atomic
def end_for_deletion(account: Account) -> bool:
    """Note that what ``account``, which is about to be deleted, pays for is to be cancelled.

    Returns whether it was a member. Stripe is asked once that is committed; what comes of it does
    not concern the person any more, and the job tries again.
    """
    current = account.subscriptions.active().first()
    pending = list(PendingPayment.objects.filter(account=account))
    if current and current.payment_method == PaymentMethod.STRIPE:
        pending.append(PendingPayment.objects.create(subscription_id=current.payment_id))
    # What is pending for the account stays, and is nobody's then.
    transaction.on_commit(partial(_try_to_settle, [each.pk for each in pending]))
    return current is not None


def follow(payment_id: str) -> None:
    """Make the membership here what the subscription ``payment_id`` is at Stripe now.

    Raises:
        http.Unavailable: nothing changed.
    """
    for _ in range(TRIES):
        # Read before Stripe is asked: what it says may be older than a change made meanwhile.
        current = _paid_by(payment_id)
        paid = stripe.find(payment_id)
        if _follow(payment_id, paid, current):
            return


def _follow(payment_id: str, paid: PaidPlan | None, current: Subscription | None) -> bool:
    """Return whether all is settled: not if ``current`` has changed since it was read."""
    if paid is None or not paid.is_paid:
        end(payment_id)
        return True
    membership = Membership.objects.filter(stripe_plan=paid.plan).first()
    if membership is None:
        if current:
            logger.warning("%s is paid for a plan that is no membership", current.account_id)
        return True
    if current is None:
        _take_in(paid, membership)
        return True
    return current.membership == membership or _change(current, membership)


def settle(pending: PendingPayment) -> None:
    """Find out what came of ``pending`` at Stripe, and make it so here, or undo it there.

    Raises:
        http.Unavailable: it is still pending.
    """
    if pending.subscription_id:
        stripe.cancel(pending.subscription_id)
    elif pending.customer_id:
        paid = stripe.of_customer(pending.customer_id)
        if (
            paid is None
            or pending.account_id is None
            or pending.membership is None
            or not _adopt(pending.account_id, paid, pending.membership, pending)
        ):
            stripe.delete_customer(pending.customer_id)
    pending.delete()


def _try_to_settle(keys: list[UUID]) -> None:
    for pending in PendingPayment.objects.filter(pk__in=keys).select_related("membership"):
        try:
            settle(pending)
        except (stripe.Refused, http.Unavailable, http.Busy, NotConfigured) as error:
            logger.warning("a cancelled membership is still to be ended at Stripe: %s", error)


def _paid_by(payment_id: str) -> Subscription | None:
    rows = Subscription.objects.active().select_related("account", "membership")
    return rows.filter(payment_method=PaymentMethod.STRIPE, payment_id=payment_id).first()


def _current(account: Account) -> Subscription:
    current = account.subscriptions.active().first()
    if current is None or current.payment_method != PaymentMethod.STRIPE:
        raise NotAMember
    return current


def _settle_old(account: Account) -> None:
    """Settle what an earlier try left behind, if nothing can come of it at Stripe any more."""
    old = PendingPayment.objects.filter(created_at__lt=timezone.now() - UNDER_WAY)
    if pending := old.filter(account=account).select_related("membership").first():
        settle(pending)


@transaction.atomic
def _begin(account: Account, membership: Membership) -> PendingPayment:
    """Return the pending payment of ``account``: a new one, or that of a try just now."""
    versions.lock(account)
    if account.subscriptions.active().exists():
        raise AlreadyMember
    pending, _ = PendingPayment.objects.get_or_create(
        account=account, defaults={"membership": membership}
    )
    if pending.membership_id != membership.pk:
        raise UnderWay
    return pending


def _keep_customer(pending: PendingPayment, account: Account, token: str) -> None:
    """Have Stripe make the customer of ``pending``, and take the one that another made meanwhile.

    A customer too many pays nothing.
    """
    # Named by the card, too: the second try may be with another.
    key = hashlib.sha256(f"{pending.pk} {token}".encode()).hexdigest()
    customer_id = stripe.create_customer(account.pk, account.email, token, key=key)
    rows = PendingPayment.objects.filter(pk=pending.pk)
    rows.filter(customer_id="").update(customer_id=customer_id)
    try:
        pending.refresh_from_db()
    except PendingPayment.DoesNotExist as error:
        raise UnderWay from error


def _drop(pending: PendingPayment) -> None:
    """Forget a pending payment that Stripe refused."""
    PendingPayment.objects.filter(pk=pending.pk, customer_id=pending.customer_id).delete()
    if pending.customer_id:
        with suppress(stripe.Refused, http.Unavailable, http.Busy):
            stripe.delete_customer(pending.customer_id)


def _adopt(
    account_id: UUID, paid: PaidPlan, membership: Membership, pending: PendingPayment | None = None
) -> bool:
    """Make what is ``paid`` the membership of its account; return whether it is.

    It is not if the account is gone or pays for another already, or if another has seen to
    ``pending`` and what came of it has ended since.
    """
    with suppress(Account.DoesNotExist), transaction.atomic():
        account = versions.lock(Account(pk=account_id))
        rows = PendingPayment.objects.filter(account=account, customer_id=paid.customer_id)
        was_pending = rows.delete()[0]
        if current := account.subscriptions.active().first():
            return current.payment_id == paid.id
        if pending and not was_pending:
            return False
        _open(account, paid.customer_id, paid.id, membership)
        activity.count(members=1, members_added=1)
        return True
    return False


def _take_in(paid: PaidPlan, membership: Membership) -> None:
    """Take in a subscription that Stripe has and this server has not, if it was made here."""
    if paid.account_id is None or not Account.objects.filter(pk=paid.account_id).exists():
        return
    others = Subscription.objects.active().filter(account=paid.account_id)
    if other := others.filter(payment_method=PaymentMethod.STRIPE).first():
        still = stripe.find(other.payment_id)
        if still is None or not still.is_paid:
            end(other.payment_id)
    if not _adopt(paid.account_id, paid, membership):
        _refuse(paid)


def _refuse(paid: PaidPlan) -> None:
    """Cancel a subscription that nobody gets a membership for."""
    pending = PendingPayment.objects.create(subscription_id=paid.id)
    _try_to_settle([pending.pk])


def _change(current: Subscription, membership: Membership) -> bool:
    """Begin a new period of ``current``, for ``membership``; not if it has changed meanwhile."""
    with transaction.atomic():
        versions.lock(current.account)
        if not memberships.close(current):
            return False
        _open(current.account, current.payment_account_id, current.payment_id, membership)
        return True


def _open(account: Account, customer_id: str, payment_id: str, membership: Membership) -> None:
    account.subscriptions.create(
        membership=membership,
        payment_method=PaymentMethod.STRIPE,
        payment_account_id=customer_id,
        payment_id=payment_id,
    )
