"""Running a job now: who asks leaves an order, and the scheduler that acts takes it.

So it runs where the jobs run, once, however many servers there are and however often one clicks.
"""

from datetime import timedelta

from django.db import IntegrityError, transaction
from django.utils import timezone

from accounts.models import Account
from operations import jobs, scheduler
from operations.models import JobOrder

KEPT = timedelta(days=90)


class NoSuchJob(Exception):
    """None that this installation runs."""


class AlreadyAsked(Exception):
    """It waits for a scheduler, or is under way."""


def place(name: str, account: Account) -> JobOrder:
    """Ask for a run of the job ``name``.

    Raises:
        NoSuchJob, AlreadyAsked: nothing changed.
    """
    if name not in runnable():
        raise NoSuchJob
    now = timezone.now()
    taken = JobOrder.objects.filter(name=name, ended_at=None, taken_at__isnull=False)
    if taken.filter(taken_at__gt=now - scheduler.JOB_LIMIT).exists():
        raise AlreadyAsked
    taken.update(ended_at=now, succeeded=False, output=jobs.DIED)  # with the scheduler
    try:
        with transaction.atomic():
            return JobOrder.objects.create(name=name, asked_by=account)
    except IntegrityError as error:
        raise AlreadyAsked from error


def runnable() -> list[str]:
    """Return the jobs that may be asked for: those on the schedule, and the loader of places."""
    return [*(job.command for job in scheduler.schedule()), "load_geonames"]


def purge() -> int:
    """Delete orders older than ``KEPT``; return how many."""
    return JobOrder.objects.filter(asked_at__lt=timezone.now() - KEPT).delete()[0]
