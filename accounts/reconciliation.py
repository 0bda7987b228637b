"""Comparing what accounts pay at Stripe with the memberships here, and settling the difference."""

import logging
from collections.abc import Iterable
from dataclasses import dataclass

from django.db.models import Q
from django.utils import timezone

from accounts import payments
from accounts.models import Account, PaymentMethod, PendingPayment, Subscription
from accounts.upstream import stripe

logger = logging.getLogger(__name__)


@dataclass
class Outcome:
    """What was compared, and how much of it had to be settled."""

    settled: int = 0
    compared: int = 0
    differed: int = 0
    refused: int = 0

    def __str__(self) -> str:
        return (
            f"{self.settled} pending settled, {self.compared} compared, {self.differed} differed, "
            f"{self.refused} refused"
        )


def reconcile() -> Outcome:
    """Settle what is pending, and make each membership what it is at Stripe.

    Raises:
        http.Unavailable: what was settled so far is; the rest is for the next time.
    """
    outcome = Outcome()
    _settle_pending(outcome)
    _compare(outcome)
    return outcome


def _settle_pending(outcome: Outcome) -> None:
    is_old = Q(created_at__lt=timezone.now() - payments.UNDER_WAY)
    for pending in PendingPayment.objects.filter(is_old | Q(account=None)):
        try:
            payments.settle(pending)
            outcome.settled += 1
        except stripe.Refused as error:
            _note_refusal(outcome, error)


def _compare(outcome: Outcome) -> None:
    rows = Subscription.objects.active().filter(payment_method=PaymentMethod.STRIPE)
    plans = dict(rows.values_list("payment_id", "membership__stripe_plan"))
    for paid in stripe.all_subscriptions():
        outcome.compared += 1
        is_known = paid.id in plans
        plan = plans.pop(paid.id, None)
        if (is_known and (plan != paid.plan or not paid.is_paid)) or (
            not is_known and paid.is_paid and _is_of_ours(paid)
        ):
            _follow([paid.id], outcome)
    _follow(plans, outcome)  # Stripe has them no more, or did not yet when it was asked


def _is_of_ours(paid: stripe.PaidPlan) -> bool:
    return paid.account_id is not None and Account.objects.filter(pk=paid.account_id).exists()


def _follow(payment_ids: Iterable[str], outcome: Outcome) -> None:
    for payment_id in payment_ids:
        try:
            payments.follow(payment_id)
            outcome.differed += 1
        except stripe.Refused as error:
            _note_refusal(outcome, error)


def _note_refusal(outcome: Outcome, error: stripe.Refused) -> None:
    outcome.refused += 1
    logger.warning("Stripe refused to settle a membership: %s", error)
