"""Whether what this server depends on answers."""

import logging
import threading
import time
from collections.abc import Callable

from django.conf import settings
from django.db import connection
from django_redis import get_redis_connection

from operations.models import JobRun

TIME_LIMIT = 2.0  # seconds

logger = logging.getLogger(__name__)


class Try(threading.Thread):
    """One go at something, in a thread that may hang while we go on."""

    def __init__(self, name: str, go: Callable[[], None]) -> None:
        super().__init__(daemon=True)
        self._what, self._go = name, go
        self.has_succeeded = False

    def run(self) -> None:
        try:
            self._go()
            self.has_succeeded = True
        except Exception as error:
            # Its text may name hosts and users.
            logger.warning("%s does not answer: %s", self._what, type(error).__name__)


class Probe:
    """Something that should answer; at most one try of it at a time hangs."""

    def __init__(self, name: str, go: Callable[[], None]) -> None:
        self.name, self._go = name, go
        self._lock = threading.Lock()
        self._last: Try | None = None

    def start(self) -> Try:
        """Begin to try it out, or join the try that is under way."""
        with self._lock:
            if self._last is None or not self._last.is_alive():
                self._last = Try(self.name, self._go)
                self._last.start()
            return self._last


def _try_database() -> None:
    try:
        JobRun.objects.exists()
    finally:
        connection.close()  # this thread's own


def _try_cache() -> None:
    get_redis_connection("default").ping()


_DATABASE = Probe("database", _try_database)
_CACHE = Probe("cache", _try_cache)


def down() -> list[str]:
    """Return the names of what does not answer within ``TIME_LIMIT``."""
    probes = [_DATABASE, _CACHE] if settings.REDIS_URL else [_DATABASE]
    deadline = time.monotonic() + TIME_LIMIT
    tries = [probe.start() for probe in probes]
    for each in tries:
        each.join(max(0.0, deadline - time.monotonic()))
    return [probe.name for probe, each in zip(probes, tries, strict=True) if not each.has_succeeded]
