"""The daily report: the installation's numbers, as a mail to ``REPORT_RECIPIENT``."""

from dataclasses import dataclass
from datetime import date, timedelta

from django.conf import settings
from django.db import transaction
from django.utils import timezone

from accounts import mail
from accounts.exceptions import NotConfigured
from accounts.models import OutgoingMail
from operations import figures, leases
from operations.figures import Concern, Memberships
from operations.models import Lease

TEMPLATE = "daily_report"
AGES = (1, 15, 30)  # days
CHART_DAYS = 30
CHART_HEIGHT = 60  # pixels


class NoSuchDay(Exception):
    """It has not come yet."""


@dataclass(frozen=True)
class Past:
    """A number some days ago."""

    age: int
    number: int | None  # None: nobody counted yet
    change: int | None


@dataclass(frozen=True)
class Row:
    """A number now, and what it was."""

    label: str
    now: int
    past: list[Past]


@dataclass(frozen=True)
class Bar:
    """A bar of a chart; its length is in hundredths of the longest."""

    label: str
    number: int
    length: int

    @property
    def height(self) -> int:
        return max(1, self.length * CHART_HEIGHT // 100)


@transaction.atomic
def send(day: date | None = None) -> bool:
    """Send the report of ``day`` (default: today); False if that was done before.

    Whoever else does so at this moment, here or on another machine, waits and then finds it done.

    Raises:
        NotConfigured: nobody gets reports.
        NoSuchDay: ``day`` is yet to come.
    """
    today = timezone.now().date()
    day = day or today
    if day > today:
        raise NoSuchDay
    if not settings.REPORT_RECIPIENT:
        raise NotConfigured("REPORT_RECIPIENT")
    leases.lock(Lease.REPORT)
    if OutgoingMail.objects.filter(template=TEMPLATE, subject__endswith=day.isoformat()).exists():
        return False
    mail.send(TEMPLATE, settings.REPORT_RECIPIENT, **content(day, is_today=day == today))
    return True


def content(day: date, *, is_today: bool) -> dict[str, object]:
    """Return what the mail tells of ``day``."""
    fleet = figures.fleet(day)
    week = figures.api_days(day - timedelta(days=13), day)
    calls = [(f"{each.day} {each:%b}", count) for each, count, _ in week]
    grown = figures.accounts(day - timedelta(days=CHART_DAYS - 1), day)
    concerns: list[Concern] = figures.attention() if is_today else []
    return {
        "day": day,
        "iso_day": day.isoformat(),
        "ages": AGES,
        "rows": _rows(day),
        "concerns": concerns,
        "fleet": fleet,
        "charts": [
            ("Devices by status", bars(list(fleet.statuses.items()))),
            ("Platforms", bars(list(fleet.platforms.items())[:6])),
            ("Calls of the last two weeks", bars(calls)),
        ],
        "growth": bars([(f"{row.day.day} {row.day:%b}", row.accounts) for row in grown]),
        "failed_calls": sum(failed for _, _, failed in week[-1:]),
    }


def bars(numbers: list[tuple[str, int]]) -> list[Bar]:
    """Return a bar for each labelled number, by the longest."""
    longest = max((number for _, number in numbers), default=0) or 1
    return [Bar(label, number, 100 * number // longest) for label, number in numbers]


def _rows(day: date) -> list[Row]:
    now = figures.memberships(day) or Memberships(day, 0, 0, 0)
    then = {age: figures.memberships(day - timedelta(days=age)) for age in AGES}
    labels = {
        "Accounts": "accounts",
        "Free": "free",
        "Monthly members": "monthly",
        "Yearly members": "yearly",
    }
    return [_row(label, name, now, then) for label, name in labels.items()]


def _row(label: str, name: str, now: Memberships, then: dict[int, Memberships | None]) -> Row:
    number: int = getattr(now, name)
    past = []
    for age, counted in then.items():
        before: int | None = getattr(counted, name) if counted else None
        past.append(Past(age, before, None if before is None else number - before))
    return Row(label, number, past)
