"""How often what was called, how it was answered, how long that took; nothing about whom.

1. Each answered request, and each call of a service outside, adds to a count in this process's
   memory: a lock and a few additions, since a poll that Redis answers is a matter of microseconds.
2. Every ``FLUSH_EVERY`` seconds, and when the process is asked to end, a thread adds the counts to
   the rows of their day. Whatever number of processes do so, nothing is lost or counted twice;
   a process that is killed takes its last seconds with it.
3. What a process counted since its start stays in its memory, too: ``operations.metrics`` shows it.

Only patterns of paths are kept, never a path, which may hold an address or a code.
"""

import logging
import threading
import time
from bisect import bisect_left
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from functools import cache
from typing import NamedTuple

from django.conf import settings
from django.db import DatabaseError, connection, transaction
from django.db.models import F, Value
from django.db.models.functions import Greatest
from django.http import HttpRequest
from django.utils.module_loading import import_string

from operations.models import ApiCallDay

# Upper ends of the histogram's steps in seconds; the last step has none.
STEPS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0)
FLUSH_EVERY = 15.0  # seconds
DAY = 86_400
VIEW, EARLY, UPSTREAM = "view", "early", "upstream"
METHODS = {"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"}
DEVICE_PATH = len("/v1/device/") + 36  # characters before what follows a device's id
DEVICE_ROUTES = {
    ending: f"v1/device/<str:device_id>{ending}"
    for ending in ("", "/setting", "/location", "/skill", "/skill/settings")
}
BY_FAST_PATH = {200, 304, 401}  # nobody else says these before a view is asked
UNKNOWN, STATIC = "(no route)", "static"
# The calls that are steps of pairing; from the back office, an answer that leads on.
PAIRING = {
    ("v1/device/code", "GET", 200): "issued",
    ("api/devices", "POST", 204): "claimed",
    ("admin/devices/device/add/", "POST", 302): "claimed",
    ("v1/device/activate", "POST", 200): "activated",
}

logger = logging.getLogger(__name__)


class Key(NamedTuple):
    """What is counted apart."""

    day: int  # since 1970
    kind: str  # VIEW, EARLY (the fast path answered) or UPSTREAM
    route: str  # of an upstream: the service's name
    method: str
    status: int


@dataclass(slots=True)
class Tally:
    """Calls of one kind."""

    count: int = 0
    seconds: float = 0.0
    highest: float = 0.0
    steps: list[int] = field(default_factory=lambda: [0] * (len(STEPS) + 1))

    def add(self, other: "Tally") -> None:
        self.count += other.count
        self.seconds += other.seconds
        self.highest = max(self.highest, other.highest)
        self.steps = [one + two for one, two in zip(self.steps, other.steps, strict=True)]


Tallies = dict[Key, Tally]


class Counter:
    """The counts of one process."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._fresh: Tallies = {}
        self._unwritten: Tallies = {}  # a flush failed
        self._all: Tallies = {}  # without ``_fresh``

    def note(self, kind: str, route: str, method: str, status: int, seconds: float) -> None:
        """Count a call."""
        key = (int(time.time()) // DAY, kind, route, method, status)
        with self._lock:
            tally = self._fresh.get(key)  # type: ignore[call-overload]  # equal to its Key
            if tally is None:
                tally = self._fresh[Key(*key)] = Tally()
            tally.count += 1
            tally.seconds += seconds
            if seconds > tally.highest:
                tally.highest = seconds
            tally.steps[bisect_left(STEPS, seconds)] += 1

    def take(self) -> Tallies:
        """Return what was counted since the last time, and what was handed back."""
        with self._lock:
            taken, self._fresh = self._fresh, {}
            add(self._all, _without_days(taken))
            unwritten, self._unwritten = self._unwritten, {}
        add(unwritten, taken.items())
        return unwritten

    def hand_back(self, tallies: Tallies) -> None:
        """Have the next ``take`` return ``tallies`` again."""
        with self._lock:
            add(self._unwritten, tallies.items())

    def since_start(self) -> Tallies:
        """Return all that this process counted; days are put together."""
        with self._lock:
            tallies: Tallies = {}
            add(tallies, self._all.items())
            add(tallies, _without_days(self._fresh))
            return tallies


counter = Counter()


def add(tallies: Tallies, others: Iterable[tuple[Key, Tally]]) -> None:
    """Add ``others`` to ``tallies``, in place."""
    for key, tally in others:
        tallies.setdefault(key, Tally()).add(tally)


def _without_days(tallies: Tallies) -> Iterator[tuple[Key, Tally]]:
    return ((key._replace(day=0), tally) for key, tally in tallies.items())


def note_request(request: HttpRequest, status: int, seconds: float) -> None:
    """Count a request that was answered."""
    match = request.resolver_match
    method = request.method if request.method in METHODS else "OTHER"
    if match is not None:
        counter.note(VIEW, match.route, method, status, seconds)
    elif status in BY_FAST_PATH and request.path_info.startswith("/v1/device/"):
        note_early(request.path_info, status, seconds)
    else:
        is_static = request.path_info.startswith(settings.STATIC_URL)
        counter.note(VIEW, STATIC if is_static else UNKNOWN, method, status, seconds)


def note_early(path: str, status: int, seconds: float) -> None:
    """Count a device's GET that the fast path answered."""
    counter.note(EARLY, DEVICE_ROUTES.get(path[DEVICE_PATH:], UNKNOWN), "GET", status, seconds)


def note_upstream(service: str, status: int, seconds: float) -> None:
    """Count a call of a service outside; ``status`` is its answer's, or what we made of none."""
    counter.note(UPSTREAM, service, "CALL", status, seconds)


def flush() -> int:
    """Add what was counted to the rows of its day; return how many calls that were.

    Raises:
        DatabaseError: nothing was added; the next flush will.
    """
    taken = counter.take()
    try:
        if taken:
            write(taken)
    except DatabaseError:
        counter.hand_back(taken)
        raise
    return sum(tally.count for tally in taken.values())


def write(tallies: Mapping[Key, Tally]) -> None:
    """Add ``tallies`` to the rows of their days, all or none."""
    rows: dict[tuple[date, str, str, str, int], Tally] = {}
    for key, tally in tallies.items():
        day = datetime.fromtimestamp(key.day * DAY, UTC).date()
        place = (day, api_of(key), key.route[:200], key.method, key.status)
        rows.setdefault(place, Tally()).add(tally)
    with transaction.atomic():
        # In one order, so that two processes that write at once do not wait for each other.
        for place, tally in sorted(rows.items(), key=lambda row: row[0]):
            _write_row(place, tally)


def _write_row(place: tuple[date, str, str, str, int], tally: Tally) -> None:
    names = ("day", "api", "route", "method", "status")
    row = ApiCallDay.objects.filter(**dict(zip(names, place, strict=True)))
    sums = {
        "count": F("count") + tally.count,
        "total_seconds": F("total_seconds") + tally.seconds,
        "highest_seconds": Greatest(F("highest_seconds"), Value(tally.highest)),
    }
    if not row.update(**sums):
        empty = ApiCallDay(**dict(zip(names, place, strict=True)))
        ApiCallDay.objects.bulk_create([empty], ignore_conflicts=True)
        row.update(**sums)


def api_of(key: Key) -> str:
    """Return which of the APIs a route belongs to; the first that has it, as in the URLs."""
    if key.kind == UPSTREAM:
        return UPSTREAM
    first = key.route.partition("/")[0]
    if first == "api":
        return _account_routes().get(key.route, "account")
    return {"v1": "device", "admin": "admin"}.get(first, "pages")


@cache
def _account_routes() -> dict[str, str]:
    lists = import_string(f"{settings.ROOT_URLCONF}.ACCOUNT_APIS")
    routes: dict[str, str] = {}
    for api, parts in lists.items():
        for pattern in (pattern for part in parts for pattern in part):
            routes.setdefault(f"api/{pattern.pattern}", api)
    return routes


class Flusher(threading.Thread):
    """Flushes now and then, and once more when stopped; each time something follows."""

    def __init__(self, and_then: Callable[[], None]) -> None:
        super().__init__(name="statistics", daemon=True)
        self._and_then = and_then
        self._stop_asked = threading.Event()
        self._is_failing = False

    def run(self) -> None:
        while not self._stop_asked.wait(FLUSH_EVERY):
            self.flush()

    def flush(self) -> None:
        """Flush, and log, once, if the database is away."""
        try:
            flush()
            self._is_failing = False
        except DatabaseError as error:
            if not self._is_failing:
                logger.warning("statistics wait for the database: %s", type(error).__name__)
            self._is_failing = True
        finally:
            connection.close()  # this thread's own: kept, it would be one more in each process
        try:
            self._and_then()
        except OSError as error:
            logger.warning("metrics cannot be shared: %s", error.strerror)

    def stop(self) -> None:
        """End the thread; write what is left."""
        self._stop_asked.set()
        self.join(timeout=1)
        self.flush()
