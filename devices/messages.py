"""Mail that a device sends to the owner of its account, and to nobody else."""

from accounts import mail
from devices.models import Device


def send(device: Device, *, title: str, sender: str, body: str) -> None:
    """Mail ``body`` to the address of the account of ``device``.

    ``sender`` is what on the device wants to say it, mostly a skill; the mail names it. What would
    be another header or HTML is text.
    """
    mail.send(
        "device_message",
        device.account.email,
        title=title,
        sender=sender,
        body=body,
        device=device.name,
    )
