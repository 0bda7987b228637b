from datetime import UTC, date, datetime, timedelta

import pytest
from django.core import mail
from django.core.management import CommandError, call_command

from accounts.models import AccountActivity, OutgoingMail
from accounts.tests.factories import make_account, make_membership, make_subscription
from accounts.tests.threads import at_once
from operations import report
from operations.models import FleetCount, FleetKind, JobRun
from operations.report import Bar, Past

NOON = datetime(2026, 3, 10, 12, tzinfo=UTC)
DAY = NOON.date()


@pytest.fixture(autouse=True)
def _configured(settings, time_machine):
    settings.REPORT_RECIPIENT = "boss@example.com"
    time_machine.move_to(NOON, tick=False)


def count_accounts(day, accounts):
    AccountActivity.objects.create(day=day, accounts=accounts)


@pytest.mark.django_db
def test_the_numbers_are_mailed_with_their_change(django_capture_on_commit_callbacks, capsys):
    people = [make_account() for _ in range(4)]
    make_subscription(people[0], make_membership(), started_at=NOON - timedelta(days=20))
    count_accounts(date(2026, 2, 20), 1)
    count_accounts(date(2026, 3, 9), 6)
    FleetCount.objects.create(day=DAY, kind=FleetKind.STATUS, key="connected", count=12_345)

    with django_capture_on_commit_callbacks(execute=True):
        call_command("daily_report")

    [message] = mail.outbox
    assert (message.to, message.subject) == (["boss@example.com"], "Selene on 2026-03-10")
    assert "Accounts: 4, 1 day ago 6 (-2), 15 days ago 1 (+3)\n" in message.body
    assert "Monthly members: 1, 1 day ago 1 (+0), 15 days ago 1 (+0)\n" in message.body
    assert "Devices: 12,345, connected 12,345" in message.body
    assert "Nothing needs attention." in message.body
    html = message.alternatives[0].content
    assert "12,345" in html
    assert 'bgcolor="#4c3fb8"' in html
    assert capsys.readouterr().out == "1 report sent\n"


@pytest.mark.django_db
def test_what_needs_attention_comes_first(django_capture_on_commit_callbacks):
    JobRun.objects.create(
        name="load_skills", day=DAY, ended_at=NOON, succeeded=False, output="<no> internet"
    )

    with django_capture_on_commit_callbacks(execute=True):
        report.send()

    assert "- load_skills failed: <no> internet" in mail.outbox[0].body
    html = mail.outbox[0].alternatives[0].content
    assert html.index("load_skills failed: &lt;no&gt; internet") < html.index("Accounts")


@pytest.mark.django_db
def test_a_day_has_one_report_however_often_it_is_asked_for(capsys):
    call_command("daily_report")
    call_command("daily_report")

    assert OutgoingMail.objects.count() == 1
    assert capsys.readouterr().out.endswith("0 reports sent: there is one of this day\n")


@pytest.mark.django_db(transaction=True)
def test_of_two_machines_that_report_at_once_one_does():
    assert sorted(at_once(report.send, report.send)) == [False, True]

    assert OutgoingMail.objects.count() == 1


@pytest.mark.django_db
def test_a_report_of_another_day_is_one_of_its_own():
    report.send()

    assert report.send(date(2026, 3, 1)) is True

    assert OutgoingMail.objects.filter(subject="Selene on 2026-03-01").count() == 1


@pytest.mark.django_db
def test_a_day_that_is_yet_to_come_has_no_report():
    with pytest.raises(CommandError, match="2026-03-11 is yet to come"):
        call_command("daily_report", "--date", "2026-03-11")

    assert JobRun.objects.get().succeeded is False
    assert OutgoingMail.objects.count() == 0


@pytest.mark.django_db
def test_without_a_recipient_the_missing_setting_is_named(settings):
    settings.REPORT_RECIPIENT = ""

    with pytest.raises(CommandError, match="REPORT_RECIPIENT is not set"):
        call_command("daily_report")


@pytest.mark.django_db
def test_a_number_that_nobody_counted_yet_has_no_change():
    make_account()
    count_accounts(date(2026, 3, 9), 3)

    [row, *_] = report.content(DAY, is_today=True)["rows"]

    assert row.now == 1
    assert row.past == [Past(1, 3, -2), Past(15, None, None), Past(30, None, None)]


def test_bars_are_as_long_as_their_share_of_the_longest():
    assert report.bars([("a", 10), ("b", 5), ("c", 0)]) == [
        Bar("a", 10, 100),
        Bar("b", 5, 50),
        Bar("c", 0, 0),
    ]
    assert report.bars([("a", 0)]) == [Bar("a", 0, 0)]
