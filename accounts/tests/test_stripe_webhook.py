"""POST /v1/user/stripe/webhook: events, genuine or not, late, twice and out of order."""

import json
import time
import uuid
from functools import partial

import pytest
from rest_framework.test import APIClient
from stripe import WebhookSignature

from accounts.models import AccountActivity, PendingPayment
from accounts.tests.factories import make_account, make_membership, make_subscription
from accounts.tests.stripe_stand_in import KEY, WEBHOOK_SECRET, StripeStandIn
from accounts.tests.threads import at_once

MONTHLY, YEARLY = "monthly_premium", "mycroft_ai_premium_annual_1999"
PATH = "/v1/user/stripe/webhook"
DELETED = "customer.subscription.deleted"
CREATED = "customer.subscription.created"
UPDATED = "customer.subscription.updated"
NOT_SIGNED = {"error": "this is no event that Stripe signed just now"}


@pytest.fixture
def stripe_server(httpserver, settings):
    settings.STRIPE_PRIVATE_KEY, settings.STRIPE_WEBHOOK_SECRET = KEY, WEBHOOK_SECRET
    server = StripeStandIn(httpserver)
    settings.STRIPE_API_BASE = server.url
    return server


@pytest.fixture
def monthly(db):
    return make_membership(stripe_plan=MONTHLY)


@pytest.fixture
def yearly(db):
    return make_membership("Yearly Membership", stripe_plan=YEARLY)


@pytest.fixture
def paid(account, monthly, yearly, stripe_server):
    """The subscription of ``account`` at Stripe, which is its membership here."""
    key = stripe_server.subscribe(account.pk)
    customer = stripe_server.subscriptions[key]["customer"]
    make_subscription(account, monthly, payment_id=key, payment_account_id=customer)
    return key


def send(kind, payment_id, *, subject="subscription", secret=WEBHOOK_SECRET, at=None, **fields):
    """Send an event as Stripe does, and return the answer."""
    subject = {"object": subject, "id": payment_id} | fields
    body = json.dumps({"object": "event", "type": kind, "data": {"object": subject}})
    signature = WebhookSignature.generate_signature_header(body, secret, at)
    return APIClient().post(
        PATH, body, content_type="application/json", headers={"Stripe-Signature": signature}
    )


def periods(account):
    rows = account.subscriptions.order_by("started_at")
    return [(row.membership.stripe_plan, row.ended_at is None) for row in rows]


def counts():
    names = ("members", "members_added", "members_expired")
    return AccountActivity.objects.values_list(*names).first()


def test_a_subscription_that_ended_ends_the_membership(account, paid, stripe_server):
    response = send(DELETED, paid)

    assert (response.status_code, response.content) == (200, b"")
    assert (periods(account), counts()) == ([(MONTHLY, False)], (0, 0, 1))


def test_an_event_that_comes_twice_counts_once(account, paid, stripe_server):
    answers = [send(DELETED, paid) for _ in range(3)]

    assert [answer.status_code for answer in answers] == [200] * 3
    assert (periods(account), counts()) == ([(MONTHLY, False)], (0, 0, 1))


def test_the_end_needs_no_call_to_stripe(account, paid, stripe_server, settings):
    settings.STRIPE_PRIVATE_KEY = ""

    assert send(DELETED, paid).status_code == 200
    assert periods(account) == [(MONTHLY, False)]


@pytest.mark.parametrize("late", [CREATED, UPDATED, "invoice.payment_failed"])
def test_an_event_that_comes_late_does_not_undo_the_end(account, paid, stripe_server, late):
    stripe_server.subscriptions[paid]["status"] = "canceled"
    send(DELETED, paid)

    response = send(late, paid, status="active", subscription=paid)

    assert response.status_code == 200
    assert (periods(account), counts()) == ([(MONTHLY, False)], (0, 0, 1))


def test_a_plan_that_was_changed_at_stripe_is_the_membership(account, paid, stripe_server):
    stripe_server.subscriptions[paid]["items"]["data"][0]["price"]["id"] = YEARLY

    answers = [send(UPDATED, paid) for _ in range(2)]

    assert [answer.status_code for answer in answers] == [200] * 2
    assert periods(account) == [(MONTHLY, False), (YEARLY, True)]


def test_what_an_old_event_says_of_the_plan_does_not_matter(account, paid, stripe_server):
    send(UPDATED, paid, items={"data": [{"id": "si_1", "price": {"id": YEARLY}}]})

    assert periods(account) == [(MONTHLY, True)]


@pytest.mark.parametrize(
    ("status", "is_member"), [("past_due", True), ("unpaid", False), ("incomplete_expired", False)]
)
def test_a_membership_lasts_while_stripe_tries_the_card(
    account, paid, stripe_server, status, is_member
):
    stripe_server.subscriptions[paid]["status"] = status

    response = send("invoice.payment_failed", "in_1", subject="invoice", subscription=paid)

    assert response.status_code == 200
    assert periods(account) == [(MONTHLY, is_member)]


def test_what_is_paid_after_all_is_a_membership_again(account, paid, stripe_server):
    stripe_server.subscriptions[paid]["status"] = "unpaid"
    send(UPDATED, paid)
    stripe_server.subscriptions[paid]["status"] = "active"
    send(UPDATED, paid)

    assert periods(account) == [(MONTHLY, False), (MONTHLY, True)]
    assert counts() == (1, 1, 1)


def test_what_a_dying_server_left_behind_becomes_a_membership(account, monthly, stripe_server):
    key = stripe_server.subscribe(account.pk)
    customer = stripe_server.subscriptions[key]["customer"]
    PendingPayment.objects.create(account=account, membership=monthly, customer_id=customer)

    response = send(CREATED, key)

    assert response.status_code == 200
    assert account.subscriptions.active().get().payment_id == key
    assert not PendingPayment.objects.exists()
    assert counts() == (1, 1, 0)


@pytest.mark.django_db(transaction=True)
def test_events_at_once_make_one_member(stripe_server):
    make_membership(stripe_plan=MONTHLY)
    account = make_account()
    key = stripe_server.subscribe(account.pk)

    answers = at_once(*[partial(send, kind, key) for kind in (CREATED, UPDATED, UPDATED)])

    assert [answer.status_code for answer in answers] == [200] * 3
    assert (periods(account), counts()) == ([(MONTHLY, True)], (1, 1, 0))


def test_who_would_pay_twice_pays_once(account, paid, stripe_server):
    second = stripe_server.subscribe(account.pk)

    response = send(CREATED, second)

    assert response.status_code == 200
    assert stripe_server.live == [paid]
    assert account.subscriptions.active().get().payment_id == paid


def test_a_new_subscription_takes_the_place_of_one_that_ended_unheard(account, paid, stripe_server):
    stripe_server.subscriptions[paid]["status"] = "canceled"
    second = stripe_server.subscribe(account.pk, YEARLY)

    send(CREATED, second)

    assert stripe_server.live == [second]
    assert periods(account) == [(MONTHLY, False), (YEARLY, True)]


def test_subscriptions_of_others_are_left_alone(account, monthly, stripe_server):
    of_another_server = stripe_server.subscribe(uuid.uuid4())
    of_another_shop = stripe_server.subscribe("", metadata={})

    answers = [send(CREATED, key) for key in (of_another_server, of_another_shop)]

    assert [answer.status_code for answer in answers] == [200, 200]
    assert stripe_server.live == [of_another_server, of_another_shop]
    assert periods(account) == []


@pytest.mark.parametrize("kind", [CREATED, UPDATED, DELETED])
def test_a_subscription_that_nobody_knows_is_nothing(account, paid, stripe_server, kind):
    response = send(kind, "sub_unknown")

    assert (response.status_code, response.content) == (200, b"")
    assert periods(account) == [(MONTHLY, True)]


def test_a_plan_that_is_no_membership_changes_nothing(account, paid, stripe_server):
    stripe_server.subscriptions[paid]["items"]["data"][0]["price"]["id"] = "t-shirt"

    assert send(UPDATED, paid).status_code == 200
    assert periods(account) == [(MONTHLY, True)]


@pytest.mark.parametrize("kind", ["invoice.paid", "customer.created", "a.new.one"])
def test_other_events_are_taken_and_dropped(account, paid, stripe_server, kind):
    asked = len(stripe_server.requests)

    response = send(kind, paid)

    assert (response.status_code, response.content) == (200, b"")
    assert len(stripe_server.requests) == asked


def test_on_a_bad_day_of_stripe_the_event_is_to_be_sent_again(
    account, monthly, settings, bad_upstream
):
    settings.STRIPE_PRIVATE_KEY, settings.STRIPE_WEBHOOK_SECRET = KEY, WEBHOOK_SECRET
    settings.STRIPE_API_BASE = bad_upstream.url
    make_subscription(account, monthly, payment_id="sub_1")

    assert send(UPDATED, "sub_1").status_code == bad_upstream.status
    assert periods(account) == [(MONTHLY, True)]


@pytest.mark.parametrize("forged", [{"secret": "whsec_other"}, {"at": int(time.time()) - 400}])
def test_a_forged_or_replayed_event_is_refused(account, paid, stripe_server, forged):
    response = send(DELETED, paid, **forged)

    assert (response.status_code, response.json()) == (400, NOT_SIGNED)
    assert periods(account) == [(MONTHLY, True)]


@pytest.mark.parametrize("body", [b"", b"{}", b"\xff\x00", b"[" * 10_000])
def test_an_event_without_a_signature_is_refused(api, db, settings, body):
    settings.STRIPE_WEBHOOK_SECRET = WEBHOOK_SECRET

    response = api.post(PATH, body, content_type="application/json")

    assert (response.status_code, response.json()) == (400, NOT_SIGNED)


def test_without_the_secret_no_event_is_believed(db):
    response = send(DELETED, "sub_1", secret="")  # noqa: S106

    assert (response.status_code, response.json()) == (
        503,
        {"error": "STRIPE_WEBHOOK_SECRET is not set"},
    )
