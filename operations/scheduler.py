"""Running the jobs when they are due; of any number of schedulers, one acts.

1. Whoever holds the lease acts. It is renewed every few seconds and runs out in less than a minute,
   so when its holder dies another takes over.
2. A daily job is due from its time on until it has succeeded. After a failure it is tried again
   in an hour, and a few times at most. Times at which nobody was there to run it are caught up
   with one run, however many there were.
3. Staff may ask for a run now: those are taken before what is due.
4. Each run is a process forked from this one: no time is lost on loading the code again, what it
   needed of memory is given back, and it can be ended when it hangs. Killed in between it is run
   again, since every job may run twice.
"""

import io
import logging
import os
import select
import signal
import socket
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from datetime import time as time_of_day
from typing import NoReturn

from django.conf import settings
from django.core.management import CommandError, call_command
from django.db import DatabaseError, connections
from django.utils import timezone

from operations import jobs, leases
from operations.jobs import DIED, OUTPUT_LIMIT
from operations.models import JobOrder, JobRun, Lease

LEASE = timedelta(seconds=40)
TICK = 10.0  # seconds
JOB_LIMIT = timedelta(hours=1)
RETRY_AFTER = timedelta(hours=1)
STOP_SIGNALS = (signal.SIGINT, signal.SIGTERM)

logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class DailyJob:
    command: str
    at: time_of_day  # UTC
    tries: int = 3

    @property
    def plan(self) -> str:
        return f"daily at {self.at:%H:%M} UTC"

    def is_due(self, now: datetime) -> bool:
        """Tell whether the job has yet to succeed since its time came last, and may try."""
        recent = JobRun.objects.filter(name=self.command)
        if recent.filter(started_at__gt=now - JOB_LIMIT, ended_at=None).exists():
            return False  # it is under way
        runs = list(recent.filter(started_at__gte=self._last_time(now))[: self.tries])
        if not runs:
            return True
        has_failed = not any(run.succeeded for run in runs)
        may_try = len(runs) < self.tries and now - runs[0].started_at >= RETRY_AFTER
        return has_failed and may_try

    def _last_time(self, now: datetime) -> datetime:
        """Return when the job was to run last: today, or yesterday if that is yet to come."""
        today = datetime.combine(now.date(), self.at, now.tzinfo)
        return today if today <= now else today - timedelta(days=1)


@dataclass
class FrequentJob:
    command: str
    every: timedelta
    _last: datetime | None = field(default=None, init=False)

    @property
    def plan(self) -> str:
        return f"every {self.every // timedelta(minutes=1)} min"

    def is_due(self, now: datetime) -> bool:
        """Tell whether this scheduler has not started the job for a while, and assume it will."""
        # A clock that was set back starts it too.
        if self._last is not None and timedelta(0) <= now - self._last < self.every:
            return False
        self._last = now
        return True


JOBS: tuple[DailyJob | FrequentJob, ...] = (
    DailyJob("parse_core_metrics", at=time_of_day(2)),
    DailyJob("purge_expired", at=time_of_day(3)),
    DailyJob("delete_wake_word_samples", at=time_of_day(3, 30)),
    # Without internet it fails every day: one line in the log is enough.
    DailyJob("load_skills", at=time_of_day(4), tries=1),
    DailyJob("reconcile_memberships", at=time_of_day(5)),
    DailyJob("daily_report", at=time_of_day(6)),
    FrequentJob("send_mail", every=timedelta(minutes=1)),
    FrequentJob("update_last_contact", every=timedelta(minutes=2)),
    FrequentJob("summarise_stt", every=timedelta(hours=1)),
    FrequentJob("count_fleet", every=timedelta(minutes=10)),
)
# Jobs that have nothing to do without a setting
NEEDS = {
    "daily_report": "REPORT_RECIPIENT",
    "reconcile_memberships": "STRIPE_PRIVATE_KEY",
    "update_last_contact": "REDIS_URL",
}


def schedule() -> list[DailyJob | FrequentJob]:
    """Return the jobs of an installation such as this, as its operator wants them."""
    jobs: list[DailyJob | FrequentJob] = []
    for job in JOBS:
        need = NEEDS.get(job.command)
        if need and not getattr(settings, need):
            continue
        at = settings.SCHEDULE.get(job.command, job)
        if isinstance(job, DailyJob) and isinstance(at, time_of_day):
            jobs.append(replace(job, at=at))
        elif at is not None:
            jobs.append(replace(job))  # its own: it remembers when it ran
    return jobs


def misnamed() -> list[str]:
    """Return what the setting calls a job and is none, or has no time of its own."""
    known = {job.command: job for job in JOBS}
    return [
        name
        for name, at in settings.SCHEDULE.items()
        if name not in known or (at and isinstance(known[name], FrequentJob))
    ]


class Scheduler:
    """Runs jobs until asked to stop, by a signal or by the end of the process that started it."""

    def __init__(self, parent: int | None = None) -> None:
        """``parent`` is a file descriptor that reads as ended when the parent has ended."""
        self._jobs = schedule()
        self._holder = f"{socket.gethostname()[:100]}, {os.getpid()}, {os.urandom(4).hex()}"
        self._stop, self._stop_sender = os.pipe()
        self._endings = [self._stop] if parent is None else [self._stop, parent]
        self._is_acting = False
        self._is_database_away = False

    def run(self) -> None:
        """Act, or wait to act, until asked to stop."""
        for number in STOP_SIGNALS:
            signal.signal(number, lambda *_: os.write(self._stop_sender, b"."))
        while True:
            with self._survive_the_database():
                self._tick()
            if self._wait_for(self._endings, TICK):
                break
        with self._survive_the_database():
            leases.give_back(Lease.SCHEDULER, self._holder)

    def _tick(self) -> None:
        while self._holds_lease() and (order := _take_order()):
            self.run_job(order.name, order)
            if self._wait_for(self._endings, 0):
                return
        for job in self._jobs:
            if self._holds_lease() and job.is_due(timezone.now()):
                self.run_job(job.command)
            if self._wait_for(self._endings, 0):
                return

    def _holds_lease(self) -> bool:
        holds = leases.take(Lease.SCHEDULER, self._holder, LEASE)
        if holds != self._is_acting:
            self._is_acting = holds
            logger.debug("this scheduler %s", "acts" if holds else "waits: another acts")
        return holds

    def run_job(self, command: str, order: JobOrder | None = None) -> None:
        """Run ``command`` in a process of its own and wait for its end, or end it.

        What comes of it is written into the ``order``, if it was asked for.
        """
        begin = timezone.now()
        ours, theirs = socket.socketpair()
        connections.close_all()  # a connection cannot be shared with a fork
        process_id = os.fork()
        if not process_id:
            ours.close()
            _work(command, theirs, order)
        theirs.close()
        with ours:
            has_died = self._watch(command, process_id, ours)
        if has_died:
            jobs.note_death(command, begin)
        _end_order(order, succeeded=False, output=DIED)

    def _watch(self, command: str, process_id: int, job: socket.socket) -> bool:
        """Wait for the end of a job, or end it; tell whether it was ended."""
        deadline = time.monotonic() + JOB_LIMIT.total_seconds()
        while not (readable := self._wait_for([job.fileno(), *self._endings], TICK)):
            with self._survive_the_database():
                self._holds_lease()
            if time.monotonic() > deadline:
                logger.error("%s has been running for %s and is ended", command, JOB_LIMIT)
                break
        is_cut_off = job.fileno() not in readable
        if is_cut_off:
            os.kill(process_id, signal.SIGKILL)
        status = os.waitstatus_to_exitcode(os.waitpid(process_id, 0)[1])
        if status < 0 and not is_cut_off:
            logger.warning("%s was ended by signal %d", command, -status)
        return status < 0

    @contextmanager
    def _survive_the_database(self) -> Iterator[None]:
        """Log, once, that the database is away, and connect anew next time."""
        try:
            yield
        except DatabaseError as error:
            connections.close_all()
            if not self._is_database_away:
                logger.error("no jobs while the database is away: %s", str(error).strip())
            self._is_database_away = True
        else:
            self._is_database_away = False

    @staticmethod
    def _wait_for(descriptors: list[int], seconds: float) -> list[int]:
        """Return the ``descriptors`` that have something to say within ``seconds``."""
        return select.select(descriptors, [], [], seconds)[0]


def _take_order() -> JobOrder | None:
    """Return the order that waits longest, which waits no more."""
    order = JobOrder.objects.filter(taken_at=None).order_by("asked_at").first()
    if order:
        order.taken_at = timezone.now()
        order.save(update_fields=["taken_at"])
    return order


def _end_order(order: JobOrder | None, *, succeeded: bool, output: str) -> None:
    """Write down what came of ``order``, unless that is done."""
    if order:
        JobOrder.objects.filter(pk=order.pk, ended_at=None).update(
            ended_at=timezone.now(), succeeded=succeeded, output=output[-OUTPUT_LIMIT:]
        )


def _work(command: str, scheduler: socket.socket, order: JobOrder | None = None) -> NoReturn:
    """Run ``command`` in this forked process and end it."""
    status = 1
    try:
        for number in STOP_SIGNALS:
            signal.signal(number, signal.SIG_DFL)
        threading.Thread(target=_end_with, args=[scheduler], daemon=True).start()
        output = call_command(command, stdout=io.StringIO())
        logger.debug("%s: %s", command, output)
        _end_order(order, succeeded=True, output=output or "")
        status = 0
    except CommandError as error:
        logger.error("%s failed: %s", command, error)
        _end_order(order, succeeded=False, output=str(error))
    except Exception as error:
        logger.exception("%s failed", command)
        _end_order(order, succeeded=False, output=f"{type(error).__name__}: {error}")
    finally:
        logging.shutdown()
        os._exit(status)


def _end_with(scheduler: socket.socket) -> None:
    """End this process when the scheduler's has: its end of the pair is closed then."""
    scheduler.recv(1)
    os._exit(1)
