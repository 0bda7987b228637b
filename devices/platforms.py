"""What a device says of its own hardware and software."""

from django.db import transaction

from accounts import versions
from devices.models import Device


@transaction.atomic
def note(device: Device, **fields: str) -> None:
    """Write the ``fields`` of Device (platform, versions) that are news."""
    news = {name: value for name, value in fields.items() if getattr(device, name) != value}
    if news:
        versions.bump(Device.objects.filter(pk=device.pk), **news)
