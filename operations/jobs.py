"""The record of job runs: who ran when, and what came of it."""

from collections.abc import Iterator
from contextlib import contextmanager, suppress
from datetime import date, timedelta

from django.db import DatabaseError
from django.utils import timezone

from operations.models import JobRun

OUTPUT_LIMIT = 2_000  # characters
KEPT = timedelta(days=90)


@contextmanager
def record(name: str, *, day: date | None = None) -> Iterator[JobRun]:
    """Record a run of the job ``name`` for ``day`` (default: today).

    The work puts its result into the run's ``output``. An exception is recorded and raised again;
    a process that dies leaves a run without an end.
    """
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


def purge() -> int:
    """Delete runs older than ``KEPT``, but the last success of each job; return how many."""
    names = JobRun.objects.order_by().values_list("name", flat=True).distinct()
    successes = [JobRun.objects.filter(name=name, succeeded=True).first() for name in names]
    last = [run.pk for run in successes if run]
    old = JobRun.objects.filter(started_at__lt=timezone.now() - KEPT)
    return old.exclude(pk__in=last).delete()[0]


def _end_if_news(run: JobRun, *, succeeded: bool, output: str) -> None:
    last = JobRun.objects.filter(name=run.name).first()
    if last is None or (last.day, last.succeeded) != (run.day, succeeded):
        run.save(force_insert=True)
        _end(run, succeeded=succeeded, output=output)


def _end(run: JobRun, *, succeeded: bool, output: str) -> None:
    run.ended_at, run.succeeded = timezone.now(), succeeded
    run.output = output[-OUTPUT_LIMIT:]
    run.save(update_fields=["ended_at", "succeeded", "output"])


def _describe(error: BaseException) -> str:
    return f"{type(error).__name__}: {error}"
