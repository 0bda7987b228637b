"""The processes in which engines run: as many as sounds are worked on at once, each kept."""

import atexit
import subprocess
import sys
import threading
import time
from multiprocessing import Pipe

from django.conf import settings

from accounts.upstream import http

SERVICE = "speech engine"
LOADING_LIMIT = 600.0  # seconds; a first start may download a model


class NotLoaded(Exception):
    """The engine could not load its model; its own words are on standard error."""


class UnknownLanguage(Exception):
    """The engine, with its model, does not know the language."""


class _Engine:
    """A process with a loaded model."""

    def __init__(self, name: str, model: str) -> None:
        self.identity = (name, model)
        self._is_loaded = self._is_broken = False
        self._started_at = time.monotonic()
        self._connection, theirs = Pipe()
        with theirs:
            self._process = subprocess.Popen(  # noqa: S603
                [sys.executable, "-m", "devices.stt.process", str(theirs.fileno()), name, model],
                cwd=settings.BASE_DIR,
                stdin=subprocess.DEVNULL,
                pass_fds=[theirs.fileno()],
                process_group=0,  # Ctrl-C is for the server, which closes the connection
            )

    @property
    def is_usable(self) -> bool:
        is_loading_well = time.monotonic() - self._started_at < LOADING_LIMIT
        is_running = not self._is_broken and self._process.poll() is None
        return is_running and (self._is_loaded or is_loading_well)

    def recognise(self, samples: bytes, language: str, seconds: float) -> str | None:
        """Return what is said in ``samples``.

        Raises:
            NotLoaded: there is no model.
            UnknownLanguage: of another language there is one.
            http.Unavailable: the engine failed, or took longer than ``seconds``; one that is still
                loading goes on with that.
        """
        deadline = time.monotonic() + seconds
        try:
            self._await_model(seconds)
            kind, text = self._ask((samples, language), deadline - time.monotonic())
        except (EOFError, OSError) as error:
            self._is_broken = True
            is_late = time.monotonic() >= deadline
            raise http.Unavailable(SERVICE, timed_out=is_late) from error
        if kind == "unknown language":
            raise UnknownLanguage
        if kind == "failed":
            raise http.Unavailable(SERVICE)
        return text

    def close(self) -> None:
        """End the process."""
        self._connection.close()
        self._process.kill()
        self._process.wait()

    def _await_model(self, seconds: float) -> None:
        if self._is_loaded:
            return
        if not self._connection.poll(seconds):
            raise http.Unavailable(SERVICE, timed_out=True)
        kind, _ = self._connection.recv()
        if kind == "failed":
            self._is_broken = True
            raise NotLoaded
        self._is_loaded = True

    def _ask(self, question: tuple[bytes, str], seconds: float) -> tuple[str, str | None]:
        """Send and receive; neither waits longer, since both end when the process does."""
        limit = threading.Timer(max(0.0, seconds), self._process.kill)
        limit.start()
        try:
            self._connection.send(question)
            return self._connection.recv()
        finally:
            limit.cancel()


_idle: list[_Engine] = []
_lock = threading.Lock()


def recognise(engine: str, model: str, samples: bytes, language: str) -> str | None:
    """Return what ``engine`` hears in ``samples``, None for nothing.

    How many do this at once is for the caller to limit: there will be as many processes.

    Raises:
        NotLoaded: the engine has no model.
        UnknownLanguage: it has none of this language.
        http.Unavailable: it failed, or took longer than a device waits.
    """
    process = _take((engine, model)) or _Engine(engine, model)
    try:
        return process.recognise(samples, language, settings.UPSTREAM_READ_SECONDS)
    finally:
        _put_back(process)


def _take(identity: tuple[str, str]) -> _Engine | None:
    """Return a process with this engine and model, if one is idle; end those of others."""
    with _lock:
        idle, _idle[:] = list(_idle), []
        good = [one for one in idle if one.identity == identity and one.is_usable]
        _idle[:] = good[:-1]
    for one in idle:
        if one not in good:
            one.close()
    return good[-1] if good else None


def _put_back(process: _Engine) -> None:
    if not process.is_usable:
        process.close()
        return
    with _lock:
        _idle.append(process)


@atexit.register
def close() -> None:
    """End all idle processes."""
    with _lock:
        idle, _idle[:] = list(_idle), []
    for process in idle:
        process.close()
