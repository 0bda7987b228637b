"""The first page of the back office: what needs attention, then the installation in pictures.

All numbers are sums that jobs keep (``operations.figures``), so the page costs the same for ten
devices and for a million. Who may not look at the rows behind a picture does not see the picture.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any

from django.conf import settings
from django.http import HttpRequest
from django.urls import reverse
from django.utils import timezone

from devices.models import SttEngineDay
from operations import charts, figures
from operations.charts import Chart, Line
from operations.figures import Concern
from operations.models import Lease

PERIODS = (7, 30, 90, 365)  # days
USUAL = 30
DAILY_UP_TO = 92  # days; a longer period is shown by weeks
ROUTES = 12
STALE = timedelta(hours=1)  # counts of the fleet
STATUSES = {
    "connected": "connected",
    "disconnected": "disconnected",
    "dormant": "dormant",
    "never": "never heard of",
}
UPSTREAM_ROWS = "api__exact=upstream&q={subject}"
# Where one acts on a concern, and who may
PLACES = {
    "job": ("operations.view_jobrun", "operations_jobrun", "name__exact={subject}"),
    "mail": ("accounts.view_outgoingmail", "accounts_outgoingmail", "sent_at__isempty=1"),
    "upstream": ("operations.view_apicallday", "operations_apicallday", UPSTREAM_ROWS),
    "devices": ("devices.view_device", "devices_device", "status=disconnected"),
    "lockout": ("accounts.view_securityevent", "accounts_securityevent", "kind__exact=locked_out"),
    "scheduler": ("operations.view_jobrun", "operations_jobrun", ""),
}  # fmt: skip
SERVICES = {
    "Weather (OpenWeatherMap)": ["OWM_KEY"],
    "Answers (Wolfram Alpha)": ["WOLFRAM_ALPHA_KEY"],
    "Memberships (Stripe)": ["STRIPE_PRIVATE_KEY", "STRIPE_WEBHOOK_SECRET"],
    "Updates of images (Pantacor)": ["PANTACOR_API_TOKEN"],
    "Signing in with Google": ["GOOGLE_CLIENT_ID"],
    "Signing in with Facebook": ["FACEBOOK_APP_ID"],
    "Signing in with GitHub": ["GITHUB_CLIENT_ID"],
    "Daily report": ["REPORT_RECIPIENT"],
}


@dataclass(frozen=True)
class Item:
    """Something to look at, and where."""

    text: str
    count: int
    since: datetime | None
    link: str


@dataclass(frozen=True)
class Service:
    """Something that works once its settings are there."""

    name: str
    missing: list[str]


@dataclass(frozen=True)
class Period:
    days: int
    is_chosen: bool


def fill(request: HttpRequest, context: dict[str, Any]) -> dict[str, Any]:
    """Add the dashboard to ``context``; the setting ``UNFOLD`` names this function."""
    days = _chosen(request)
    until = timezone.now().date()
    since = until - timedelta(days=days - 1)
    parts: list[tuple[str, str, Callable[[], Any]]] = [
        ("fleet", "devices.view_device", _fleet),
        ("people", "accounts.view_accountactivity", lambda: _people(since, until)),
        ("speech", "devices.view_sttengineday", lambda: _speech(since, until)),
        ("api", "operations.view_apicallday", lambda: _api(since, until)),
        ("services", "operations.view_apicallday", _services),
    ]
    seen = {name: part() for name, right, part in parts if request.user.has_perm(right)}
    return context | {
        "title": "Dashboard",
        "periods": [Period(each, each == days) for each in PERIODS],
        "attention": list(_attention(request)),
        "dashboard": seen,
        "is_daily": days <= DAILY_UP_TO,
    }


def _chosen(request: HttpRequest) -> int:
    """Return the period asked for, in days; nonsense counts as the usual one."""
    asked = request.GET.get("days", "")
    return int(asked) if asked in map(str, PERIODS) else USUAL


def _attention(request: HttpRequest) -> Iterator[Item]:
    """Yield the concerns of who asks: those they can look into."""
    if not any(request.user.has_perm(right) for right, _, _ in PLACES.values()):
        return
    for concern in [*_scheduler(), *figures.attention()]:
        right, page, query = PLACES[concern.kind]
        if request.user.has_perm(right):
            link = f"{reverse(f'admin:{page}_changelist')}?{query.format(subject=concern.subject)}"
            yield Item(concern.text, concern.count, concern.since, link)


def _scheduler() -> Iterator[Concern]:
    """Yield that no job is run, which no job could report."""
    lease = Lease.objects.filter(name=Lease.SCHEDULER).first()
    ends_at = lease.expires_at if lease else None
    if ends_at is None or ends_at < timezone.now():
        yield Concern("scheduler", "no scheduler runs the jobs", since=ends_at)


def _fleet() -> dict[str, Any]:
    fleet = figures.fleet()
    named = {name: fleet.statuses.get(key, 0) for key, name in STATUSES.items()}
    dots = [charts.Dot(each.latitude, each.longitude, each.devices) for each in fleet.places]
    return {
        "total": fleet.total,
        "counted_at": fleet.counted_at,
        "is_stale": fleet.counted_at and fleet.counted_at < timezone.now() - STALE,
        "bars": {
            "Status": charts.bars(named),
            "Platform": charts.bars(fleet.platforms),
            "Core version": charts.bars(fleet.core_versions),
            "Country": charts.bars(fleet.countries),
            "City": charts.bars(fleet.cities),
            "Wake word": charts.bars(fleet.wake_words, shown=5),
            "Voice": charts.bars(fleet.voices, shown=5),
        },
        "map": charts.world_map(dots) if dots else "",
        "placed": sum(dot.devices for dot in dots),
    }


def _people(since: date, until: date) -> list[Chart]:
    rows = {row.day: row for row in figures.accounts(since, until)}
    spans = _spans(since, until)
    labels = _labels(spans)
    last = [next((rows[day] for day in reversed(span) if day in rows), None) for span in spans]

    def total(name: str) -> list[float | None]:
        return [getattr(row, name) if row else None for row in last]

    def sums(name: str) -> list[float | None]:
        return [sum(getattr(rows[day], name) for day in span if day in rows) for span in spans]

    return [
        charts.line_chart(
            "Accounts",
            labels,
            [Line(name, total(key)) for name, key in _TOTALS.items()],
        ),
        charts.column_chart(
            "Accounts that were active",
            labels,
            [Line("active", sums("accounts_active"))],
            "each once a day",
        ),
        charts.column_chart(
            "Come and gone",
            labels,
            [Line("added", sums("accounts_added")), Line("deleted", sums("accounts_deleted"))],
        ),
    ]


_TOTALS = {"accounts": "accounts", "members": "members", "open dataset": "open_dataset"}


def _speech(since: date, until: date) -> dict[str, Any]:
    rows = figures.speech(since, until)
    spans = _spans(since, until)
    labels = _labels(spans)
    grouped = [[row for row in rows if row.day in set(span)] for span in spans]
    requests = [sum(row.requests for row in group) for group in grouped]
    right = [sum(row.successes for row in group) for group in grouped]
    shares = [_percent(a, b) for a, b in zip(right, requests, strict=True)]
    return {
        "charts": [
            charts.column_chart(
                "Requests to hear what was said",
                labels,
                [
                    Line("understood", right),
                    Line("not understood", [a - b for a, b in zip(requests, right, strict=True)]),
                ],
            ),
            charts.line_chart(
                "Understood",
                labels,
                [Line("share", shares, "%")],
            ),
            charts.line_chart(
                "Speed",
                labels,
                [Line("seconds a request", [_speed(group) for group in grouped], "s")],
                "time that the engine took",
            ),
        ],
        "engines": _engines(rows),
    }


def _engines(rows: Sequence[SttEngineDay]) -> list[dict[str, Any]]:
    """Return what each engine did in the whole period."""
    engines = []
    for name in sorted({row.engine for row in rows}):
        own = [row for row in rows if row.engine == name]
        requests, right = sum(row.requests for row in own), sum(row.successes for row in own)
        engines.append(
            {
                "name": name,
                "requests": requests,
                "share": _percent(right, requests),
                "seconds": _speed(own),
            }
        )
    return engines


def _api(since: date, until: date) -> dict[str, Any]:
    routes = figures.api(since, until)
    days = {day: (calls, failed) for day, calls, failed in figures.api_days(since, until)}
    spans = _spans(since, until)
    calls = [sum(days.get(day, (0, 0))[0] for day in span) for span in spans]
    failed = [sum(days.get(day, (0, 0))[1] for day in span) for span in spans]
    answered = [a - b for a, b in zip(calls, failed, strict=True)]
    return {
        "chart": charts.column_chart(
            "API calls",
            _labels(spans),
            [Line("answered", answered), Line("failed", failed)],
            "failed: status 500 and above",
        ),
        "pairing": charts.steps(figures.pairing(since, until)),
        "most": routes[:ROUTES],
        "slowest": sorted(routes, key=lambda route: -route.mean_seconds)[:ROUTES],
        "wrong": [route for route in _by_failures(routes) if route.failed][:ROUTES],
        "upstream": figures.upstream(since, until)[:ROUTES],
    }


def _by_failures(routes: list[figures.Route]) -> list[figures.Route]:
    return sorted(routes, key=lambda route: (-route.failed, route.route))


def _services() -> list[Service]:
    """Return what is not set up; a household may want it so."""
    services = [
        Service(name, [setting for setting in needed if not getattr(settings, setting)])
        for name, needed in SERVICES.items()
    ]
    if settings.EMAIL_BACKEND.endswith(".Files"):
        services.append(Service("Mail", ["EMAIL_SERVICE_HOST"]))
    return [service for service in services if service.missing]


def _spans(since: date, until: date) -> list[list[date]]:
    """Return the days that are shown as one: each its own, or in a long period weeks."""
    days = [since + timedelta(days=number) for number in range((until - since).days + 1)]
    if len(days) <= DAILY_UP_TO:
        return [[day] for day in days]
    first = len(days) % 7  # what is left over goes first, so that the last week is a whole one
    weeks = [days[start : start + 7] for start in range(first, len(days), 7)]
    return [days[:first], *weeks] if first else weeks


def _labels(spans: list[list[date]]) -> list[str]:
    return [f"{span[-1]:%-d %b}" for span in spans]


def _percent(part: int, whole: int) -> float | None:
    return round(100 * part / whole, 1) if whole else None


def _speed(rows: Sequence[SttEngineDay]) -> float | None:
    requests = sum(row.requests for row in rows)
    return round(sum(row.transcription_seconds for row in rows) / requests, 2) if requests else None
