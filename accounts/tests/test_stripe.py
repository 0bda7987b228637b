"""Calling Stripe: what it is asked, and what is made of its answers and events."""

import json
import time
import uuid

import pytest
from stripe import WebhookSignature

from accounts.exceptions import NotConfigured
from accounts.tests.stripe_stand_in import DECLINED, KEY, WEBHOOK_SECRET, StripeStandIn
from accounts.upstream import http, stripe

ACCOUNT = uuid.uuid4()


@pytest.fixture
def stripe_server(httpserver, settings):
    settings.STRIPE_PRIVATE_KEY = KEY
    server = StripeStandIn(httpserver)
    settings.STRIPE_API_BASE = server.url
    return server


def subscribe(plan="monthly_premium", key="k"):
    customer = stripe.create_customer(ACCOUNT, "ada@selene.test", "tok_visa", key=f"{key}-customer")
    return stripe.subscribe(ACCOUNT, customer, plan, key=key)


def test_a_customer_subscribes(stripe_server):
    paid = subscribe()

    [[customer_id, customer]] = stripe_server.customers.items()
    assert (customer["email"], customer["metadata[account]"]) == ("ada@selene.test", str(ACCOUNT))
    assert paid == stripe.PaidPlan(
        id=stripe_server.live[0],
        item_id=paid.item_id,
        customer_id=customer_id,
        plan="monthly_premium",
        account_id=ACCOUNT,
        is_paid=True,
    )
    assert stripe.find(paid.id) == stripe.of_customer(customer_id) == paid
    assert stripe_server.charges == [(customer_id, "monthly_premium")]


def test_what_is_asked_again_with_its_key_is_done_once(stripe_server):
    first, again = subscribe(), subscribe()

    assert first == again
    assert (len(stripe_server.customers), len(stripe_server.charges)) == (1, 1)


def test_a_declined_card_is_a_refusal_in_words_of_stripe(stripe_server):
    with pytest.raises(stripe.Refused) as refusal:
        stripe.create_customer(ACCOUNT, "ada@selene.test", "tok_chargeDeclined", key="k")

    assert str(refusal.value) == DECLINED
    assert stripe_server.customers == {}


def test_a_plan_is_changed_and_cancelled(stripe_server):
    paid = subscribe()

    changed = stripe.change_plan(paid, "mycroft_ai_premium_annual_1999")
    stripe.cancel(paid.id)
    stripe.cancel(paid.id)
    stripe.delete_customer(paid.customer_id)
    stripe.delete_customer(paid.customer_id)

    assert changed.plan == "mycroft_ai_premium_annual_1999"
    assert not stripe.find(paid.id).is_paid
    assert (stripe_server.live, stripe_server.customers) == ([], {})


def test_what_is_not_there_is_none(stripe_server):
    assert stripe.find("sub_none") is None
    assert stripe.of_customer("cus_none") is None


def test_all_subscriptions_are_read_page_by_page(stripe_server, monkeypatch):
    monkeypatch.setattr(stripe, "PAGE", 2)
    ids = [stripe_server.subscribe(ACCOUNT) for _ in range(5)]

    assert [each.id for each in stripe.all_subscriptions()] == ids[::-1]


def test_a_key_that_stripe_does_not_take_is_told_nobody(stripe_server, settings, caplog):
    settings.STRIPE_PRIVATE_KEY = "sk_test_wrong"

    with pytest.raises(http.Unavailable) as raised:
        subscribe()

    assert str(raised.value) == "Stripe failed"
    assert "sk_test" not in caplog.text


def test_stripe_on_a_bad_day_is_unavailable(bad_upstream, settings):
    settings.STRIPE_PRIVATE_KEY, settings.STRIPE_API_BASE = KEY, bad_upstream.url

    with pytest.raises(http.Unavailable) as raised:
        subscribe()

    assert raised.value.timed_out == (bad_upstream.status == 504)


@pytest.mark.parametrize(
    "body",
    [
        "[]",
        "{}",
        "null",
        '{"id": 5}',
        '{"id": null}',
        '{"id": "cus_\\u0000"}',
        '{"id": "cus_\\ud800"}',
        json.dumps({"id": "c" * 256}),
        '"x"',
        b"\xff",
    ],
)
def test_an_answer_that_makes_no_sense_is_a_failure(httpserver, settings, body):
    settings.STRIPE_PRIVATE_KEY, settings.STRIPE_API_BASE = KEY, httpserver.url_for("")
    httpserver.expect_request("/v1/customers").respond_with_data(body)
    httpserver.expect_request("/v1/subscriptions/sub_1").respond_with_data(body)

    with pytest.raises(http.Unavailable):
        subscribe()
    with pytest.raises(http.Unavailable):
        stripe.find("sub_1")


def test_without_a_key_nothing_is_asked():
    with pytest.raises(NotConfigured):
        subscribe()


def signed(payload, secret=WEBHOOK_SECRET, at=None):
    """Return what Stripe sends: the body, and its header."""
    body = payload if isinstance(payload, str) else json.dumps(payload)
    return body.encode(), WebhookSignature.generate_signature_header(body, secret, at)


SUBSCRIPTION = {"object": "subscription", "id": "sub_1"}


@pytest.mark.parametrize(
    ("subject", "subscription_id"),
    [
        (SUBSCRIPTION, "sub_1"),
        ({"object": "invoice", "subscription": "sub_1"}, "sub_1"),
        ({"object": "invoice", "subscription": None}, ""),
        (
            {"object": "invoice", "parent": {"subscription_details": {"subscription": "sub_1"}}},
            "sub_1",
        ),
        ({"object": "charge", "parent": None}, ""),
    ],
)
def test_an_event_tells_of_its_subscription(settings, subject, subscription_id):
    settings.STRIPE_WEBHOOK_SECRET = WEBHOOK_SECRET
    payload = {"object": "event", "type": "a.b", "data": {"object": subject}}

    assert stripe.read_event(*signed(payload)) == stripe.Event("a.b", subscription_id)


EVENT = {"type": "a.b", "data": {"object": SUBSCRIPTION}}


@pytest.mark.parametrize(
    ("payload", "signature"),
    [(b"{}", ""), (b"{}", "t=1,v1=\xe9"), (b"{}", "garbage"), (b"\xff", "t=1,v1=0")],
)
def test_what_stripe_did_not_sign_is_refused(settings, payload, signature):
    settings.STRIPE_WEBHOOK_SECRET = WEBHOOK_SECRET

    with pytest.raises(stripe.NotAnEvent):
        stripe.read_event(payload, signature)


@pytest.mark.parametrize(("secret", "age"), [("whsec_other", 0), (WEBHOOK_SECRET, 400)])
def test_what_another_signed_or_is_sent_again_later_is_refused(settings, secret, age):
    settings.STRIPE_WEBHOOK_SECRET = WEBHOOK_SECRET

    with pytest.raises(stripe.NotAnEvent):
        stripe.read_event(*signed(EVENT, secret, int(time.time()) - age))


@pytest.mark.parametrize(
    "payload",
    [
        "[]",
        "{",
        {"type": "a.b"},
        {"type": "a.b", "data": {"object": {"object": "subscription"}}},
        {"type": "a.b", "data": {"object": []}},
        {"type": "a.b", "data": None},
        {"type": 5, "data": {"object": SUBSCRIPTION}},
        {"type": "a.b", "data": {"object": {"object": "subscription", "id": "sub_\ud800"}}},
        {"type": "a.b", "data": {"object": {"object": "subscription", "id": "sub_\x00"}}},
        "[" * 10_000,
    ],
)
def test_what_makes_no_sense_is_refused(settings, payload):
    settings.STRIPE_WEBHOOK_SECRET = WEBHOOK_SECRET

    with pytest.raises(stripe.NotAnEvent):
        stripe.read_event(*signed(payload))
