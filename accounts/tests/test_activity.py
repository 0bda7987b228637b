from datetime import UTC, datetime, timedelta
from functools import partial

import pytest

from accounts import activity, agreements
from accounts.models import Account, AccountActivity, AgreementType
from accounts.tests.factories import make_account, make_agreement, make_subscription
from accounts.tests.threads import at_once

NOON = datetime(2026, 11, 22, 12, tzinfo=UTC)

pytestmark = pytest.mark.django_db


def today(*names):
    """Return the newest day's counts by name."""
    return AccountActivity.objects.values(*names)[0]


def test_the_first_change_of_a_day_takes_the_totals_as_they_are():
    member, _ = make_account(), make_account()
    make_subscription(member)
    agreements.accept(member, make_agreement(AgreementType.OPEN_DATASET))

    activity.count(accounts=1, accounts_added=1)

    counts = {"accounts": 2, "accounts_added": 1, "members": 1, "open_dataset": 1}
    assert today(*counts) == counts


def test_later_changes_of_a_day_are_added():
    make_account()
    activity.count(accounts=1, accounts_added=1)

    activity.count(accounts=1, accounts_added=1)
    activity.count(accounts=-1, accounts_deleted=1)

    counts = {"accounts": 1, "accounts_added": 2, "accounts_deleted": 1}
    assert today(*counts) == counts


def test_each_day_has_its_own_counts(time_machine):
    for day in range(2):
        time_machine.move_to(NOON + timedelta(days=day), tick=False)
        activity.count(accounts_added=day + 1)

    days = AccountActivity.objects.values_list("day", "accounts_added")
    assert [(str(day), added) for day, added in days] == [("2026-11-23", 2), ("2026-11-22", 1)]


def test_a_total_does_not_fall_below_zero():
    activity.count(accounts_added=1)

    activity.count(accounts=-1, accounts_deleted=1)

    assert today("accounts", "accounts_deleted") == {"accounts": 0, "accounts_deleted": 1}


@pytest.mark.django_db(transaction=True)
def test_changes_at_once_are_all_counted_on_a_day_that_nobody_began():
    at_once(*[partial(activity.count, accounts_added=1)] * 6)

    assert today("accounts_added") == {"accounts_added": 6}


def test_an_account_is_active_once_a_day(account, time_machine):
    for hours in 0, 1, 11, 12, 13:
        time_machine.move_to(NOON + timedelta(hours=hours), tick=False)
        activity.note_active(Account.objects.get(pk=account.pk))

    days = AccountActivity.objects.values_list("day", "accounts_active")
    assert [(str(day), active) for day, active in days] == [("2026-11-23", 1), ("2026-11-22", 1)]
    account.refresh_from_db()
    assert account.last_activity_at == NOON + timedelta(hours=13)


def test_an_active_member_with_open_dataset_counts_as_both(account):
    make_subscription(account)
    agreements.accept(account, make_agreement(AgreementType.OPEN_DATASET))

    activity.note_active(account)
    activity.note_active(make_account())

    counts = {"accounts_active": 2, "members_active": 1, "open_dataset_active": 1}
    assert today(*counts) == counts


def test_activity_within_a_minute_costs_nothing(account, django_assert_num_queries):
    activity.note_active(account)

    with django_assert_num_queries(0):
        activity.note_active(account)


@pytest.mark.django_db(transaction=True)
def test_activity_later_in_the_day_costs_a_statement(
    account, time_machine, django_assert_num_queries
):
    time_machine.move_to(NOON, tick=False)
    activity.note_active(account)
    time_machine.move_to(NOON + timedelta(hours=1), tick=False)

    with django_assert_num_queries(1):
        activity.note_active(account)

    account.refresh_from_db()
    assert account.last_activity_at == NOON + timedelta(hours=1)


def test_a_request_that_was_overtaken_does_not_turn_the_time_back(account, time_machine):
    late = Account.objects.get(pk=account.pk)
    time_machine.move_to(NOON + timedelta(minutes=2), tick=False)
    activity.note_active(account)

    time_machine.move_to(NOON, tick=False)
    activity.note_active(late)

    account.refresh_from_db()
    assert account.last_activity_at == NOON + timedelta(minutes=2)
    assert today("accounts_active") == {"accounts_active": 1}


@pytest.mark.django_db(transaction=True)
def test_requests_at_once_make_an_account_active_once():
    key = make_account().pk
    copies = [Account.objects.get(pk=key) for _ in range(4)]

    at_once(*[partial(activity.note_active, copy) for copy in copies])

    assert today("accounts_active") == {"accounts_active": 1}
