from datetime import UTC, datetime, timedelta

import pytest

from devices import connection

NOW = datetime(2026, 11, 22, 12, tzinfo=UTC)


@pytest.mark.parametrize(
    ("away", "status", "duration"),
    [
        (timedelta(seconds=-5), "Connected", None),
        (timedelta(0), "Connected", None),
        (timedelta(seconds=120), "Connected", None),
        (timedelta(seconds=121), "Disconnected", "2 minutes"),
        (timedelta(minutes=59, seconds=59), "Disconnected", "59 minutes"),
        (timedelta(hours=1), "Disconnected", "1 hour"),
        (timedelta(hours=23, minutes=59), "Disconnected", "23 hours"),
        (timedelta(days=1), "Disconnected", "1 day"),
        (timedelta(days=29, hours=23), "Disconnected", "29 days"),
        (timedelta(days=30), "Dormant", "30 days"),
        (timedelta(days=400), "Dormant", "400 days"),
    ],
)
def test_the_last_contact_tells_whether_a_device_is_connected(away, status, duration):
    assert connection.status(NOW - away, NOW) == status
    assert connection.disconnect_duration(NOW - away, NOW) == duration


def test_how_long_a_device_is_away_that_never_called_is_unknown():
    assert connection.status(None, NOW) == "Disconnected"
    assert connection.disconnect_duration(None, NOW) == "unknown"
