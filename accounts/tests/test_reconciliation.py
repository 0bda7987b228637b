"""What the job makes of memberships that differ here and at Stripe."""

import uuid
from contextlib import closing
from functools import partial

import pytest
from django.core.management import CommandError, call_command
from django.utils import timezone

from accounts import payments, reconciliation
from accounts.models import AccountActivity, PendingPayment
from accounts.tests.factories import make_account, make_membership, make_subscription
from accounts.tests.stripe_stand_in import KEY, StripeStandIn
from accounts.tests.threads import at_once
from tools.bad_upstreams import BadUpstream

MONTHLY, YEARLY = "monthly_premium", "mycroft_ai_premium_annual_1999"


@pytest.fixture
def stripe_server(httpserver, settings):
    settings.STRIPE_PRIVATE_KEY = KEY
    server = StripeStandIn(httpserver)
    settings.STRIPE_API_BASE = server.url
    return server


@pytest.fixture
def monthly(db):
    return make_membership(stripe_plan=MONTHLY)


@pytest.fixture
def yearly(db):
    return make_membership("Yearly Membership", stripe_plan=YEARLY)


def make_member(stripe_server, membership):
    """Return an account that pays at Stripe for ``membership``, and its subscription there."""
    account = make_account()
    key = stripe_server.subscribe(account.pk, membership.stripe_plan)
    customer = stripe_server.subscriptions[key]["customer"]
    make_subscription(account, membership, payment_id=key, payment_account_id=customer)
    return account, key


def leave_pending(account, membership, age=payments.UNDER_WAY * 2, **fields):
    """Save what a server leaves that dies while ``account`` buys a membership."""
    return PendingPayment.objects.create(
        account=account, membership=membership, created_at=timezone.now() - age, **fields
    )


def periods(account):
    rows = account.subscriptions.order_by("started_at")
    return [(row.membership.stripe_plan, row.ended_at is None) for row in rows]


def counts():
    names = ("members", "members_added", "members_expired")
    return AccountActivity.objects.values_list(*names).first()


def reconcile():
    return str(reconciliation.reconcile())


def test_where_both_sides_agree_nothing_changes(stripe_server, monthly, yearly):
    members = [make_member(stripe_server, each) for each in (monthly, yearly)]

    assert reconcile() == "0 pending settled, 2 compared, 0 differed, 0 refused"
    assert [periods(account) for account, _ in members] == [[(MONTHLY, True)], [(YEARLY, True)]]


def test_what_ended_at_stripe_ends_here(stripe_server, monthly):
    account, key = make_member(stripe_server, monthly)
    stripe_server.subscriptions[key]["status"] = "canceled"

    done, again = reconcile(), reconcile()

    assert done == "0 pending settled, 0 compared, 1 differed, 0 refused"
    assert again == "0 pending settled, 0 compared, 0 differed, 0 refused"
    assert (periods(account), counts()) == ([(MONTHLY, False)], (0, 0, 1))


def test_what_is_paid_no_more_ends_here(stripe_server, monthly):
    account, key = make_member(stripe_server, monthly)
    stripe_server.subscriptions[key]["status"] = "unpaid"

    assert reconcile() == "0 pending settled, 1 compared, 1 differed, 0 refused"
    assert periods(account) == [(MONTHLY, False)]


def test_what_was_changed_at_stripe_is_changed_here(stripe_server, monthly, yearly):
    account, key = make_member(stripe_server, monthly)
    stripe_server.subscriptions[key]["items"]["data"][0]["price"]["id"] = YEARLY

    reconcile()

    assert periods(account) == [(MONTHLY, False), (YEARLY, True)]


def test_what_is_paid_at_stripe_alone_becomes_a_membership(account, stripe_server, monthly):
    stripe_server.subscribe(account.pk)

    assert reconcile() == "0 pending settled, 1 compared, 1 differed, 0 refused"
    assert (periods(account), counts()) == ([(MONTHLY, True)], (1, 1, 0))


def test_what_others_pay_at_stripe_is_left_alone(stripe_server, monthly):
    others = [stripe_server.subscribe(uuid.uuid4()), stripe_server.subscribe("shop")]

    assert reconcile() == "0 pending settled, 2 compared, 0 differed, 0 refused"
    assert stripe_server.live == others


def test_what_was_charged_when_a_server_died_becomes_a_membership(account, stripe_server, monthly):
    key = stripe_server.subscribe(account.pk)
    leave_pending(account, monthly, customer_id=stripe_server.subscriptions[key]["customer"])

    assert reconcile() == "1 pending settled, 1 compared, 0 differed, 0 refused"
    assert account.subscriptions.active().get().payment_id == key
    assert counts() == (1, 1, 0)
    assert not PendingPayment.objects.exists()


def test_what_was_not_charged_when_a_server_died_cannot_be_any_more(
    account, stripe_server, monthly
):
    key = stripe_server.subscribe(account.pk)
    customer = stripe_server.subscriptions.pop(key)["customer"]
    leave_pending(account, monthly, customer_id=customer)

    reconcile()

    assert stripe_server.customers == {}
    assert (periods(account), PendingPayment.objects.count()) == ([], 0)


def test_what_came_to_no_customer_is_forgotten(account, stripe_server, monthly):
    leave_pending(account, monthly)

    assert reconcile() == "1 pending settled, 0 compared, 0 differed, 0 refused"
    assert not PendingPayment.objects.exists()


def test_a_purchase_under_way_is_left_to_its_request(account, stripe_server, monthly):
    leave_pending(account, monthly, age=payments.UNDER_WAY / 2)

    assert reconcile() == "0 pending settled, 0 compared, 0 differed, 0 refused"
    assert PendingPayment.objects.exists()


def test_what_an_account_that_is_gone_pays_is_cancelled(stripe_server, monthly):
    key = stripe_server.subscribe(uuid.uuid4())
    bought = stripe_server.subscribe(uuid.uuid4())
    leave_pending(None, None, subscription_id=key)
    leave_pending(None, monthly, customer_id=stripe_server.subscriptions[bought]["customer"])

    assert reconcile() == "2 pending settled, 0 compared, 0 differed, 0 refused"
    assert stripe_server.live == []
    assert not PendingPayment.objects.exists()


@pytest.mark.django_db(transaction=True)
def test_two_machines_at_once_settle_it_once(stripe_server):
    monthly = make_membership(stripe_plan=MONTHLY)
    account, bought = make_account(), make_account()
    stripe_server.subscribe(account.pk)
    key = stripe_server.subscribe(bought.pk)
    leave_pending(bought, monthly, customer_id=stripe_server.subscriptions[key]["customer"])
    gone, ended = make_member(stripe_server, monthly)
    stripe_server.subscriptions[ended]["status"] = "canceled"

    at_once(*[partial(reconcile)] * 2)

    assert periods(account) == periods(bought) == [(MONTHLY, True)]
    assert periods(gone) == [(MONTHLY, False)]
    assert counts() == (2, 2, 1)
    assert not PendingPayment.objects.exists()
    assert len(stripe_server.live) == 2


@pytest.mark.django_db
def test_the_job_tells_what_it_did(stripe_server, monthly, capsys):
    call_command("reconcile_memberships")

    assert capsys.readouterr().out == "0 pending settled, 0 compared, 0 differed, 0 refused\n"


@pytest.mark.django_db
def test_the_job_fails_while_stripe_is_away(settings, account, monthly):
    with closing(BadUpstream("dead")) as upstream:
        settings.STRIPE_PRIVATE_KEY, settings.STRIPE_API_BASE = KEY, upstream.url
        leave_pending(account, monthly, customer_id="cus_1")

        with pytest.raises(CommandError, match="Stripe failed"):
            call_command("reconcile_memberships")

    assert PendingPayment.objects.exists()


@pytest.mark.django_db
def test_the_job_says_that_there_is_no_key():
    with pytest.raises(CommandError, match="STRIPE_PRIVATE_KEY is not set"):
        call_command("reconcile_memberships")
