import os
import signal
import socket
from datetime import UTC, datetime, time, timedelta

import pytest

from operations.models import JobRun
from operations.scheduler import DailyJob, FrequentJob, schedule
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
    assert not DAILY.is_due(NOW.replace(hour=2, minute=59))
    assert DAILY.is_due(NOW.replace(hour=3, minute=0))
    assert DAILY.is_due(NOW.replace(hour=23))


@pytest.mark.django_db
@pytest.mark.parametrize("succeeded", [True, False])
def test_a_daily_job_is_due_once_a_day_whatever_came_of_it(succeeded):
    make_run(NOW - timedelta(hours=1), succeeded=succeeded)

    assert not DAILY.is_due(NOW)
    assert DAILY.is_due(NOW + timedelta(days=1))


@pytest.mark.django_db
def test_yesterdays_run_does_not_count():
    make_run(NOW - timedelta(days=1))

    assert DAILY.is_due(NOW)


@pytest.mark.django_db
def test_a_job_under_way_is_not_started_again_but_one_that_died_is():
    make_run(NOW, is_ended=False)

    assert not DAILY.is_due(NOW + timedelta(minutes=59))
    assert DAILY.is_due(NOW + timedelta(minutes=61))


def test_a_frequent_job_is_due_when_its_time_has_passed():
    job = FrequentJob("update_last_contact", every=timedelta(seconds=30))

    assert job.is_due(NOW)
    assert not job.is_due(NOW + timedelta(seconds=29))
    assert job.is_due(NOW + timedelta(seconds=30))


def test_a_frequent_job_goes_on_when_the_clock_is_set_back():
    job = FrequentJob("update_last_contact", every=timedelta(seconds=30))
    job.is_due(NOW)

    assert job.is_due(NOW - timedelta(hours=1))


@pytest.mark.household
def test_a_household_has_these_jobs():
    assert [job.command for job in schedule()] == [
        "parse_core_metrics",
        "purge_expired",
        "load_skills",
        "send_mail",
    ]


@pytest.mark.fleet
def test_a_fleet_also_moves_last_contacts():
    commands = [job.command for job in schedule()]

    assert commands == [
        "parse_core_metrics",
        "purge_expired",
        "load_skills",
        "send_mail",
        "update_last_contact",
    ]


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
    late = "import datetime as d; print(d.datetime.now(d.UTC).hour >= 3)"
    runs = "from operations.models import JobRun; "
    runs += "print(JobRun.objects.filter(name='purge_expired', succeeded=True).count())"
    with Process(server, "run_jobs") as process:
        services.wait_until(lambda: acts(server, process), what="nobody acts", limit=20)
        expected = "1" if ask(server, late) == "True" else "0"

        services.wait_until(lambda: ask(server, runs) == expected, what="no run", limit=30)
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


def test_a_job_under_way_ends_with_its_scheduler(server):
    with socket.create_server(("127.0.0.1", 0)) as silent:
        url = f"http://127.0.0.1:{silent.getsockname()[1]}"
        job = Process(server, *LOAD_SKILLS, SELENE_SKILLS_URL=url)
        with job, silent.accept()[0]:  # which never answers
            assert len(session(job.id)) == 2
            os.kill(job.id, signal.SIGKILL)

            services.wait_until(lambda: not session(job.id), what="the job is left", limit=3)

    assert ask(server, LAST_RUN) == "None None"
