"""The record of job runs: who ran when, and what came of it."""

from collections.abc import Iterator
from contextlib import contextmanager, suppress
from datetime import date, datetime, timedelta

from django.db import DatabaseError
from django.db.models import QuerySet
from django.utils import timezone

from operations.models import JobRun

OUTPUT_LIMIT = 2_000  # characters
KEPT = timedelta(days=90)
DIED = "ended before it was done"


@contextmanager
def record(name: str, *, day: date | None = None) -> Iterator[JobRun]:
    """Record a run of the job ``name`` for ``day`` (default: today).

    The work puts its result into the run's ``output``. An exception is recorded and raised again;
    a process that dies leaves a run without an end, which the next one ends.
    """
    _end_open(JobRun.objects.filter(name=name))
    run = JobRun.objects.create(name=name, day=day or timezone.now().date())
    try:
        yield run
    except BaseException as error:
        # What went wrong matters more than that it could not be written down.
        with suppress(DatabaseError):
            _end(run, succeeded=False, output=_describe(error))
        raise
    _end(run, succeeded=True, output=run.output)


@contextmanager
def record_news(name: str) -> Iterator[JobRun]:
    """Record a run of a job that runs every minute or more often, if it says something new.

    That is the first run of a day, and a run that ends otherwise than the last one recorded:
    thousands of equal rows a day would tell nobody more, and hide the one failure among them.
    """
    now = timezone.now()
    run = JobRun(name=name, day=now.date(), started_at=now)
    try:
        yield run
    except BaseException as error:
        with suppress(DatabaseError):
            _end_if_news(run, succeeded=False, output=_describe(error))
        raise
    _end_if_news(run, succeeded=True, output=run.output)


def note_death(name: str, since: datetime) -> None:
    """List the run of the job ``name``, begun at or after ``since``, whose process was ended."""
    if not _end_open(JobRun.objects.filter(name=name, started_at__gte=since)):
        now = timezone.now()
        values = {"succeeded": False, "output": DIED, "ended_at": now}
        JobRun.objects.create(name=name, day=now.date(), started_at=since, **values)


def purge() -> int:
    """Delete runs older than ``KEPT``, but the last success of each job; return how many."""
    names = JobRun.objects.order_by().values_list("name", flat=True).distinct()
    successes = [JobRun.objects.filter(name=name, succeeded=True).first() for name in names]
    last = [run.pk for run in successes if run]
    old = JobRun.objects.filter(started_at__lt=timezone.now() - KEPT)
    return old.exclude(pk__in=last).delete()[0]


def _end_open(runs: QuerySet[JobRun]) -> int:
    """List those of ``runs`` that have no end as failed; one that goes on writes its own yet."""
    now = timezone.now()
    return runs.filter(ended_at=None).update(ended_at=now, succeeded=False, output=DIED)


def _end_if_news(run: JobRun, *, succeeded: bool, output: str) -> None:
    last = JobRun.objects.filter(name=run.name).first()
    if last is None or (last.day, last.succeeded) != (run.day, succeeded):
        _note_end(run, succeeded=succeeded, output=output)
        run.save(force_insert=True)


def _end(run: JobRun, *, succeeded: bool, output: str) -> None:
    _note_end(run, succeeded=succeeded, output=output)
    run.save(update_fields=["ended_at", "succeeded", "output"])


def _note_end(run: JobRun, *, succeeded: bool, output: str) -> None:
    run.ended_at, run.succeeded = timezone.now(), succeeded
    run.output = output[-OUTPUT_LIMIT:]


def _describe(error: BaseException) -> str:
    return f"{type(error).__name__}: {error}"
