"""The real server as a process of its own, for tests that kill, hang and restart it."""

import contextlib
import fcntl
import os
import secrets
import shutil
import signal
import socket
import subprocess
import sys
import urllib.error
import urllib.request
from pathlib import Path

from tools import services

ROOT = Path(__file__).resolve().parent.parent
START_LIMIT = 120.0  # seconds; a first start loads the reference data
STOP_LIMIT = 30.0
PREPARED = "live_prepared"


class LiveServer:
    """``manage.py serve`` on a free port, with a database that nobody else uses.

    As a household's, its SQLite is in ``data_dir``; as a fleet's (two workers), it has a database
    in the run's PostgreSQL and a Redis of its own, ``redis``, to stop, hang, flush and start again.

    Database and data folder begin as a copy of those of the server called ``template``, which must
    not be running; without one, as nothing.
    """

    def __init__(
        self,
        run_folder: Path,
        *,
        is_fleet: bool,
        name: str = "",
        template: str = "",
        **environment: str,
    ) -> None:
        self._run_folder = run_folder
        self._name = name or f"live_{secrets.token_hex(4)}"
        self.data_dir = run_folder / self._name
        if template:
            no_redis = shutil.ignore_patterns("redis")
            shutil.copytree(run_folder / template, self.data_dir, ignore=no_redis)
        else:
            self.data_dir.mkdir()
        self.port = free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        self.redis: services.Redis | None = None
        self.environment = self._base_environment()
        if is_fleet:
            self.environment |= self._make_services(template or "template1")
        self.environment |= environment
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        """Start the server, for the first time or again, and wait until it is ready."""
        command = [sys.executable, "manage.py", "serve"]
        with (self.data_dir / "output").open("ab") as output:
            self._process = subprocess.Popen(
                command,
                cwd=ROOT,
                env=self.environment,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=output,
                start_new_session=True,
            )
        self._note = services.note_running(self._run_folder, "KILL", -self._process.pid)
        services.wait_until(
            self._is_ready, what=f"no server at {self.url}: {self.output()}", limit=START_LIMIT
        )

    @property
    def process_id(self) -> int:
        """The leader of the server's processes, which are a session of their own."""
        assert self._process is not None
        return self._process.pid

    def kill(self) -> None:
        """End all its processes at once, as a power cut would."""
        self._signal_all(signal.SIGKILL)
        self._ended()

    def interrupt(self) -> int:
        """Press Ctrl-C; return the exit status once all is down."""
        self._signal_all(signal.SIGINT)
        return self._ended()

    def terminate(self) -> int:
        """Ask it to end, as systemd and Docker do; return the exit status."""
        assert self._process is not None
        self._process.terminate()
        return self._ended()

    def manage(self, *arguments: str) -> str:
        """Run a command of manage.py beside the server; return what it printed."""
        done = subprocess.run(
            [sys.executable, "manage.py", *arguments],
            cwd=ROOT,
            env=self.environment,
            capture_output=True,
            text=True,
        )
        if done.returncode:
            raise RuntimeError(f"manage.py {' '.join(arguments)}: {done.stdout}{done.stderr}")
        return done.stdout

    def output(self) -> str:
        """Return all that the server has printed since its first start."""
        return (self.data_dir / "output").read_text(errors="replace")

    def close(self) -> None:
        """End the server and what belongs to it. May be called twice."""
        if self._process is not None:
            self.kill()
        if self.redis is not None:
            self.redis.stop()
            services.administer(
                self._run_folder / "postgresql",
                f"DROP DATABASE IF EXISTS {self._name} WITH (FORCE)",
            )

    def _base_environment(self) -> dict[str, str]:
        ours = {"DATABASE_URL", "REDIS_URL", "SELENE_DATA_DIR"}
        return {name: value for name, value in os.environ.items() if name not in ours} | {
            "PORT": str(self.port),
            "SELENE_BIND": "127.0.0.1",
            "SELENE_DATA_DIR": str(self.data_dir),
        }

    def _make_services(self, template: str) -> dict[str, str]:
        postgresql = self._run_folder / "postgresql"
        services.administer(postgresql, f"CREATE DATABASE {self._name} TEMPLATE {template}")
        self.redis = services.Redis(self._run_folder, self.data_dir / "redis")
        return {
            "DATABASE_URL": services.database_url(postgresql, self._name),
            "REDIS_URL": self.redis.url(),
            "SELENE_WORKERS": "2",
        }

    def _is_ready(self) -> bool:
        assert self._process is not None
        if self._process.poll() is not None:
            raise RuntimeError(f"the server ended: {self.output()}")
        try:
            with urllib.request.urlopen(f"{self.url}/readyz", timeout=5):
                return True
        except (urllib.error.URLError, OSError):
            return False

    def _signal_all(self, number: signal.Signals) -> None:
        assert self._process is not None
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self._process.pid, number)

    def _ended(self) -> int:
        assert self._process is not None
        status = self._process.wait(STOP_LIMIT)
        self._note.unlink(missing_ok=True)
        return status


def prepared(run_folder: Path, *, is_fleet: bool) -> str:
    """Return the name of a server that was started once: a template that saves a first start.

    One for all processes of the run; the first that wants it makes it.
    """
    made = run_folder / f"{PREPARED}.made"
    with (run_folder / f"{PREPARED}.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not made.exists():
            server = LiveServer(
                run_folder, is_fleet=is_fleet, name=PREPARED, SELENE_RUN_JOBS="false"
            )
            server.start()
            server.terminate()
            if server.redis is not None:
                server.redis.stop()
            made.touch()
    return PREPARED


def free_port() -> int:
    """Return a port that nobody listens on at this moment."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
