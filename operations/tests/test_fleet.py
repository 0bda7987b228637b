from datetime import date, timedelta

import pytest
from django.core.management import call_command
from django.utils import timezone

from accounts.tests.factories import make_account, make_membership, make_subscription
from accounts.tests.threads import at_once
from devices.models import Device
from devices.tests.factories import make_device
from geography.tests.factories import make_city, make_timezone
from market.tests.factories import install
from operations import figures, fleet
from operations.figures import Place
from operations.models import FleetCount, FleetKind, JobRun


def make_devices():
    """Save five devices, one of each status and one that dropped off today."""
    now = timezone.now()
    account = make_account()
    place = {"city": make_city(latitude=39.1, longitude=-94.6), "timezone": make_timezone()}
    ages = [timedelta(), timedelta(hours=2), timedelta(days=3), timedelta(days=40)]
    for age in ages:
        make_device(account, platform="picroft", last_contact_at=now - age, **place)
    make_device(account, platform="mycroft_mark_1")
    make_subscription(account, make_membership())


@pytest.mark.django_db
def test_devices_are_counted_by_what_the_dashboard_shows():
    make_devices()
    install(Device.objects.first(), "mycroft-timer|21.02")

    fleet.count()

    counted = figures.fleet()
    assert counted.total == 5
    assert counted.statuses == {"connected": 1, "disconnected": 2, "dormant": 1, "never": 1}
    assert counted.dropped == 1
    assert counted.platforms == {"picroft": 4, "mycroft_mark_1": 1}
    assert counted.core_versions == {"unknown": 5}
    assert counted.voices == {"British Male": 5}
    assert counted.wake_words == {"hey mycroft": 5}
    assert counted.countries == {"United States": 4}
    assert counted.cities == {"Kansas City": 4}
    assert counted.places == [Place(39, -95, 4)]
    assert counted.skills == {"mycroft-timer": 1}
    assert counted.accounts == {"all": 1, "month": 1}


@pytest.mark.django_db
def test_counting_again_replaces_what_was_counted_that_day():
    make_devices()
    fleet.count()
    Device.objects.filter(platform="picroft").update(platform="mycroft_mark_2")

    call_command("count_fleet")

    assert figures.fleet().platforms == {"mycroft_mark_2": 4, "mycroft_mark_1": 1}
    assert JobRun.objects.get().output == "5 devices counted"


@pytest.mark.django_db(transaction=True)
def test_two_that_count_at_once_leave_one_count():
    make_devices()

    assert at_once(fleet.count, fleet.count) == [5, 5]

    assert figures.fleet().total == 5


@pytest.mark.django_db
def test_the_rarest_of_many_platforms_are_one_sum(monkeypatch):
    monkeypatch.setattr(fleet, "SHOWN", 2)
    account = make_account()
    for platform in ["a", "a", "a", "b", "b", "c", "d"]:
        make_device(account, platform=platform)

    counts = fleet._count_by(Device.objects.all(), "platform", limit=2)

    assert counts == {"a": 3, "b": 2, "(other)": 2}


@pytest.mark.django_db
def test_days_keep_their_last_count_but_not_their_map(time_machine):
    time_machine.move_to("2026-03-01 12:00:00Z", tick=False)
    make_devices()
    fleet.count()
    time_machine.move_to("2026-03-20 12:00:00Z", tick=False)

    fleet.count()

    kept = FleetCount.objects.filter(day=date(2026, 3, 1)).values_list("kind", flat=True)
    assert set(FleetKind.values) - set(kept) == {FleetKind.CITY, FleetKind.CELL, FleetKind.SKILL}
    assert figures.fleet(date(2026, 3, 19)).day == date(2026, 3, 1)
    days = figures.fleet_days(date(2026, 1, 1), date(2026, 3, 20))
    assert [day.isoformat() for day in days] == ["2026-03-01", "2026-03-20"]
    assert days[date(2026, 3, 20)] == {
        "connected": 0,
        "disconnected": 3,
        "dormant": 1,
        "never": 1,
    }


@pytest.mark.django_db
def test_nothing_counted_yet_is_an_empty_fleet():
    assert figures.fleet().total == 0
    assert figures.fleet().counted_at is None


@pytest.mark.fleet
@pytest.mark.django_db
def test_contacts_that_redis_noted_are_counted(device, device_client):
    device_client.get(f"/v1/device/{device.pk}")

    fleet.count()

    assert figures.fleet().statuses["connected"] == 1
