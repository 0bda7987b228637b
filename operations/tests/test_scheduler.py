import os
import signal
import socket
from datetime import UTC, datetime, time, timedelta

import pytest
from django.core.management import get_commands

from operations.models import JobRun
from operations.scheduler import DailyJob, FrequentJob, misnamed, schedule
from operations.tests.processes import Process, session
from tools import services

NOW = datetime(2026, 3, 10, 4, 30, tzinfo=UTC)
DAILY = DailyJob("purge_expired", at=time(3))
HOLDER = "from operations.models import Lease; print(Lease.objects.get(name='scheduler').holder)"
RUN_OUT = (
    "from datetime import timedelta; from django.utils import timezone; "
    "from operations.models import Lease; "
    "Lease.objects.update(expires_at=timezone.now() - timedelta(seconds=1))"
)


def make_run(started_at, *, is_ended=True, succeeded=True):
    JobRun.objects.create(
        name="purge_expired",
        day=started_at.date(),
        started_at=started_at,
        ended_at=started_at if is_ended else None,
        succeeded=succeeded if is_ended else None,
    )


@pytest.mark.django_db
def test_a_daily_job_is_due_from_its_time_on():
    make_run(NOW - timedelta(days=1))

    assert not DAILY.is_due(NOW.replace(hour=2, minute=59))
    assert DAILY.is_due(NOW.replace(hour=3, minute=0))
    assert DAILY.is_due(NOW.replace(hour=23))


@pytest.mark.django_db
def test_a_daily_job_that_succeeded_is_due_the_next_day():
    make_run(NOW - timedelta(hours=1))

    assert not DAILY.is_due(NOW)
    assert DAILY.is_due(NOW + timedelta(days=1))


@pytest.mark.django_db
def test_days_on_which_nobody_ran_jobs_are_caught_up_with_one_run():
    make_run(NOW - timedelta(days=3))
    evening_of_the_next_day = NOW.replace(hour=1)

    assert DAILY.is_due(evening_of_the_next_day)
    make_run(evening_of_the_next_day)
    assert not DAILY.is_due(evening_of_the_next_day + timedelta(minutes=1))
    assert DAILY.is_due(NOW)
    make_run(NOW)
    assert not DAILY.is_due(NOW + timedelta(hours=20))


@pytest.mark.django_db
def test_a_job_that_failed_is_tried_again_in_an_hour_and_three_times_in_all():
    starts = []

    for minutes in range(0, 24 * 60 - 90, 10):
        moment = NOW + timedelta(minutes=minutes)
        if DAILY.is_due(moment):
            starts.append(minutes)
            make_run(moment, succeeded=False)

    assert starts == [0, 60, 120]
    assert DAILY.is_due(NOW + timedelta(days=1))


@pytest.mark.django_db
def test_a_second_try_that_succeeds_is_the_last():
    make_run(NOW - timedelta(minutes=70), succeeded=False)
    assert DAILY.is_due(NOW)

    make_run(NOW)

    assert not DAILY.is_due(NOW + timedelta(hours=2))


@pytest.mark.django_db
def test_a_job_under_way_is_not_started_again_but_one_that_died_is():
    make_run(NOW, is_ended=False)

    assert not DAILY.is_due(NOW + timedelta(minutes=59))
    assert DAILY.is_due(NOW + timedelta(minutes=61))


@pytest.mark.django_db
def test_a_job_under_way_since_before_its_time_is_not_started_again():
    make_run(NOW.replace(hour=2, minute=50), is_ended=False)

    assert not DAILY.is_due(NOW.replace(hour=3, minute=5))


def test_an_operator_may_move_daily_jobs_and_leave_any_out(settings):
    settings.SCHEDULE = {"purge_expired": time(5, 30), "load_skills": None, "count_fleet": None}

    plans = {job.command: job.plan for job in schedule()}

    assert plans["purge_expired"] == "daily at 05:30 UTC"
    assert plans["send_mail"] == "every 1 min"
    assert {"load_skills", "count_fleet"}.isdisjoint(plans)
    assert misnamed() == []


def test_a_schedule_that_names_no_job_is_told(settings):
    settings.SCHEDULE = {"purge": None, "send_mail": time(3), "load_skills": time(3)}

    assert misnamed() == ["purge", "send_mail"]


def test_only_who_gets_a_report_has_it_made(settings):
    settings.REPORT_RECIPIENT = "boss@example.com"

    assert "daily_report" in [job.command for job in schedule()]


def test_only_who_takes_money_has_the_memberships_compared(settings):
    without = [job.command for job in schedule()]
    settings.STRIPE_PRIVATE_KEY = "sk_test_1"

    assert "reconcile_memberships" not in without
    assert "reconcile_memberships" in [job.command for job in schedule()]


def test_a_frequent_job_is_due_when_its_time_has_passed():
    job = FrequentJob("update_last_contact", every=timedelta(seconds=30))

    assert job.is_due(NOW)
    assert not job.is_due(NOW + timedelta(seconds=29))
    assert job.is_due(NOW + timedelta(seconds=30))


def test_a_frequent_job_goes_on_when_the_clock_is_set_back():
    job = FrequentJob("update_last_contact", every=timedelta(seconds=30))
    job.is_due(NOW)

    assert job.is_due(NOW - timedelta(hours=1))


def test_last_contacts_are_moved_where_redis_notes_them(settings):
    commands = [job.command for job in schedule()]

    assert ("update_last_contact" in commands) == bool(settings.REDIS_URL)
    assert {"purge_expired", "count_fleet"} < set(commands)
    assert "daily_report" not in commands


def test_every_scheduled_job_is_a_command(settings):
    settings.REPORT_RECIPIENT = "boss@example.com"

    assert {job.command for job in schedule()} <= set(get_commands())


@pytest.fixture
def server(make_live_server):
    """A database that is ready, and nobody who runs jobs."""
    server = make_live_server(SELENE_RUN_JOBS="false")
    server.terminate()
    return server


def ask(server, code):
    return server.manage("shell", "-v0", "--no-imports", "-c", code).strip()


def acts(server, process):
    """Tell whether ``process`` holds the lease."""
    holder = "getattr(Lease.objects.filter(name='scheduler').first(), 'holder', '')"
    answer = ask(server, f"from operations.models import Lease; print({holder})")
    return f", {process.id}, " in answer


def test_of_two_schedulers_one_acts_and_when_it_is_killed_the_other_does(server):
    with Process(server, "run_jobs") as first:
        services.wait_until(lambda: acts(server, first), what="nobody acts", limit=20)
        with Process(server, "run_jobs") as second:
            first.kill()
            assert not acts(server, second)

            ask(server, RUN_OUT)  # as time does

            services.wait_until(lambda: acts(server, second), what="no take-over", limit=20)


def test_a_scheduler_asked_to_end_hands_over_at_once(server):
    with Process(server, "run_jobs") as first:
        services.wait_until(lambda: acts(server, first), what="nobody acts", limit=20)

        os.kill(first.id, signal.SIGTERM)

        assert first.wait() == 0
        assert ask(server, HOLDER) == ""
        assert first.output() == ""


def test_jobs_that_are_due_run_and_are_recorded(server):
    runs = "from operations.models import JobRun; "
    runs += "print(JobRun.objects.filter(name='purge_expired', succeeded=True).count())"
    with Process(server, "run_jobs") as process:
        services.wait_until(lambda: acts(server, process), what="nobody acts", limit=20)

        services.wait_until(lambda: ask(server, runs) == "1", what="no run", limit=30)
        assert len(session(process.id)) <= 2


LOAD_SKILLS = (
    "shell",
    "-v0",
    "--no-imports",
    "-c",
    "from operations.scheduler import Scheduler; Scheduler().run_job('load_skills')",
)
LAST_RUN = (
    "from operations.models import JobRun; "
    "run = JobRun.objects.filter(name='load_skills').first(); print(run.succeeded, run.ended_at)"
)


def test_a_job_that_fails_is_one_line_in_the_log_and_one_failed_run(server):
    with Process(server, *LOAD_SKILLS, SELENE_SKILLS_URL="http://127.0.0.1:1") as process:
        status = process.wait()

    assert status == 0
    [line] = process.output().splitlines()
    assert "load_skills failed: catalogue of 21.02 not available" in line
    assert ask(server, LAST_RUN).startswith("False ")


def test_a_job_that_is_killed_is_listed_as_failed_at_once(server):
    with socket.create_server(("127.0.0.1", 0)) as silent:
        url = f"http://127.0.0.1:{silent.getsockname()[1]}"
        job = Process(server, *LOAD_SKILLS, SELENE_SKILLS_URL=url)
        with job, silent.accept()[0]:
            [fork] = set(session(job.id)) - {job.id}

            os.kill(fork, signal.SIGKILL)

            assert job.wait() == 0
    assert "load_skills was ended by signal 9" in job.output()
    assert ask(server, LAST_RUN).startswith("False ")


def test_a_job_under_way_ends_with_its_scheduler(server):
    with socket.create_server(("127.0.0.1", 0)) as silent:
        url = f"http://127.0.0.1:{silent.getsockname()[1]}"
        job = Process(server, *LOAD_SKILLS, SELENE_SKILLS_URL=url)
        with job, silent.accept()[0]:  # which never answers
            assert len(session(job.id)) == 2
            os.kill(job.id, signal.SIGKILL)

            services.wait_until(lambda: not session(job.id), what="the job is left", limit=3)

    assert ask(server, LAST_RUN) == "None None"
