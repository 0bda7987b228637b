"""gunicorn's settings, the same for a household and a fleet.

The master also keeps the jobs' scheduler running. It starts again if it dies, and it ends when the
master does, however that ends: its standard input is a pipe that only the master holds open.
"""

import shutil
import signal
import subprocess
import sys
from pathlib import Path

from gunicorn.arbiter import Arbiter
from gunicorn.workers.base import Worker

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

from selene_project import settings  # noqa: E402

wsgi_app = "selene_project.wsgi:application"
chdir = str(ROOT)
_host = f"[{settings.BIND.strip('[]')}]" if ":" in settings.BIND else settings.BIND
bind = f"{_host}:{settings.PORT}"
backlog = 2048

# Threads, since calls wait for speech engines and weather services.
worker_class = "selene_project.worker.Worker"
workers = settings.WORKERS
threads = settings.THREADS
worker_connections = 1000
keepalive = 5
sendfile = False  # it would pass by the worker's limit for slow readers
graceful_timeout = settings.STOP_SECONDS + int(settings.DRAIN_SECONDS + 0.99)
timeout = 60

limit_request_line = 8190
limit_request_fields = 64
limit_request_field_size = 8190
# Whether a proxy says https is for SECURE_PROXY_SSL_HEADER to judge, not for gunicorn.
secure_scheme_headers: dict[str, str] = {}
forwarded_allow_ips = ""

control_socket_disable = True
accesslog = None
logger_class = "selene_project.worker.QuietLogger"
# Its own lines tell of every start and stop; only trouble is worth one.
_quiet = {"gunicorn.error": {"level": "WARNING", "propagate": True, "handlers": []}}
logconfig_dict = settings.LOGGING | {"loggers": settings.LOGGERS | _quiet}


class _Scheduler:
    """The process of ``manage.py run_jobs``.

    A timer of this process looks after it, not a thread: forking a worker while a thread starts a
    process would hand the worker that process's pipes.
    """

    CHECK_EVERY = 10.0  # seconds
    PATIENCE = 3.0

    def __init__(self) -> None:
        self._start()
        signal.signal(signal.SIGALRM, self._start_again_if_ended)
        signal.setitimer(signal.ITIMER_REAL, self.CHECK_EVERY, self.CHECK_EVERY)

    def _start(self) -> None:
        command = [sys.executable, "manage.py", "run_jobs", "--with-parent"]
        self._process = subprocess.Popen(command, cwd=ROOT, stdin=subprocess.PIPE)  # noqa: S603

    def _start_again_if_ended(self, *signal_and_frame: object) -> None:
        if self._process.poll() is not None:
            self.let_go()
            self._start()

    def let_go(self) -> None:
        """Close our end of the pipe; a forked worker does, so that the master's alone counts."""
        if self._process.stdin:
            self._process.stdin.close()

    def stop(self) -> None:
        signal.setitimer(signal.ITIMER_REAL, 0)
        self._process.terminate()
        try:
            self._process.wait(self.PATIENCE)
        except subprocess.TimeoutExpired:
            self._process.kill()


# The hooks keep the scheduler on the server, since SIGHUP reads this file anew.
def when_ready(server: Arbiter) -> None:
    # manage.py serve held Ctrl-C back until somebody here could act on it.
    signal.pthread_sigmask(signal.SIG_UNBLOCK, (signal.SIGINT, signal.SIGTERM))
    server.scheduler = _Scheduler() if settings.RUN_JOBS else None
    shutil.rmtree(settings.METRICS_DIR, ignore_errors=True)  # of an earlier server's workers


def post_fork(server: Arbiter, worker: Worker) -> None:
    if server.scheduler:
        server.scheduler.let_go()


def post_worker_init(worker: Worker) -> None:
    # Ctrl-C reaches all of us; the master tells the workers. Told twice at once, one can hang.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    # Not at the top: Django is not set up there yet.
    from operations import metrics, statistics

    worker.statistics = statistics.Flusher(and_then=metrics.publish)
    worker.statistics.start()


def worker_exit(server: Arbiter, worker: Worker) -> None:
    if statistics := getattr(worker, "statistics", None):  # the master's copy has none
        statistics.stop()


def on_exit(server: Arbiter) -> None:
    if server.scheduler:
        server.scheduler.stop()
