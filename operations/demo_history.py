"""Made-up figures of the days before, for the dashboard of made-up accounts and devices.

Only of days of which nothing is known; what is there stays.
"""

import random
from collections.abc import Iterator
from datetime import date, timedelta

from django.db import transaction
from django.utils import timezone

from accounts.models import Account, AccountActivity, Subscription
from devices.models import Device, SttEngineDay
from operations.models import ApiCallDay, FleetCount, FleetKind

DAYS = 400
SECONDS = DAYS * 86_400
SPEECH_DAYS, CALL_DAYS = 90, 30
BATCH = 100
STATUSES = {"connected": 0.78, "disconnected": 0.14, "dormant": 0.06, "never": 0.02}
ENGINES = {"faster-whisper": 10.8, "pocketsphinx": 1.2}  # requests of a device in a day
POLLS = 1_440.0
# Calls of a device in a day
ROUTES = {
    ("device", "v1/device/<str:device_id>", "GET"): POLLS,
    ("device", "v1/device/<str:device_id>/setting", "GET"): POLLS,
    ("device", "v1/device/<str:device_id>/skill/settings", "GET"): POLLS,
    ("device", "v1/device/<str:device_id>/metric/<str:name>", "POST"): 60.0,
    ("device", "v1/stt", "POST"): 12.0,
    ("device", "v1/device/code", "GET"): 0.1,
    ("device", "v1/device/activate", "POST"): 0.1,
    ("account", "api/devices", "POST"): 0.05,
    ("account", "api/account", "GET"): 0.8,
    ("sso", "api/internal-login", "GET"): 0.2,
}
POLL_ANSWERS = {304: 0.96, 200: 0.037, 401: 0.003, 500: 0.0001}
ANSWERS = {200: 0.97, 400: 0.0299, 500: 0.0001}
EMPTY = {"api/devices"}  # answered with 204 where others are with 200

_random = random.Random(42)  # noqa: S311 - no secrets are made of it


@transaction.atomic
def make() -> None:
    """Make up the days before today, as if the fleet had grown to what it is."""
    today = timezone.now().date()
    devices = Device.objects.count()
    sizes = {today - timedelta(days=age): _size(age) for age in range(DAYS, -1, -1)}
    speech_since = today - timedelta(days=SPEECH_DAYS)
    calls_since = today - timedelta(days=CALL_DAYS)
    fleets = {day: round(devices * size) for day, size in sizes.items() if day >= speech_since}
    AccountActivity.objects.bulk_create(_activity(sizes), BATCH, ignore_conflicts=True)
    for day, fleet in fleets.items():
        SttEngineDay.objects.bulk_create(_speech(day, fleet), BATCH, ignore_conflicts=True)
        FleetCount.objects.bulk_create(_statuses(day, fleet), BATCH, ignore_conflicts=True)
        if day >= calls_since:
            ApiCallDay.objects.bulk_create(_calls(day, fleet), BATCH, ignore_conflicts=True)


def _size(age: int) -> float:
    """Return which part of today's fleet there was ``age`` days ago."""
    return (1 - age / DAYS / 1.2) ** 2 * (_random.uniform(0.98, 1.0) if age else 1.0)


def _activity(sizes: dict[date, float]) -> Iterator[AccountActivity]:
    accounts, members = Account.objects.count(), Subscription.objects.active().count()
    for day, size in sizes.items():
        total = round(accounts * size)
        yield AccountActivity(
            day=day,
            accounts=total,
            accounts_added=round(total / DAYS * _random.uniform(1, 3)),
            accounts_deleted=round(total / DAYS * _random.uniform(0, 1)),
            accounts_active=round(total * _random.uniform(0.6, 0.75)),
            members=round(members * size),
            members_active=round(members * size * 0.8),
            open_dataset=round(total / 3),
            open_dataset_active=round(total / 4),
        )


def _speech(day: date, devices: int) -> Iterator[SttEngineDay]:
    for engine, requests_of_one in ENGINES.items():
        requests = round(devices * requests_of_one * _random.uniform(0.8, 1.1))
        yield SttEngineDay(
            day=day,
            engine=engine,
            requests=requests,
            successes=round(requests * _random.uniform(0.9, 0.97)),
            audio_seconds=requests * 2.4,
            transcription_seconds=requests * _random.uniform(0.5, 0.9),
        )


def _statuses(day: date, devices: int) -> Iterator[FleetCount]:
    for status, share in STATUSES.items():
        count = round(devices * share)
        yield FleetCount(day=day, kind=FleetKind.STATUS, key=status, count=count)


def _calls(day: date, devices: int) -> Iterator[ApiCallDay]:
    for (api, route, method), calls_of_one in ROUTES.items():
        for status, share in (POLL_ANSWERS if calls_of_one == POLLS else ANSWERS).items():
            count = round(devices * calls_of_one * share * _random.uniform(0.9, 1.1))
            mean = 0.002 if status == 304 else 0.02
            yield ApiCallDay(
                day=day,
                api=api,
                route=route,
                method=method,
                status=204 if status == 200 and route in EMPTY else status,
                count=count,
                total_seconds=count * mean * _random.uniform(0.8, 1.3),
                highest_seconds=_random.uniform(0.1, 3.0),
            )
