from datetime import UTC, date, datetime

import pytest

from accounts import agreements
from accounts.models import AgreementType
from accounts.tests.factories import (
    make_account,
    make_agreement,
    make_membership,
    make_subscription,
)
from conftest import sign_in


def test_the_profile_of_a_new_account(account, account_client):
    response = account_client.get("/api/account")

    assert response.status_code == 200
    assert response.json() == {
        "id": str(account.pk),
        "emailAddress": account.email,
        "username": None,
        "federatedLogin": False,
        "lastActivity": None,
        "agreements": [],
        "membership": None,
    }


@pytest.mark.usefixtures("db")
def test_the_profile_shows_what_is_agreed_paid_and_used(time_machine):
    time_machine.move_to(datetime(2026, 11, 22, 12, tzinfo=UTC), tick=False)
    account = make_account(
        username="ada", last_activity_at=datetime(2026, 11, 21, 8, 30, tzinfo=UTC)
    )
    for type_ in AgreementType.values:
        agreements.accept(account, make_agreement(type_))
    subscription = make_subscription(account, started_at=datetime(2025, 9, 22, tzinfo=UTC))

    profile = sign_in(account).get("/api/account").json()

    kinds = ["Open Dataset", "Privacy Policy", "Terms of Use"]
    ids = [str(each.pk) for each in account.acceptances.order_by("agreement__type")]
    assert profile["agreements"] == [
        {"id": id_, "type": kind, "acceptDate": "November 22, 2026"}
        for id_, kind in zip(ids, kinds, strict=True)
    ]
    assert profile["membership"] == {
        "id": str(subscription.pk),
        "type": "Monthly Membership",
        "paymentMethod": "Stripe",
        "paymentAccountId": "cus_1",
        "paymentId": subscription.payment_id,
        "endDate": None,
        "duration": "1 years  2 months",
    }
    assert profile["username"] == "ada"
    assert profile["lastActivity"] == "2026-11-21T08:30:00Z"


def test_of_each_agreement_the_newest_accepted_version_is_shown(account, account_client):
    for version, day in ("1", date(2025, 1, 1)), ("2", date(2026, 1, 1)):
        agreements.accept(account, make_agreement(version=version, effective_on=day))

    shown = account_client.get("/api/account").json()["agreements"]

    assert [each["id"] for each in shown] == [
        str(account.acceptances.get(agreement__version="2").pk)
    ]


def test_an_ended_membership_is_none(account, account_client):
    make_subscription(account, ended_at=datetime(2099, 1, 1, tzinfo=UTC))

    assert account_client.get("/api/account").json()["membership"] is None


@pytest.mark.usefixtures("db")
def test_an_account_without_password_has_a_federated_login():
    client = sign_in(make_account(password=None))

    assert client.get("/api/account").json()["federatedLogin"] is True


def test_each_sees_only_the_own_account(account_client):
    other = make_account()

    assert sign_in(other).get("/api/account").json()["id"] == str(other.pk)
    assert account_client.get("/api/account").json()["id"] != str(other.pk)


@pytest.mark.usefixtures("db")
def test_nobody_has_no_profile(api):
    response = api.get("/api/account")

    assert response.status_code == 401
    assert response.json() == {"error": "no authentication tokens found"}


@pytest.mark.parametrize("versions", [1, 3])
def test_the_profile_takes_three_queries(
    account, account_client, django_assert_num_queries, versions
):
    for number in range(versions):
        day = date(2026, 1, 1 + number)
        agreements.accept(account, make_agreement(version=str(number), effective_on=day))
    make_subscription(account, make_membership())

    with django_assert_num_queries(3):  # session and account, acceptances, subscription
        account_client.get("/api/account")
