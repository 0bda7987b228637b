"""What Prometheus reads: ``/metrics``.

Whatever worker is asked answers for all of this machine's:

1. each worker writes what it has counted since its start into a file of its own, in a folder that
   the server empties when it starts, as often as it flushes its statistics;
2. the one that is asked writes its own and adds all files. A worker that ended has left its file,
   so no sum ever shrinks while the server runs.

prometheus-client's own way, a memory-mapped file for each worker and metric, would write two or
three of them at each request, which is more than all that the fast path may cost; and a household
with one worker needs no files at all. What is in the database (devices, jobs, mail) is the same on
every machine, so a rule takes the ``max`` of it, not the ``sum``.
"""

import hmac
import json
import secrets
import threading
from collections import Counter
from collections.abc import Iterator
from ipaddress import ip_address
from itertools import accumulate
from pathlib import Path

from django.conf import settings
from django.db.models import Min
from django.http import HttpRequest
from django.utils import timezone
from prometheus_client import CONTENT_TYPE_LATEST, CollectorRegistry, generate_latest
from prometheus_client.core import (
    CounterMetricFamily,
    GaugeMetricFamily,
    HistogramMetricFamily,
    Metric,
)

from accounts import client
from accounts.models import OutgoingMail
from devices.models import PairingSession
from operations import figures, health, scheduler, statistics
from operations.models import JobRun, Lease
from operations.statistics import EARLY, STEPS, UPSTREAM, Key, Tallies, Tally

CONTENT_TYPE = CONTENT_TYPE_LATEST
Labels = tuple[str, ...]
Values = dict[Labels, float]
Sums = Counter[Labels]

_publishing = threading.Lock()
_own_name = f"{secrets.token_hex(8)}.json"


def may_read(request: HttpRequest) -> bool:
    """Tell whether the client has the token, or one of the addresses, that may read metrics."""
    token = request.headers.get("Authorization", "").removeprefix("Bearer ").strip()
    if settings.METRICS_TOKEN and hmac.compare_digest(
        token.encode(), settings.METRICS_TOKEN.encode()
    ):
        return True
    if not settings.PROXIES and "X-Forwarded-For" in request.headers:
        return False  # a proxy that the settings know nothing of: its address is not the client's
    address = client.address(request)
    return address is not None and any(
        ip_address(address) in network for network in settings.METRICS_ADDRESSES
    )


def render() -> bytes:
    """Return all metrics in Prometheus' text format."""
    registry = CollectorRegistry(auto_describe=False)
    registry.register(Collector())
    return generate_latest(registry)


class Collector:
    """Makes metrics of what is known at the moment."""

    def collect(self) -> Iterator[Metric]:
        yield from _of_calls(gather())
        down = health.down()
        answers: Values = {(what,): int(what not in down) for what in ("database", "cache")}
        yield _gauge("up", "Whether it answers.", ["what"], answers)
        if "database" not in down:
            yield from _of_database()


def publish() -> None:
    """Let the other workers know what this one counted."""
    if settings.WORKERS == 1:
        return
    path = Path(settings.METRICS_DIR) / _own_name
    draft = path.with_suffix(".draft")
    with _publishing:
        counted = statistics.counter.since_start()
        path.parent.mkdir(parents=True, exist_ok=True)
        draft.write_text(json.dumps([[*key, *_values(tally)] for key, tally in counted.items()]))
        draft.replace(path)


def gather() -> Tallies:
    """Return what all workers of this server counted since they started.

    From the files alone, this one's written just now: so whichever is asked next, it answers no
    less, and Prometheus takes a sum that shrinks for a server that started anew.
    """
    if settings.WORKERS == 1:
        return statistics.counter.since_start()
    publish()
    tallies: Tallies = {}
    for path in Path(settings.METRICS_DIR).glob("*.json"):
        statistics.add(tallies, _read(path))
    return tallies


def _read(path: Path) -> Iterator[tuple[Key, Tally]]:
    try:
        rows = json.loads(path.read_text())
    except FileNotFoundError:  # the server starts anew at this moment
        return
    for day, kind, route, method, status, *values in rows:
        yield Key(day, kind, route, method, status), Tally(*values)


def _values(tally: Tally) -> list[object]:
    return [tally.count, tally.seconds, tally.highest, tally.steps]


def _of_calls(tallies: Tallies) -> Iterator[Metric]:
    requests: Sums = Counter()
    fast: Sums = Counter()
    pairing: Sums = Counter()
    upstream: Sums = Counter()
    seconds: dict[Labels, Tally] = {}
    upstream_seconds: dict[Labels, Tally] = {}
    for key, tally in tallies.items():
        status = str(key.status)
        if key.kind == UPSTREAM:
            upstream[key.route, status] += tally.count
            upstream_seconds.setdefault((key.route,), Tally()).add(tally)
            continue
        route = (statistics.api_of(key), key.route, key.method)
        requests[*route, status] += tally.count
        seconds.setdefault(route, Tally()).add(tally)
        if key.kind == EARLY:
            fast[status,] += tally.count
        if step := statistics.PAIRING.get((key.route, key.method, key.status)):
            pairing[step,] += tally.count
    route_labels = ["api", "route", "method"]
    yield _counter("requests", "Requests.", [*route_labels, "status"], requests)
    yield _histogram("request_seconds", "Seconds that requests took.", route_labels, seconds)
    yield _counter("fast_path", "Requests that Redis answered.", ["status"], fast)
    yield _counter("pairing", "Codes issued, claimed and activated.", ["step"], pairing)
    yield _counter("upstream_calls", "Calls of services.", ["service", "status"], upstream)
    yield _histogram("upstream_seconds", "Seconds they took.", ["service"], upstream_seconds)


def _of_database() -> Iterator[Metric]:
    fleet = figures.fleet()
    yield _gauge("devices", "Devices by status.", ["status"], _labelled(fleet.statuses))
    yield _gauge("devices_dropped", "Heard of today, but not lately.", [], {(): fleet.dropped})
    yield _gauge("accounts", "Accounts by membership.", ["membership"], _labelled(fleet.accounts))
    if fleet.counted_at:
        counted: Values = {(): fleet.counted_at.timestamp()}
        yield _gauge("fleet_counted_timestamp_seconds", "When they were counted.", [], counted)
    waiting = PairingSession.objects.live().filter(device=None).count()
    yield _gauge("pairing_codes_waiting", "Codes that nobody claimed yet.", [], {(): waiting})
    yield from _of_jobs()
    yield from _of_mail()


def _of_jobs() -> Iterator[Metric]:
    successes: Values = {}
    failures: Values = {}
    for job in scheduler.schedule():
        runs = JobRun.objects.filter(name=job.command)
        if success := runs.filter(succeeded=True).first():
            successes[job.command,] = success.started_at.timestamp()
        last = runs.filter(ended_at__isnull=False).first()
        failures[job.command,] = int(last is not None and not last.succeeded)
    name = "job_last_success_timestamp_seconds"
    yield _gauge(name, "When a job last began to succeed.", ["job"], successes)
    yield _gauge("job_last_run_failed", "Whether its last run failed.", ["job"], failures)
    is_alive = Lease.objects.filter(name=Lease.SCHEDULER, expires_at__gt=timezone.now()).exists()
    yield _gauge("scheduler_up", "Whether anybody runs jobs.", [], {(): int(is_alive)})


def _of_mail() -> Iterator[Metric]:
    unsent = OutgoingMail.objects.filter(sent_at=None)
    waiting = unsent.filter(next_attempt_at__isnull=False)
    counts: Values = {("waiting",): waiting.count()}
    counts["given up",] = unsent.filter(next_attempt_at=None).count()
    yield _gauge("mail", "Mails that are not sent.", ["state"], counts)
    oldest = waiting.aggregate(at=Min("created_at"))["at"]
    age = (timezone.now() - oldest).total_seconds() if oldest else 0.0
    yield _gauge("mail_oldest_waiting_seconds", "How long one waits.", [], {(): age})


def _labelled(counts: dict[str, int]) -> Values:
    return {(key,): count for key, count in counts.items()}


def _counter(name: str, text: str, labels: list[str], counts: Sums) -> Metric:
    metric = CounterMetricFamily(f"selene_{name}", text, labels=labels)
    for values, count in sorted(counts.items()):
        metric.add_metric(values, count)
    return metric


def _gauge(name: str, text: str, labels: list[str], values: Values) -> Metric:
    metric = GaugeMetricFamily(f"selene_{name}", text, labels=labels)
    for label_values, value in values.items():
        metric.add_metric(label_values, value)
    return metric


def _histogram(name: str, text: str, labels: list[str], tallies: dict[Labels, Tally]) -> Metric:
    metric = HistogramMetricFamily(f"selene_{name}", text, labels=labels)
    ends = [*map(str, STEPS), "+Inf"]
    for values, tally in sorted(tallies.items(), key=lambda row: row[0]):
        steps = zip(ends, accumulate(tally.steps), strict=True)
        metric.add_metric(values, list(steps), tally.seconds)
    return metric
