from datetime import date, timedelta

import pytest
from django.core.management import call_command
from django.utils import timezone

from operations import jobs
from operations.models import JobRun

pytestmark = pytest.mark.django_db


def make_run(name="purge_expired", *, age=timedelta(), succeeded=True, output=""):
    started_at = timezone.now() - age
    return JobRun.objects.create(
        name=name,
        day=started_at.date(),
        started_at=started_at,
        ended_at=None if succeeded is None else started_at,
        succeeded=succeeded,
        output=output,
    )


def test_a_run_is_recorded_with_its_day_and_its_result():
    with jobs.record("daily_report", day=date(2026, 2, 28)) as run:
        assert JobRun.objects.get().ended_at is None
        run.output = "sent"

    run = JobRun.objects.get()
    assert (run.name, run.day, run.succeeded) == ("daily_report", date(2026, 2, 28), True)
    assert run.output == "sent"
    assert run.started_at <= run.ended_at


def test_a_run_that_fails_is_recorded_and_its_error_raised_again():
    with pytest.raises(ValueError, match="no such day"), jobs.record("daily_report"):
        raise ValueError("no such day")

    run = JobRun.objects.get()
    assert (run.succeeded, run.output) == (False, "ValueError: no such day")
    assert run.ended_at is not None


def test_of_a_long_output_the_end_is_kept():
    with jobs.record("daily_report") as run:
        run.output = "a" * 5_000 + "the end"

    run.refresh_from_db()
    assert len(run.output) == 2_000
    assert run.output.endswith("the end")


def test_a_frequent_job_is_recorded_once_a_day_and_when_its_result_changes(time_machine):
    results = [True, True, False, False, True, True]

    time_machine.move_to("2026-03-01 10:00:00Z", tick=False)
    for succeeds in results:
        time_machine.shift(30)
        run_frequent_job(succeeds)
    time_machine.move_to("2026-03-02 10:00:00Z", tick=False)
    run_frequent_job(succeeds=True)

    recorded = JobRun.objects.order_by("started_at").values_list("day", "succeeded")
    assert list(recorded) == [
        (date(2026, 3, 1), True),
        (date(2026, 3, 1), False),
        (date(2026, 3, 1), True),
        (date(2026, 3, 2), True),
    ]


def run_frequent_job(succeeds):
    try:
        with jobs.record_news("update_last_contact"):
            if not succeeds:
                raise ConnectionError("gone")
    except ConnectionError:
        pass


def test_old_runs_are_purged_but_the_last_success_of_each_job_stays():
    old = timedelta(days=91)
    kept = [
        make_run("load_geonames", age=old, output="the last success"),
        make_run("purge_expired", age=timedelta(days=89)),
    ]
    make_run("load_geonames", age=old * 2)
    make_run("load_geonames", age=timedelta(days=90, hours=1), succeeded=False)
    make_run("purge_expired", age=old)

    deleted = jobs.purge()

    assert deleted == 3
    assert set(JobRun.objects.all()) == set(kept)


def test_purging_says_how_many_of_what_are_gone(capsys):
    make_run("load_skills", age=timedelta(days=100), succeeded=False)

    call_command("purge_expired")

    line = capsys.readouterr().out.removesuffix("\n")
    *others, last = line.split(", ")
    assert last == "1 job runs"
    assert {"0 pairing sessions", "0 security events", "0 metrics and interactions"} < set(others)
    assert [each for each in others if not each.startswith("0 ")] == []
    run = JobRun.objects.get()
    assert (run.name, run.succeeded, run.output) == ("purge_expired", True, line)


def test_purging_may_run_twice():
    call_command("purge_expired")
    call_command("purge_expired")

    assert JobRun.objects.filter(succeeded=True).count() == 2


def test_a_run_that_died_is_listed_as_failed_when_the_next_one_begins():
    died = make_run(age=timedelta(minutes=5), succeeded=None)
    other = make_run("load_skills", succeeded=None)

    call_command("purge_expired")

    died.refresh_from_db()
    other.refresh_from_db()
    assert (died.succeeded, died.output) == (False, "ended before it was done")
    assert died.ended_at > died.started_at
    assert other.ended_at is None


def test_a_run_that_goes_on_while_another_begins_writes_its_own_end():
    with jobs.record("purge_expired") as run:
        call_command("purge_expired")
        run.output = "purged"

    assert list(JobRun.objects.values_list("succeeded", flat=True)) == [True, True]


@pytest.mark.parametrize("has_begun", [True, False])
def test_a_job_whose_process_was_ended_is_listed_as_failed(has_begun):
    before = make_run("send_mail", age=timedelta(hours=1), succeeded=None)
    since = timezone.now()
    if has_begun:
        make_run("send_mail", succeeded=None)

    jobs.note_death("send_mail", since)

    run = JobRun.objects.exclude(pk=before.pk).get()
    assert (run.name, run.succeeded, run.output) == ("send_mail", False, "ended before it was done")
    assert run.started_at >= since
    assert JobRun.objects.get(pk=before.pk).ended_at is None


@pytest.mark.fleet
def test_last_contacts_are_moved_to_the_rows(device, device_client, capsys):
    device_client.get(f"/v1/device/{device.pk}")
    device.refresh_from_db()
    before = device.last_contact_at

    call_command("update_last_contact")

    device.refresh_from_db()
    assert before is None
    assert device.last_contact_at is not None
    assert capsys.readouterr().out == "last contact of 1 devices\n"
    assert JobRun.objects.get().output == "last contact of 1 devices"
