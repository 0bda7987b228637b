"""Counting the fleet, so that pages about it need not.

Every few minutes the devices are counted by what the dashboard shows them by, and the counts of the
day are replaced: what is left of a day is how it ended. Counting is reading whole tables, so it is
done outside of any transaction that others could wait for. Skills, of which there are many times
as many rows as devices, are counted once a day.
"""

from datetime import date, timedelta

from django.conf import settings
from django.db import transaction
from django.db.models import Count, Q, QuerySet
from django.db.models.functions import Round
from django.utils import timezone

from accounts.models import Account, Subscription
from devices import contacts
from devices.models import Device
from market.models import DeviceSkill
from operations import leases
from operations.models import FleetCount, FleetKind, Lease

Counts = dict[str, int]

SHOWN = 50  # keys of a kind; devices say what they like of their platform, so the rest is one sum
OTHER = "(other)"
PLACES = 5_000  # cells of a degree on the map
DROPPED = "dropped"
DROPPED_AFTER, DROPPED_WITHIN = timedelta(minutes=15), timedelta(days=1)
# A place on a map is of interest while it is news.
FLEETING = (FleetKind.CITY, FleetKind.CELL)
FLEETING_KEPT = timedelta(days=7)
BATCH = 500


def count() -> int:
    """Count the fleet for today; return how many devices there are. May run twice, and at once."""
    if settings.REDIS_URL:
        contacts.flush()  # else those that call every minute look disconnected
    day = timezone.now().date()
    counts = _count_devices() | {FleetKind.ACCOUNTS: _count_accounts()}
    if not FleetCount.objects.filter(day=day, kind=FleetKind.SKILL).exists():
        counts[FleetKind.SKILL] = _count_by(DeviceSkill.objects.all(), "skill__family_name")
    _store(day, counts)
    return sum(counts[FleetKind.STATUS].values())


def _count_devices() -> dict[FleetKind, Counts]:
    devices = Device.objects.all()
    placed = devices.exclude(city=None)
    return {
        FleetKind.STATUS: _count_statuses(),
        FleetKind.TROUBLE: {DROPPED: _count_dropped()},
        FleetKind.PLATFORM: _count_by(devices, "platform"),
        FleetKind.CORE_VERSION: _count_by(devices, "core_version"),
        FleetKind.VOICE: _count_by(devices, "voice__display_name"),
        FleetKind.WAKE_WORD: _count_by(devices, "wake_word__name"),
        FleetKind.COUNTRY: _count_by(placed, "city__region__country__iso_code", limit=300),
        FleetKind.CITY: _count_by(placed, "city"),
        FleetKind.CELL: _count_cells(),
    }


def _count_statuses() -> Counts:
    """Return the counts by ``devices.connection.status``, and of those never heard of."""
    now = timezone.now()
    connected = Q(last_contact_at__gte=now - Device.CONNECTED_WITHIN)
    dormant = Q(last_contact_at__lte=now - Device.DORMANT_AFTER)
    return Device.objects.aggregate(
        connected=Count("pk", filter=connected),
        disconnected=Count("pk", filter=~connected & ~dormant & Q(last_contact_at__isnull=False)),
        dormant=Count("pk", filter=dormant),
        never=Count("pk", filter=Q(last_contact_at=None)),
    )


def _count_dropped() -> int:
    now = timezone.now()
    away = Q(last_contact_at__gt=now - DROPPED_WITHIN, last_contact_at__lt=now - DROPPED_AFTER)
    return Device.objects.filter(away).count()


def _count_by(rows: QuerySet, field: str, limit: int = SHOWN) -> Counts:
    """Return how many ``rows`` there are by ``field``: of the commonest, and of all others."""
    grouped = rows.order_by().values_list(field).annotate(count=Count("pk"))
    counts = {str(key)[:200]: count for key, count in grouped.order_by("-count", field)[:limit]}
    rest = rows.count() - sum(counts.values())
    return counts | ({OTHER: rest} if rest > 0 else {})


def _count_cells() -> Counts:
    places = Device.objects.exclude(city=None).order_by()
    cells = places.values_list(Round("city__latitude"), Round("city__longitude"))
    counted = cells.annotate(count=Count("pk")).order_by("-count")[:PLACES]
    return {f"{int(north)},{int(east)}": devices for north, east, devices in counted}


def _count_accounts() -> Counts:
    paying = Subscription.objects.active().order_by().values_list("membership__rate_period")
    return {"all": Account.objects.count(), **dict(paying.annotate(Count("pk")))}


@transaction.atomic
def _store(day: date, counts: dict[FleetKind, Counts]) -> None:
    """Replace what was counted of the day by ``counts``."""
    leases.lock(Lease.FLEET)
    rows = [
        FleetCount(day=day, kind=kind, key=key, count=count)
        for kind, keys in counts.items()
        for key, count in keys.items()
    ]
    FleetCount.objects.filter(day=day, kind__in=counts).delete()
    FleetCount.objects.filter(day__lt=day - FLEETING_KEPT, kind__in=FLEETING).delete()
    FleetCount.objects.bulk_create(rows, batch_size=BATCH)
