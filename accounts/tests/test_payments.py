"""PATCH /api/account with a membership: what Stripe is asked, what it costs, what is kept."""

from functools import partial

import pytest

from accounts import payments
from accounts.models import AccountActivity, PendingPayment, Subscription
from accounts.tests.factories import make_account, make_membership, make_subscription
from accounts.tests.stripe_stand_in import DECLINED, KEY, StripeStandIn
from accounts.tests.threads import at_once
from conftest import sign_in

MONTHLY, YEARLY = "monthly_premium", "mycroft_ai_premium_annual_1999"
ADD = {
    "action": "add",
    "membershipType": "Monthly Membership",
    "paymentMethod": "Stripe",
    "paymentToken": "tok_visa",
}
TO_YEARLY = {"action": "update", "membershipType": "Yearly Membership"}
CANCEL = {"action": "cancel"}
FAILED = {"error": "Stripe failed"}


@pytest.fixture
def stripe_server(httpserver, settings):
    """Stripe, and the memberships that are for sale."""
    settings.STRIPE_PRIVATE_KEY = KEY
    server = StripeStandIn(httpserver)
    settings.STRIPE_API_BASE = server.url
    return server


@pytest.fixture
def monthly(db):
    return make_membership(stripe_plan=MONTHLY)


@pytest.fixture
def yearly(db):
    return make_membership("Yearly Membership", rate="19.99", stripe_plan=YEARLY)


@pytest.fixture
def patch(account_client):
    """Return a function that sends a change of the membership, and what else is given."""

    def patch(membership, **others):
        return account_client.patch("/api/account", {"membership": membership} | others)

    return patch


@pytest.fixture
def member(account, patch, monthly, yearly, stripe_server):
    """``account``, once it pays for a month."""
    patch(ADD)
    return account


def periods(account):
    """Return what the account paid for, oldest first, and whether it still does."""
    rows = account.subscriptions.order_by("started_at")
    return [(row.membership.stripe_plan, row.ended_at is None) for row in rows]


def counts():
    names = ("members", "members_added", "members_expired")
    return AccountActivity.objects.values_list(*names).first()


def test_a_membership_is_bought(account, account_client, patch, monthly, stripe_server):
    response = patch(ADD)

    assert (response.status_code, response.content) == (204, b"")
    subscription = account.subscriptions.get()
    assert account_client.get("/api/account").json()["membership"] == {
        "id": str(subscription.pk),
        "type": "Monthly Membership",
        "paymentMethod": "Stripe",
        "paymentAccountId": next(iter(stripe_server.customers)),
        "paymentId": stripe_server.live[0],
        "endDate": None,
        "duration": None,
    }
    assert stripe_server.charges == [(subscription.payment_account_id, MONTHLY)]
    assert counts() == (1, 1, 0)
    assert not PendingPayment.objects.exists()


def test_stripe_is_told_which_account_pays(member, stripe_server):
    [customer] = stripe_server.customers.values()
    [subscription] = stripe_server.subscriptions.values()

    assert customer["email"] == member.email
    assert customer["metadata[account]"] == str(member.pk)
    assert subscription["metadata"] == {"account": str(member.pk)}


@pytest.mark.parametrize("token", ["tok_chargeDeclined", "tok_chargeCustomerFail"])
def test_with_a_declined_card_nothing_changes(account, patch, monthly, stripe_server, token):
    response = patch(ADD | {"paymentToken": token}, username="ada")

    assert (response.status_code, response.json()) == (402, {"error": DECLINED})
    account.refresh_from_db()
    assert (account.username, periods(account), counts()) == (None, [], None)
    assert (stripe_server.charges, stripe_server.customers) == ([], {})
    assert not PendingPayment.objects.exists()


def test_after_a_declined_card_another_is_charged(account, patch, monthly, stripe_server):
    patch(ADD | {"paymentToken": "tok_chargeCustomerFail"})

    assert patch(ADD).status_code == 204
    assert len(stripe_server.charges) == 1


@pytest.mark.parametrize("lost", ["POST /v1/customers", "POST /v1/subscriptions"])
def test_a_retry_after_a_lost_answer_charges_once(account, patch, monthly, stripe_server, lost):
    stripe_server.lose_answer(lost)

    first, again = patch(ADD), patch(ADD)

    assert (first.status_code, first.json()) == (502, FAILED)
    assert again.status_code == 204
    assert len(stripe_server.charges) == 1
    assert account.subscriptions.get().payment_id == stripe_server.live[0]
    assert not PendingPayment.objects.exists()


def test_a_retry_may_come_with_another_card(account, patch, monthly, stripe_server):
    stripe_server.lose_answer("POST /v1/customers")
    patch(ADD)

    assert patch(ADD | {"paymentToken": "tok_mastercard"}).status_code == 204
    assert stripe_server.charges == [(account.subscriptions.get().payment_account_id, MONTHLY)]


def test_a_retry_for_another_membership_has_to_wait(account, patch, monthly, yearly, stripe_server):
    stripe_server.lose_answer("POST /v1/subscriptions")
    patch(ADD)

    response = patch(ADD | {"membershipType": "Yearly Membership"})

    assert response.status_code == 400
    reason = "another change of the membership is under way"
    assert response.json() == {"membership": {"action": [reason]}}
    assert len(stripe_server.charges) == 1


def test_what_was_charged_long_before_a_retry_is_the_membership(
    account, patch, monthly, yearly, stripe_server, pass_time
):
    stripe_server.lose_answer("POST /v1/subscriptions")
    patch(ADD)
    PendingPayment.objects.update(created_at=PendingPayment.objects.get().created_at - LONG)

    response = patch(ADD | {"membershipType": "Yearly Membership"})

    assert response.json() == {"membership": {"action": ["a membership is active"]}}
    assert periods(account) == [(MONTHLY, True)]


def test_what_was_not_charged_long_before_a_retry_is_forgotten(
    account, patch, monthly, yearly, stripe_server
):
    stripe_server.lose_answer("POST /v1/customers")
    patch(ADD)
    PendingPayment.objects.update(
        created_at=PendingPayment.objects.get().created_at - LONG,
        customer_id=next(iter(stripe_server.customers)),
    )

    response = patch(ADD | {"membershipType": "Yearly Membership"})

    assert response.status_code == 204
    assert periods(account) == [(YEARLY, True)]
    assert len(stripe_server.customers) == 1


LONG = payments.UNDER_WAY * 2


def test_all_of_a_request_is_looked_at_before_a_card_is_charged(
    account, patch, monthly, stripe_server
):
    make_account(username="ada")

    taken = patch(ADD, username="ada")
    no_agreement = patch(ADD, openDataset=True)

    assert taken.json() == {"username": ["this username is taken"]}
    assert no_agreement.json() == {"openDataset": ["there is no agreement to accept"]}
    assert (stripe_server.requests, periods(account)) == ([], [])


def test_a_bought_membership_comes_with_the_rest_of_the_request(account, patch, member):
    response = patch(CANCEL, username="ada")

    assert response.status_code == 204
    account.refresh_from_db()
    assert (account.username, periods(account)) == ("ada", [(MONTHLY, False)])


def test_a_second_membership_is_refused_before_stripe_is_asked(patch, member, stripe_server):
    asked = len(stripe_server.requests)

    response = patch(ADD)

    assert response.status_code == 400
    assert response.json() == {"membership": {"action": ["a membership is active"]}}
    assert len(stripe_server.requests) == asked


def test_a_membership_is_changed_for_another(account_client, patch, member, stripe_server):
    first = member.subscriptions.get()

    response = patch(TO_YEARLY)

    assert (response.status_code, response.content) == (204, b"")
    assert periods(member) == [(MONTHLY, False), (YEARLY, True)]
    shown = account_client.get("/api/account").json()["membership"]
    assert (shown["type"], shown["paymentId"]) == ("Yearly Membership", first.payment_id)
    assert [plan for _, plan in stripe_server.charges] == [MONTHLY, YEARLY]
    assert counts() == (1, 1, 0)


def test_a_lost_answer_to_a_change_can_be_asked_again(patch, member, stripe_server):
    stripe_server.lose_answer(f"POST /v1/subscriptions/{stripe_server.live[0]}")

    first, again, once_more = patch(TO_YEARLY), patch(TO_YEARLY), patch(TO_YEARLY)

    assert [each.status_code for each in (first, again, once_more)] == [502, 204, 204]
    assert [plan for _, plan in stripe_server.charges] == [MONTHLY, YEARLY]
    assert periods(member) == [(MONTHLY, False), (YEARLY, True)]


def test_a_change_that_cannot_be_paid_is_none(patch, member, stripe_server):
    [customer] = stripe_server.customers.values()
    customer["source"] = "tok_chargeCustomerFail"

    response = patch(TO_YEARLY)

    assert (response.status_code, response.json()) == (402, {"error": DECLINED})
    assert periods(member) == [(MONTHLY, True)]


def test_the_duration_counts_from_the_first_of_the_periods(
    account_client, patch, member, stripe_server, pass_time
):
    first = member.subscriptions.get()
    member.subscriptions.update(started_at=first.started_at.replace(year=first.started_at.year - 1))

    patch(TO_YEARLY)

    assert account_client.get("/api/account").json()["membership"]["duration"] == "1 years"


@pytest.mark.parametrize("change", [TO_YEARLY, CANCEL])
def test_what_stripe_has_ended_is_ended_here(patch, member, stripe_server, change):
    stripe_server.subscriptions[stripe_server.live[0]]["status"] = "canceled"

    patch(change)

    assert periods(member) == [(MONTHLY, False)]
    assert counts() == (0, 1, 1)


def test_a_membership_is_cancelled(account_client, patch, member, stripe_server):
    response = patch(CANCEL)

    assert (response.status_code, response.content) == (204, b"")
    assert account_client.get("/api/account").json()["membership"] is None
    assert stripe_server.live == []
    assert (periods(member), counts()) == ([(MONTHLY, False)], (0, 1, 1))


def test_after_it_was_cancelled_a_membership_can_be_bought_again(patch, member, stripe_server):
    patch(CANCEL)

    assert patch(ADD | {"membershipType": "Yearly Membership"}).status_code == 204
    assert periods(member) == [(MONTHLY, False), (YEARLY, True)]
    assert len(stripe_server.live) == 1


@pytest.mark.parametrize("change", [TO_YEARLY, CANCEL])
def test_what_is_paid_elsewhere_is_not_changed(account, patch, yearly, stripe_server, change):
    make_subscription(account, payment_method="PayPal")

    response = patch(change)

    assert response.status_code == 400
    assert response.json() == {"membership": {"action": ["no membership is active"]}}
    assert account.subscriptions.active().exists()


@pytest.mark.parametrize("change", [ADD, TO_YEARLY, CANCEL])
def test_on_a_bad_day_of_stripe_nothing_changes(
    account, patch, monthly, yearly, settings, bad_upstream, change
):
    settings.STRIPE_PRIVATE_KEY, settings.STRIPE_API_BASE = KEY, bad_upstream.url
    if change != ADD:
        make_subscription(account, monthly)

    response = patch(change)

    words = "timed out" if bad_upstream.status == 504 else "failed"
    assert response.status_code == bad_upstream.status
    assert response.json() == {"error": f"Stripe {words}"}
    assert account.subscriptions.active().exists() == (change != ADD)


@pytest.mark.django_db(transaction=True)
def test_of_two_requests_at_once_one_charge_comes(stripe_server):
    make_membership(stripe_plan=MONTHLY)
    account = make_account()
    clients = [sign_in(account) for _ in range(3)]

    answers = at_once(
        *[partial(client.patch, "/api/account", {"membership": ADD}) for client in clients]
    )

    assert {answer.status_code for answer in answers} <= {204, 400, 502}
    assert 204 in {answer.status_code for answer in answers}
    assert len(stripe_server.charges) == len(stripe_server.live) == 1
    assert periods(account) == [(MONTHLY, True)]
    assert counts() == (1, 1, 0)


@pytest.mark.django_db(transaction=True)
def test_requests_at_once_cancel_a_membership_once(stripe_server):
    account = make_account()
    key = stripe_server.subscribe(account.pk)
    make_subscription(account, payment_id=key)
    clients = [sign_in(account) for _ in range(3)]

    answers = at_once(
        *[partial(client.patch, "/api/account", {"membership": CANCEL}) for client in clients]
    )

    assert {answer.status_code for answer in answers} <= {204, 400}
    assert stripe_server.live == []
    assert counts() == (0, 0, 1)


def test_only_changes_of_memberships_are_limited(patch, member, limit_rate):
    limit_rate("membership", "2/hour")  # buying was the first

    statuses = [patch(change).status_code for change in ({"action": None}, CANCEL, CANCEL)]
    statuses.append(patch({"action": None}, username="ada").status_code)

    assert statuses == [204, 204, 429, 204]


def test_deleting_the_account_cancels_at_stripe(
    account_client, member, stripe_server, django_capture_on_commit_callbacks
):
    with django_capture_on_commit_callbacks(execute=True):
        response = account_client.delete("/api/account")

    assert response.status_code == 204
    assert stripe_server.live == []
    assert not PendingPayment.objects.exists()
    assert counts() == (0, 1, 1)


def test_what_cannot_be_cancelled_at_deletion_is_not_forgotten(
    account_client, member, stripe_server, django_capture_on_commit_callbacks
):
    [paid] = stripe_server.live
    stripe_server.lose_answer(f"DELETE /v1/subscriptions/{paid}")

    with django_capture_on_commit_callbacks(execute=True):
        response = account_client.delete("/api/account")

    assert response.status_code == 204
    pending = PendingPayment.objects.get()
    assert (pending.account, pending.subscription_id) == (None, paid)
    payments.settle(pending)
    assert not PendingPayment.objects.exists()


def test_deleting_an_account_ends_what_was_being_bought(
    account, account_client, patch, monthly, stripe_server, django_capture_on_commit_callbacks
):
    stripe_server.lose_answer("POST /v1/subscriptions")
    patch(ADD)

    with django_capture_on_commit_callbacks(execute=True):
        account_client.delete("/api/account")

    assert (stripe_server.live, stripe_server.customers) == ([], {})
    assert not PendingPayment.objects.exists()
    assert not Subscription.objects.exists()
