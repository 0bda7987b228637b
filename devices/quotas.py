"""How often a device may have this server ask a service in a day (UTC).

Counted in the cache: what is lost with it is lost in favour of the device.
"""

from datetime import timedelta

from django.core.cache import cache
from django.utils import timezone

from devices.models import Device


class Spent(Exception):
    """The device has asked as often as it may today."""

    def __init__(self, seconds: int) -> None:
        super().__init__(f"no more today, try again in {seconds} s")
        self.seconds = seconds


def spend(device: Device, service: str, limit: int) -> None:
    """Count one question of ``device`` to ``service``; ``limit`` is a number a day, 0 for none.

    Raises:
        Spent: it is one more than that.
    """
    if not limit:
        return
    now = timezone.now()
    midnight = now.replace(hour=0, minute=0, second=0, microsecond=0) + timedelta(days=1)
    seconds = int((midnight - now).total_seconds()) + 1
    if _count(f"quota:{service}:{now:%Y-%m-%d}:{device.pk}", seconds) > limit:
        raise Spent(seconds)


def _count(key: str, seconds: int) -> int:
    cache.add(key, 0, timeout=seconds)
    try:
        return cache.incr(key) or 0  # nothing from a Redis that is away
    except ValueError:  # dropped just now
        return 1
