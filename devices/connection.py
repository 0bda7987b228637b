"""Whether a device is there, as its owner reads it."""

from datetime import datetime, timedelta

from django.db import models

from devices.models import Device


class Status(models.TextChoices):
    CONNECTED = "Connected", "Connected"
    DISCONNECTED = "Disconnected", "Disconnected"
    DORMANT = "Dormant", "Dormant"


def status(contact: datetime | None, now: datetime) -> Status:
    """Tell from its last contact whether a device is connected ``now``."""
    if contact is None:
        return Status.DISCONNECTED
    if now - contact <= Device.CONNECTED_WITHIN:
        return Status.CONNECTED
    return Status.DORMANT if now - contact >= Device.DORMANT_AFTER else Status.DISCONNECTED


def disconnect_duration(contact: datetime | None, now: datetime) -> str | None:
    """Return how long a device has been away: ``"5 hours"``; None while it is connected."""
    if contact is None:
        return "unknown"
    if status(contact, now) is Status.CONNECTED:
        return None
    away = now - contact
    for unit, length in (("day", timedelta(days=1)), ("hour", timedelta(hours=1))):
        if away >= length:
            return _count(away // length, unit)
    return _count(away // timedelta(minutes=1), "minute")


def _count(number: int, unit: str) -> str:
    return f"{number} {unit}" if number == 1 else f"{number} {unit}s"
