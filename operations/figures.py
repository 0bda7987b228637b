"""The figures that the dashboard and the daily report show.

Every function reads sums that jobs and counters have kept, or a bounded number of rows; none gets
slower with the fleet.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta

from django.db.models import Count, Max, Min, Q, QuerySet, Sum
from django.utils import timezone

from accounts.models import (
    Account,
    AccountActivity,
    OutgoingMail,
    SecurityEvent,
    SecurityEventKind,
    Subscription,
)
from devices.models import SttEngineDay
from geography.models import City, Country
from operations import fleet as fleet_counts
from operations import scheduler, statistics
from operations.models import ApiCallDay, FleetCount, FleetKind, JobRun

LONGEST = timedelta(days=731)  # of a period
ROUTES = 200
CONCERNS = 20  # of a kind
MAIL_PATIENCE = timedelta(minutes=30)
FAILING_SHARE = 0.1  # of the calls of an outside service
DROPPED_SHARE = 0.02  # of all devices


@dataclass(frozen=True)
class Place:
    """Devices within a degree of latitude and longitude."""

    latitude: int
    longitude: int
    devices: int


@dataclass
class Fleet:
    """The devices as they were counted last on a day, the commonest first."""

    day: date
    counted_at: datetime | None = None
    statuses: dict[str, int] = field(default_factory=dict)
    dropped: int = 0
    platforms: dict[str, int] = field(default_factory=dict)
    core_versions: dict[str, int] = field(default_factory=dict)
    voices: dict[str, int] = field(default_factory=dict)
    wake_words: dict[str, int] = field(default_factory=dict)
    countries: dict[str, int] = field(default_factory=dict)
    cities: dict[str, int] = field(default_factory=dict)
    skills: dict[str, int] = field(default_factory=dict)
    places: list[Place] = field(default_factory=list)
    accounts: dict[str, int] = field(default_factory=dict)

    @property
    def total(self) -> int:
        return sum(self.statuses.values())


@dataclass(frozen=True)
class Memberships:
    """How many accounts there were at the end of a day, and what they paid."""

    day: date
    accounts: int
    monthly: int
    yearly: int

    @property
    def free(self) -> int:
        return max(0, self.accounts - self.monthly - self.yearly)


@dataclass(frozen=True)
class Route:
    """The calls of a route in a period."""

    api: str
    route: str
    method: str
    count: int
    refused: int  # 4xx
    failed: int  # 5xx
    total_seconds: float
    highest_seconds: float

    @property
    def mean_seconds(self) -> float:
        return self.total_seconds / self.count if self.count else 0.0

    @property
    def failed_percent(self) -> float:
        return 100 * self.failed / self.count if self.count else 0.0


@dataclass(frozen=True)
class Concern:
    """Something that an operator should look at."""

    kind: str  # job, mail, devices, lockout, upstream, scheduler
    text: str
    count: int = 1
    since: datetime | None = None
    subject: str = ""  # the name of the job, or of the service


def fleet(day: date | None = None) -> Fleet:
    """Return the devices as they were last counted on ``day`` (default: today) or before."""
    day = day or timezone.now().date()
    counted = FleetCount.objects.filter(day__lte=day, kind=FleetKind.STATUS).order_by("-day")
    last = counted.values_list("day", flat=True).first()
    if last is None:
        return Fleet(day)
    kinds: dict[str, dict[str, int]] = {kind: {} for kind in FleetKind.values}
    rows = FleetCount.objects.filter(day=last).order_by("kind", "-count", "key")
    for row in rows:
        kinds[row.kind][row.key] = row.count
    return Fleet(
        day=last,
        counted_at=max(row.counted_at for row in rows),
        statuses=kinds[FleetKind.STATUS],
        dropped=kinds[FleetKind.TROUBLE].get(fleet_counts.DROPPED, 0),
        platforms=kinds[FleetKind.PLATFORM],
        core_versions=kinds[FleetKind.CORE_VERSION],
        voices=kinds[FleetKind.VOICE],
        wake_words=kinds[FleetKind.WAKE_WORD],
        countries=_named(kinds[FleetKind.COUNTRY], Country.objects.all(), "iso_code"),
        cities=_named(kinds[FleetKind.CITY], City.objects.all(), "pk"),
        skills=kinds[FleetKind.SKILL],
        places=[_place(key, devices) for key, devices in kinds[FleetKind.CELL].items()],
        accounts=kinds[FleetKind.ACCOUNTS],
    )


def fleet_days(since: date, until: date) -> dict[date, dict[str, int]]:
    """Return, by day, how many devices had which status."""
    rows = FleetCount.objects.filter(kind=FleetKind.STATUS, day__range=_period(since, until))
    days: dict[date, dict[str, int]] = {}
    for row in rows.order_by("day", "key"):
        days.setdefault(row.day, {})[row.key] = row.count
    return days


def accounts(since: date, until: date) -> list[AccountActivity]:
    """Return the counts of each day; on a day on which nothing happened the totals stay."""
    since, until = _period(since, until)
    last = AccountActivity.objects.filter(day__lt=since).order_by("-day").first()
    known = {row.day: row for row in AccountActivity.objects.filter(day__range=(since, until))}
    days = []
    for day in _days(since, until):
        if row := known.get(day):
            last = row
        elif last:
            row = AccountActivity(
                day=day,
                accounts=last.accounts,
                members=last.members,
                open_dataset=last.open_dataset,
            )
        if row:
            days.append(row)
    return days


def memberships(day: date) -> Memberships | None:
    """Return the accounts at the end of ``day``; None from before there were any counts."""
    if day >= timezone.now().date():
        total = Account.objects.count()
    else:
        rows = AccountActivity.objects.filter(day__lte=day).order_by("-day")
        if (row := rows.first()) is None:
            return None
        total = row.accounts
    next_day = datetime.combine(day + timedelta(days=1), datetime.min.time(), timezone.now().tzinfo)
    paid = Subscription.objects.filter(started_at__lt=next_day)
    paid = paid.filter(Q(ended_at=None) | Q(ended_at__gte=next_day))
    grouped = paid.order_by().values_list("membership__rate_period")
    by_period = dict(grouped.annotate(Count("account", distinct=True)))
    return Memberships(day, total, by_period.get("month", 0), by_period.get("year", 0))


def speech(since: date, until: date) -> list[SttEngineDay]:
    """Return what each engine did on each day."""
    rows = SttEngineDay.objects.filter(day__range=_period(since, until))
    return list(rows.order_by("day", "engine"))


def api_days(since: date, until: date) -> list[tuple[date, int, int]]:
    """Return each day's calls of us, and how many of them failed (5xx)."""
    rows = _calls(since, until).exclude(api=statistics.UPSTREAM).order_by("day").values("day")
    return list(
        rows.annotate(
            calls=Sum("count"), failed=Sum("count", filter=Q(status__gte=500), default=0)
        ).values_list("day", "calls", "failed")
    )


def api(since: date, until: date) -> list[Route]:
    """Return the routes that were called, the most called first."""
    return _routes(_calls(since, until).exclude(api=statistics.UPSTREAM))


def upstream(since: date, until: date) -> list[Route]:
    """Return the outside services that were called."""
    return _routes(_calls(since, until).filter(api=statistics.UPSTREAM))


def pairing(since: date, until: date) -> dict[str, int]:
    """Return how many codes were issued, claimed and activated."""
    steps = dict.fromkeys(statistics.PAIRING.values(), 0)
    for (route, method, status), step in statistics.PAIRING.items():
        calls = _calls(since, until).filter(route=route, method=method, status=status)
        steps[step] += calls.aggregate(n=Sum("count", default=0))["n"]
    return steps


def attention() -> list[Concern]:
    """Return what an operator should look at, the worst first."""
    return [*_jobs(), *_mails(), *_upstreams(), *_dropped(), *_lockouts()]


def _jobs() -> Iterator[Concern]:
    """Yield jobs whose last run failed, or died."""
    now = timezone.now()
    names = JobRun.objects.filter(started_at__gt=now - timedelta(days=30))
    for name in sorted(set(names.order_by().values_list("name", flat=True).distinct()))[:CONCERNS]:
        run = JobRun.objects.filter(name=name).order_by("-started_at").first()
        if run is None:
            continue
        if run.succeeded is False:
            yield Concern("job", f"{name} failed: {run.output}", 1, run.started_at, name)
        elif run.ended_at is None and run.started_at < now - scheduler.JOB_LIMIT:
            yield Concern("job", f"{name} did not come to an end", 1, run.started_at, name)


def _mails() -> Iterator[Concern]:
    unsent = OutgoingMail.objects.filter(sent_at=None)
    given_up = unsent.filter(next_attempt_at=None)
    late = unsent.filter(
        next_attempt_at__isnull=False, created_at__lt=timezone.now() - MAIL_PATIENCE
    )
    for rows, what in ((given_up, "mails could not be delivered"), (late, "mails wait")):
        if count := rows.count():
            since = rows.aggregate(at=Min("created_at"))["at"]
            yield Concern("mail", what, count, since)


def _upstreams() -> Iterator[Concern]:
    today = timezone.now().date()
    for service in upstream(today, today)[:CONCERNS]:
        if service.failed > FAILING_SHARE * service.count:
            text = f"{service.route} failed in {service.failed} of {service.count} calls today"
            yield Concern("upstream", text, service.failed, subject=service.route)


def _dropped() -> Iterator[Concern]:
    """Yield devices that dropped off, if they are more than people unplug on any day."""
    counted = FleetCount.objects.filter(day=timezone.now().date())
    dropped = counted.filter(kind=FleetKind.TROUBLE, key=fleet_counts.DROPPED).first()
    devices = counted.filter(kind=FleetKind.STATUS).aggregate(n=Sum("count", default=0))["n"]
    if dropped and dropped.count > DROPPED_SHARE * devices:
        text = "devices were heard of in the last day but not in the last minutes"
        yield Concern("devices", text, dropped.count)


def _lockouts() -> Iterator[Concern]:
    since = timezone.now() - timedelta(days=1)
    count = SecurityEvent.objects.filter(
        kind=SecurityEventKind.LOCKED_OUT, happened_at__gte=since
    ).count()
    if count:
        yield Concern("lockout", "lockouts after failed logins in the last day", count, since)


def _calls(since: date, until: date) -> QuerySet[ApiCallDay]:
    return ApiCallDay.objects.filter(day__range=_period(since, until))


def _routes(calls: QuerySet[ApiCallDay]) -> list[Route]:
    rows = calls.order_by().values("api", "route", "method")
    rows = rows.annotate(
        calls=Sum("count"),
        refused=Sum("count", filter=Q(status__gte=400, status__lt=500), default=0),
        failed=Sum("count", filter=Q(status__gte=500), default=0),
        seconds=Sum("total_seconds"),
        highest=Max("highest_seconds"),
    ).order_by("-calls", "route", "method")
    names = ("api", "route", "method", "calls", "refused", "failed", "seconds", "highest")
    return [Route(*values) for values in rows.values_list(*names)[:ROUTES]]


def _named(counts: dict[str, int], rows: QuerySet, key: str) -> dict[str, int]:
    """Return ``counts`` by the names of the rows that the keys stand for."""
    keys = [each for each in counts if each != fleet_counts.OTHER]
    names = {
        str(k): name for k, name in rows.filter(**{f"{key}__in": keys}).values_list(key, "name")
    }
    named: dict[str, int] = {}
    for each, count in counts.items():
        name = names.get(each, fleet_counts.OTHER)
        named[name] = named.get(name, 0) + count
    return named


def _place(cell: str, devices: int) -> Place:
    latitude, longitude = cell.split(",")
    return Place(int(latitude), int(longitude), devices)


def _period(since: date, until: date) -> tuple[date, date]:
    return max(since, until - LONGEST), until


def _days(since: date, until: date) -> Iterator[date]:
    for number in range((until - since).days + 1):
        yield since + timedelta(days=number)
