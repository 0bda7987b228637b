"""Commands in processes of their own that are killed at a chosen step.

Each runs in a fork of this process, as the scheduler runs jobs, on the test's database, folders and
settings. It is killed by SIGKILL right before its n-th step, so that no handler, no ``finally`` and
no buffer of it is any use. Steps are what outlasts a process: a commit, a statement without a
transaction, a file opened to be written, renamed or removed, a command for Redis, a connection to a
service. Between two of them being killed makes no difference.
"""

import io
import os
import signal
import sys
import traceback
from itertools import count
from pathlib import Path

import redis
from django.core.management import CommandError, call_command
from django.db import connection, connections

from accounts import version_cache

DONE, REFUSED, FAILED, KILLED = 0, 1, 2, -signal.SIGKILL
READING = ("SELECT", "PRAGMA", "SET", "SHOW", "WITH", "EXPLAIN")
WRITING = os.O_WRONLY | os.O_RDWR
FILES = {"os.rename", "os.remove", "os.rmdir", "os.mkdir", "os.link", "os.truncate"}


def run(work, step=0):
    """Do ``work`` in a process that is killed before its ``step``; return how that ended."""
    connections.close_all()  # a connection cannot be shared with a fork
    process_id = os.fork()
    if not process_id:
        _work(work, step)
    return os.waitstatus_to_exitcode(os.waitpid(process_id, 0)[1])


def command(*arguments):
    """Return a function that runs a command of manage.py."""
    return lambda: call_command(*map(str, arguments), stdout=io.StringIO())


def steps(first=1, dense=40):
    """Yield steps, the first ``dense`` of them all, and then ever fewer."""
    step = first
    while True:
        yield step
        step += 1 if step < dense else max(1, step // 4)


def _work(work, step):
    status = FAILED
    version_cache._connections.__dict__.clear()  # nor can one to Redis
    try:
        if step:
            _die_at(step)
        work()
        status = DONE
    except CommandError as error:
        sys.stderr.write(f"{error}\n")
        status = REFUSED
    except BaseException:
        traceback.print_exc()
    finally:
        sys.stderr.flush()
        os._exit(status)


def _die_at(number):
    steps = count(1)

    def step():
        if next(steps) == number:
            os.kill(os.getpid(), signal.SIGKILL)

    def before_statement(execute, sql, *others):
        if not connection.in_atomic_block and not sql.lstrip("( ").upper().startswith(READING):
            step()
        return execute(sql, *others)

    def before(do):
        def done(*arguments, **options):
            step()
            return do(*arguments, **options)

        return done

    def notice(event, arguments):
        if event in FILES or event == "socket.connect" or _writes(event, arguments):
            step()

    connection.ensure_connection()
    connection.execute_wrappers.append(before_statement)
    connection._commit = before(connection._commit)
    for kind in (redis.connection.AbstractConnection, redis.connection.Connection):
        if "send_packed_command" in vars(kind):
            kind.send_packed_command = before(kind.send_packed_command)
    sys.addaudithook(notice)


def _writes(event, arguments):
    if event != "open" or not isinstance(arguments[0], (str, bytes, Path)):
        return False
    return bool((arguments[2] or 0) & WRITING) and os.fspath(arguments[0]) != os.devnull
