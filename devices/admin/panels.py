"""What belongs to a device, and the devices of an account, below the forms of their pages."""

from collections.abc import Callable

from django.utils.timezone import now

from accounts.admin_panels import Panel
from accounts.models import SecurityEvent
from devices import connection
from devices.models import CoreInteraction, CoreMetric, Device, DeviceToken


def _seconds(name: str) -> Callable[[CoreInteraction], str]:
    def shown(row: CoreInteraction) -> str:
        value = getattr(row, name)
        return "-" if value is None else f"{value:.2f}"

    return shown


OF_ACCOUNT = Panel(
    "Devices",
    Device,
    {
        "name": "name",
        "status": lambda device: connection.status(device.last_contact_at, now()).value,
        "last contact": "last_contact_at",
        "place": lambda device: device.city,
        "platform": "platform",
        "core": "core_version",
    },
    lambda account: account.devices.select_related("city"),
    filter="account__id__exact",
    order=1,
)
OF_DEVICE = [
    Panel(
        "Tokens that may be used",
        DeviceToken,
        {
            "issued": "issued_at",
            "first used": "used_at",
            "last used": lambda pair: pair.device.last_contact_at if pair.used_at else None,
        },
        lambda device: device.tokens.filter(superseded_at=None).select_related("device"),
    ),
    Panel(
        "Interactions",
        CoreInteraction,
        {
            "started": "started_at",
            "intent": "intent_type",
            "skill": "skill_handler",
            "until it spoke, s": _seconds("user_latency_seconds"),
            "understanding, s": _seconds("stt_seconds"),
        },
        lambda device: device.interactions.all(),
        filter="device__id__exact",
    ),
    Panel(
        "Metrics",
        CoreMetric,
        {"name": "name", "received": "received_at"},
        lambda device: device.metrics.all(),
        filter="device__id__exact",
    ),
    Panel(
        "Security events",
        SecurityEvent,
        {"what": "get_kind_display", "when": "happened_at", "address": "address"},
        # By the account first, which has an index.
        lambda device: SecurityEvent.objects.filter(account=device.account_id, device_id=device.pk),
    ),
]
