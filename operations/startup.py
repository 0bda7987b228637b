"""What a server does before it serves: database, reference data, the first owner.

1. The database is waited for, a restore that was killed finished or undone, and the database
   migrated, if anything is missing there.
2. One process at a time goes on, in one transaction.
3. Data that ships with this version is loaded, unless it was before or an operator loaded other.
4. Where nobody may administer the server, an owner is made, whose password is told once.

Each step may be cut off at any moment and begun again, and two servers of one database may start
together.
"""

import fcntl
import hashlib
import random
import re
import secrets
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from django.conf import settings
from django.core.management import call_command
from django.db import DatabaseError, OperationalError, connection, transaction
from django.db.migrations.executor import MigrationExecutor
from django.utils import timezone

from accounts.models import Account
from operations import jobs, leases, reference_data, staged_files
from operations.models import JobRun, Lease

Say = Callable[[str], None]

ATTEMPTS = 10
DATABASE_PATIENCE = 20.0  # seconds that a database may take to start beside us
PASSWORD_ALPHABET = "abcdefghjkmnpqrstuvwxyz23456789"  # no two of which look alike  # noqa: S105
_MARK = re.compile(r"\(shipped ([0-9a-f]{12})\)$")


class DatabaseAway(Exception):
    """The database does not answer; the text says why."""


def prepare(say: Say) -> None:
    """Make the database ready to serve, telling ``say`` about what takes time or matters.

    Raises:
        DatabaseAway: nothing was changed.
    """
    _wait_for_database(say)
    with staged_files.alone(lambda: say("Waiting for a restore")):
        staged_files.settle()
    with _alone_on_sqlite():
        _again_if_another_interferes(lambda: _migrate(say))
    _again_if_another_interferes(lambda: _fill(say))


@transaction.atomic
def _fill(say: Say) -> None:
    leases.lock(Lease.START)
    for shipped in reference_data.SHIPPED:
        digest = shipped.digest()
        if shipped.paths() and _is_news(shipped.job, digest):
            say(f"Loading {shipped.what}")
            with jobs.record(shipped.job) as run:
                run.output = _marked(shipped.load(), digest)
    if not Account.objects.filter(is_superuser=True).exists():
        _make_owner(say)


def _wait_for_database(say: Say) -> None:
    deadline = time.monotonic() + DATABASE_PATIENCE
    is_told = False
    while True:
        try:
            return connection.ensure_connection()
        except OperationalError as error:
            if time.monotonic() > deadline:
                raise DatabaseAway(str(error).strip().splitlines()[0]) from error
        if not is_told:
            say("Waiting for the database")
            is_told = True
        time.sleep(0.5)


@contextmanager
def _alone_on_sqlite() -> Iterator[None]:
    """Wait for others to have migrated this SQLite.

    There a change of a table is a copy of it, made from what the migration knows of the table: a
    second process that begins an earlier migration while a first one commits a later one would drop
    the later one's columns, without an error. (PostgreSQL refuses what was done already.)
    """
    if connection.vendor != "sqlite":
        yield
        return
    with open(f"{connection.settings_dict['NAME']}.migrating", "w") as file:
        fcntl.flock(file, fcntl.LOCK_EX)  # let go by whatever end of this process
        yield


def _again_if_another_interferes(work: Callable[[], None]) -> None:
    """Do ``work``, again if it fails in the database, as it may where another starts with us.

    Two processes that create a table at once end with one that did and one that failed and whose
    transaction is undone; it finds the table there when it looks again.
    """
    for _ in range(ATTEMPTS - 1):
        try:
            return work()
        except DatabaseError:
            time.sleep(random.uniform(0.2, 1.0))  # noqa: S311 - so that they do not collide again
    return work()


def _migrate(say: Say) -> None:
    executor = MigrationExecutor(connection)
    targets = executor.loader.graph.leaf_nodes()
    digest = hashlib.sha256(repr(sorted(targets)).encode()).hexdigest()
    plan = executor.migration_plan(targets)
    # What follows a migration (permissions, content types) may have been cut off.
    if not plan and not _is_news("migrate", digest):
        return
    if plan:
        say("Preparing the database")
    call_command("migrate", verbosity=0, interactive=False)
    with jobs.record("migrate") as run:
        run.output = _marked(f"{len(plan)} migrations", digest)


def _is_news(job: str, digest: str) -> bool:
    """Tell whether data that ships with us is still to be loaded.

    The last success of its job decides: nothing or other shipped data came before; not so if an
    operator, or the daily job, loaded something newer or fuller since.
    """
    last = JobRun.objects.filter(name=job, succeeded=True).first()
    mark = _MARK.search(last.output) if last else None
    return last is None or (mark is not None and mark[1] != digest[:12])


def _marked(result: str, digest: str) -> str:
    return f"{result} (shipped {digest[:12]})"


def _make_owner(say: Say) -> None:
    """Save the first owner's account, with a random password of 78 bits."""
    email = settings.OWNER_EMAIL
    if Account.objects.filter(email__iexact=email).exists():
        # Whoever signed up with it need not be the owner.
        say(f"No owner: {email} has an account. Set another SELENE_OWNER_EMAIL.")
        return
    parts = ["".join(secrets.choice(PASSWORD_ALPHABET) for _ in range(4)) for _ in range(4)]
    password = "-".join(parts)
    Account.objects.create_superuser(email, password, email_proven_at=timezone.now())
    # Told before it is committed: told after, a power cut between would lose it.
    say(f"\nThe owner's account, shown this once:\n  {email}\n  {password}")
