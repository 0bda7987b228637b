"""Memberships that nobody pays for, in races and beside those that are paid."""

from contextlib import suppress
from datetime import timedelta

import pytest
from django.utils import timezone

from accounts import deletion, gifts, memberships, payments
from accounts.models import AccountActivity, PendingPayment, Subscription
from accounts.tests.factories import make_account, make_membership, make_subscription
from accounts.tests.threads import at_once

YESTERDAY = timedelta(days=1)


def counts():
    names = ("members", "members_added", "members_expired")
    return AccountActivity.objects.values_list(*names).first()


def give(account, membership):
    with suppress(payments.AlreadyMember):
        gifts.give(account, membership)


def end(account):
    with suppress(payments.NotAMember):
        gifts.end(account)


@pytest.mark.django_db(transaction=True)
def test_gifts_given_at_once_are_one():
    account, monthly = make_account(), make_membership()

    at_once(*[lambda: give(account, monthly)] * 3)

    assert Subscription.objects.active().count() == 1
    assert counts() == (1, 1, 0)


@pytest.mark.django_db(transaction=True)
def test_a_gift_that_somebody_and_jobs_end_at_once_is_counted_once():
    account = make_account()
    gifts.give(account, make_membership(), until=timezone.now().date() - YESTERDAY)

    at_once(gifts.end_due, lambda: end(account), gifts.end_due)

    assert not Subscription.objects.active().exists()
    assert counts() == (0, 1, 1)


def test_a_gift_stands_in_the_way_of_paying_and_stripe_is_not_asked(account_client, account):
    gifts.give(account, make_membership())
    wanted = {
        "action": "add",
        "membershipType": "Monthly Membership",
        "paymentMethod": "Stripe",
        "paymentToken": "tok_visa",
    }

    response = account_client.patch("/api/account", {"membership": wanted})

    assert response.status_code == 400
    assert not PendingPayment.objects.exists()
    assert account.subscriptions.get().payment_method == "Gift"


def test_what_is_paid_is_not_changed_or_ended_as_a_gift(account):
    make_subscription(account)

    for change in (gifts.end, lambda account: gifts.change(account, make_membership("Gold"))):
        with pytest.raises(payments.NotAMember):
            change(account)

    assert account.subscriptions.active().get().payment_method == "Stripe"


def test_a_gift_goes_with_its_account_and_stripe_is_not_told(account):
    gifts.give(account, make_membership())

    deletion.delete(account)

    assert not Subscription.objects.exists()
    assert not PendingPayment.objects.exists()
    assert counts()[0] == 0


def test_a_gift_counts_as_held_through_its_changes(account, pass_time):
    gifts.give(account, make_membership())
    began = account.subscriptions.get().started_at
    pass_time(timedelta(days=40))

    gifts.change(account, make_membership("Gold"))

    assert memberships.active(account).paid_since == began
    assert memberships.active(account).membership.type == "Gold"
