from datetime import UTC, date, datetime, timedelta

import pytest
from django.utils import timezone

from accounts import security
from accounts.models import AccountActivity, OutgoingMail, SecurityEventKind
from accounts.tests.factories import make_account, make_membership, make_subscription
from devices.models import SttEngineDay
from operations import figures
from operations.figures import Memberships
from operations.models import ApiCallDay, FleetCount, FleetKind, JobRun

pytestmark = pytest.mark.django_db

DAY = date(2026, 3, 10)
NOON = datetime(2026, 3, 10, 12, tzinfo=UTC)


@pytest.fixture(autouse=True)
def _noon(time_machine):
    time_machine.move_to(NOON, tick=False)


def make_calls(route, status=200, count=1, day=DAY, **fields):
    defaults = {"api": "device", "method": "GET", "total_seconds": count / 2}
    return ApiCallDay.objects.create(
        day=day, route=route, status=status, count=count, **(defaults | fields)
    )


def make_run(name, **fields):
    ended = {"ended_at": fields.get("started_at", NOON)} if "succeeded" in fields else {}
    return JobRun.objects.create(name=name, day=DAY, **({"started_at": NOON} | fields | ended))


def test_on_a_day_without_news_the_totals_of_accounts_stay():
    AccountActivity.objects.create(day=date(2026, 2, 1), accounts=3, members=1)
    AccountActivity.objects.create(day=date(2026, 3, 9), accounts=4, accounts_added=1, members=2)

    days = figures.accounts(date(2026, 3, 8), DAY)

    assert [(day.day.day, day.accounts, day.accounts_added, day.members) for day in days] == [
        (8, 3, 0, 1),
        (9, 4, 1, 2),
        (10, 4, 0, 2),
    ]


def test_days_before_the_first_count_are_left_out():
    AccountActivity.objects.create(day=DAY, accounts=3)

    assert [row.day for row in figures.accounts(date(2020, 1, 1), DAY)] == [DAY]


def test_memberships_are_counted_as_of_the_end_of_a_day():
    monthly = make_membership()
    yearly = make_membership("Yearly Membership", rate_period="year")
    AccountActivity.objects.create(day=date(2026, 2, 20), accounts=2)
    people = [make_account() for _ in range(3)]
    start = NOON - timedelta(days=30)
    make_subscription(people[0], monthly, started_at=start, ended_at=NOON - timedelta(days=2))
    make_subscription(people[1], yearly, started_at=start)
    make_subscription(people[2], monthly, started_at=NOON)

    now, before = figures.memberships(DAY), figures.memberships(date(2026, 3, 1))

    assert now == Memberships(DAY, accounts=3, monthly=1, yearly=1)
    assert now.free == 1
    assert before == Memberships(date(2026, 3, 1), accounts=2, monthly=1, yearly=1)
    assert figures.memberships(date(2026, 2, 19)) is None


def test_routes_are_put_together_over_days_and_answers():
    make_calls("v1/device/code", 200, 10, highest_seconds=1.0)
    make_calls("v1/device/code", 500, 2, date(2026, 3, 9), highest_seconds=4.0)
    make_calls("v1/device/code", 429, 3)
    make_calls("v1/geolocation", 200, 1)
    make_calls("Wolfram Alpha", 504, 2, api="upstream", method="CALL")

    routes = figures.api(date(2026, 3, 1), DAY)

    assert [route.route for route in routes] == ["v1/device/code", "v1/geolocation"]
    assert (routes[0].count, routes[0].refused, routes[0].failed) == (15, 3, 2)
    assert (routes[0].mean_seconds, routes[0].highest_seconds) == (0.5, 4.0)
    assert figures.api_days(date(2026, 3, 1), DAY) == [(date(2026, 3, 9), 2, 2), (DAY, 14, 0)]
    assert [route.route for route in figures.upstream(DAY, DAY)] == ["Wolfram Alpha"]


def test_the_steps_of_pairing_are_counted():
    make_calls("v1/device/code", 200, 9)
    make_calls("v1/device/code", 429, 7)
    make_calls("api/devices", 204, 4, api="account", method="POST")
    make_calls("admin/devices/device/add/", 302, 1, api="admin", method="POST")
    make_calls("admin/devices/device/add/", 200, 8, api="admin", method="POST")
    make_calls("v1/device/activate", 200, 3, method="POST")
    make_calls("v1/device/activate", 404, 50, method="POST")

    assert figures.pairing(DAY, DAY) == {"issued": 9, "claimed": 5, "activated": 3}


def test_speech_is_told_by_day_and_engine():
    sums = {"requests": 3, "successes": 2, "audio_seconds": 9.0, "transcription_seconds": 3.0}
    row = SttEngineDay.objects.create(day=DAY, engine="vosk", **sums)
    SttEngineDay.objects.create(day=date(2026, 3, 1), engine="vosk", **sums)

    assert figures.speech(date(2026, 3, 2), DAY) == [row]


def test_nothing_needs_attention_on_a_quiet_day():
    make_run("load_skills", succeeded=True)
    make_calls("Wolfram Alpha", 504, 1, api="upstream", method="CALL")
    make_calls("Wolfram Alpha", 200, 99, api="upstream", method="CALL")
    FleetCount.objects.create(day=DAY, kind=FleetKind.STATUS, key="connected", count=1_000)
    FleetCount.objects.create(day=DAY, kind=FleetKind.TROUBLE, key="dropped", count=20)

    assert figures.attention() == []


def test_what_needs_attention_is_told_with_its_number():
    make_run("load_skills", succeeded=True, started_at=NOON - timedelta(days=2))
    make_run("load_skills", succeeded=False, output="no internet")
    make_run("purge_expired", started_at=NOON - timedelta(hours=2))
    make_run("daily_report")
    OutgoingMail.objects.create(recipient="a@example.com", next_attempt_at=None)
    OutgoingMail.objects.create(
        recipient="a@example.com", created_at=timezone.now() - timedelta(hours=1)
    )
    OutgoingMail.objects.create(recipient="a@example.com")
    make_calls("Wolfram Alpha", 504, 2, api="upstream", method="CALL")
    FleetCount.objects.create(day=DAY, kind=FleetKind.TROUBLE, key="dropped", count=7)
    security.record(SecurityEventKind.LOCKED_OUT)

    concerns = figures.attention()

    assert [(each.kind, each.text, each.count) for each in concerns] == [
        ("job", "load_skills failed: no internet", 1),
        ("job", "purge_expired did not come to an end", 1),
        ("mail", "mails could not be delivered", 1),
        ("mail", "mails wait", 1),
        ("upstream", "Wolfram Alpha failed in 2 of 2 calls today", 2),
        ("devices", "devices were heard of in the last day but not in the last minutes", 7),
        ("lockout", "lockouts after failed logins in the last day", 1),
    ]
