from datetime import timedelta
from functools import partial

import pytest
from django.utils import timezone

from accounts import agreements
from accounts.models import AccountActivity, AgreementType
from accounts.tests.factories import (
    make_account,
    make_agreement,
    make_membership,
    make_subscription,
)
from accounts.tests.threads import at_once
from conftest import sign_in

ADD = {
    "action": "add",
    "membershipType": "Monthly Membership",
    "paymentMethod": "Stripe",
    "paymentToken": "tok_visa",
}
NO_STRIPE = {"error": "STRIPE_PRIVATE_KEY is not set"}


@pytest.fixture
def open_dataset(db):
    """The Open Dataset agreement in force."""
    return make_agreement(AgreementType.OPEN_DATASET)


def counts(*names):
    """Return today's counts by name."""
    return AccountActivity.objects.values(*names).get()


def test_a_username_is_set(account, account_client):
    response = account_client.patch("/api/account", {"username": "probe one"})

    assert (response.status_code, response.content) == (204, b"")
    account.refresh_from_db()
    assert account.username == "probe one"


def test_a_username_of_another_account_is_refused(account, account_client):
    make_account(username="ada")

    response = account_client.patch("/api/account", {"username": "ada"})

    assert response.status_code == 400
    assert response.json() == {"username": ["this username is taken"]}
    account.refresh_from_db()
    assert account.username is None


def test_the_first_page_sends_a_membership_that_changes_nothing(account, account_client):
    change = {"username": "ada", "membership": {"action": None, "membershipType": None}}

    response = account_client.patch("/api/account", change)

    assert (response.status_code, response.content) == (204, b"")
    account.refresh_from_db()
    assert (account.username, account.subscriptions.count()) == ("ada", 0)


def test_what_cannot_be_changed_is_named(account, account_client):
    response = account_client.patch("/api/account", {"username": "ada", "shoeSize": 9})

    assert response.status_code == 400
    assert response.json() == {"errors": ["update of shoeSize not supported"]}
    account.refresh_from_db()
    assert account.username is None


def test_the_open_dataset_is_joined_and_left(account, account_client, open_dataset):
    joined = account_client.patch("/api/account", {"openDataset": True})
    after_joining = list(account.acceptances.values_list("agreement", flat=True))
    left = account_client.patch("/api/account", {"openDataset": False})

    assert (joined.status_code, left.status_code) == (204, 204)
    assert after_joining == [open_dataset.pk]
    assert not agreements.has_open_dataset(account)
    assert counts("open_dataset", "open_dataset_added", "open_dataset_deleted") == {
        "open_dataset": 0,
        "open_dataset_added": 1,
        "open_dataset_deleted": 1,
    }


@pytest.mark.usefixtures("open_dataset")
def test_joining_or_leaving_twice_counts_once(account, account_client):
    for answer in (False, True, True, False, False, True):
        account_client.patch("/api/account", {"openDataset": answer})

    assert account.acceptances.count() == 1
    assert counts("open_dataset", "open_dataset_added", "open_dataset_deleted") == {
        "open_dataset": 1,
        "open_dataset_added": 2,
        "open_dataset_deleted": 1,
    }


@pytest.mark.usefixtures("open_dataset", "device")
def test_devices_see_that_the_open_dataset_was_joined(account, account_client):
    before = account.devices.get().version

    account_client.patch("/api/account", {"openDataset": True})

    assert account.devices.get().version > before


@pytest.mark.usefixtures("open_dataset")
def test_joining_again_accepts_a_newer_version_and_counts_nothing(
    account, account_client, pass_time
):
    account_client.patch("/api/account", {"openDataset": True})
    tomorrow = timezone.now().date() + timedelta(days=1)
    newer = make_agreement(AgreementType.OPEN_DATASET, "2", tomorrow)
    pass_time(timedelta(days=1))

    account_client.patch("/api/account", {"openDataset": True})

    assert account.acceptances.filter(agreement=newer).exists()
    assert counts("open_dataset_added") == {"open_dataset_added": 1}


def test_an_open_dataset_that_is_not_published_cannot_be_joined(account, account_client):
    response = account_client.patch("/api/account", {"username": "ada", "openDataset": True})

    assert response.status_code == 400
    assert response.json() == {"openDataset": ["there is no agreement to accept"]}
    account.refresh_from_db()
    assert account.username is None


@pytest.mark.django_db(transaction=True)
def test_requests_at_once_join_the_open_dataset_once():
    make_agreement(AgreementType.OPEN_DATASET)
    account = make_account()
    join = {"openDataset": True}

    answers = at_once(*[partial(sign_in(account).patch, "/api/account", join) for _ in range(4)])

    assert [answer.status_code for answer in answers] == [204] * 4
    assert account.acceptances.count() == 1
    assert counts("open_dataset", "open_dataset_added") == {
        "open_dataset": 1,
        "open_dataset_added": 1,
    }


@pytest.mark.django_db(transaction=True)
def test_of_two_accounts_at_once_one_gets_a_username():
    clients = [sign_in(make_account()) for _ in range(2)]

    answers = at_once(
        *[partial(client.patch, "/api/account", {"username": "ada"}) for client in clients]
    )

    assert sorted(answer.status_code for answer in answers) == [204, 400]


def test_a_new_membership_needs_all_its_parts(account_client):
    response = account_client.patch("/api/account", {"membership": {"action": "add"}})

    assert response.status_code == 400
    assert response.json() == {
        "membership": {
            "membershipType": ["new memberships require a membership type"],
            "paymentMethod": ["new memberships require a payment method"],
            "paymentToken": ["payment token required for new memberships"],
        }
    }


@pytest.mark.parametrize(
    ("change", "reasons"),
    [
        ({"action": "renew"}, {"action": ['"renew" is not a valid choice.']}),
        ({}, {"action": ["This field is required."]}),
        ({"action": "update"}, {"membershipType": ["a membership type is required"]}),
        (
            ADD | {"membershipType": "Weekly"},
            {"membershipType": ["there is no membership of this type"]},
        ),
        (ADD | {"paymentMethod": "Gold"}, {"paymentMethod": ['"Gold" is not a valid choice.']}),
        ({"action": "cancel"}, {"action": ["no membership is active"]}),
    ],
)
def test_a_membership_change_that_makes_no_sense_is_refused(account_client, change, reasons):
    make_membership()

    response = account_client.patch("/api/account", {"membership": change})

    assert response.status_code == 400
    assert response.json() == {"membership": reasons}


def test_a_second_membership_is_refused(account, account_client):
    make_subscription(account)

    response = account_client.patch("/api/account", {"membership": ADD})

    assert response.status_code == 400
    assert response.json() == {"membership": {"action": ["a membership is active"]}}


def test_without_stripe_nothing_of_the_request_is_done(account, account_client):
    make_membership()

    response = account_client.patch("/api/account", {"username": "ada", "membership": ADD})

    assert (response.status_code, response.json()) == (503, NO_STRIPE)
    account.refresh_from_db()
    assert (account.username, account.subscriptions.count()) == (None, 0)


@pytest.mark.parametrize("action", ["update", "cancel"])
def test_without_stripe_a_membership_stays(account, account_client, action):
    make_subscription(account)
    change = {"action": action, "membershipType": "Monthly Membership"}

    response = account_client.patch("/api/account", {"membership": change})

    assert (response.status_code, response.json()) == (503, NO_STRIPE)
    assert account.subscriptions.active().exists()


@pytest.mark.parametrize(
    ("change", "errors"),
    [
        ([], {"error": "Invalid data. Expected a dictionary, but got list."}),
        ("x", {"error": "Invalid data. Expected a dictionary, but got str."}),
        ({"username": ["x"]}, {"username": ["Not a valid string."]}),
        ({"username": " "}, {"username": ["This field may not be blank."]}),
        ({"username": None}, {"username": ["This field may not be null."]}),
        (
            {"username": "x" * 151},
            {"username": ["Ensure this field has no more than 150 characters."]},
        ),
        ({"openDataset": "perhaps"}, {"openDataset": ["Must be a valid boolean."]}),
        ({"openDataset": {}}, {"openDataset": ["Must be a valid boolean."]}),
        (
            {"membership": "gold"},
            {"membership": {"error": ["Invalid data. Expected a dictionary, but got str."]}},
        ),
    ],
)
def test_bad_values_are_refused_with_a_reason(account, account_client, change, errors):
    response = account_client.patch("/api/account", change)

    assert (response.status_code, response.json()) == (400, errors)
    account.refresh_from_db()
    assert account.username is None


@pytest.mark.parametrize(
    ("body", "reason"),
    [
        (b'{"username": ', "request body is not valid JSON"),
        (b'{"username": "\\ud800"}', "request body is not valid JSON"),
        (b'{"username": "a\\u0000b"}', "NUL characters are not allowed"),
    ],
)
def test_a_broken_body_is_refused_with_a_reason(account_client, body, reason):
    response = account_client.patch("/api/account", data=body, content_type="application/json")

    assert (response.status_code, response.json()) == (400, {"error": reason})


@pytest.mark.usefixtures("db")
def test_nobody_changes_nothing(api):
    response = api.patch("/api/account", {"username": "ada"})

    assert response.status_code == 401
    assert response.json() == {"error": "no authentication tokens found"}
