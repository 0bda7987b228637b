"""The record of what an owner or operator may want to look into."""

import logging
from datetime import timedelta
from uuid import UUID

from django.utils import timezone

from accounts.models import Account, SecurityEvent, SecurityEventKind

KEPT = timedelta(days=90)

logger = logging.getLogger(__name__)


def record(
    kind: SecurityEventKind,
    *,
    account: Account | None = None,
    device_id: UUID | None = None,
    address: str | None = None,
    detail: dict[str, str] | None = None,
) -> SecurityEvent:
    """Keep an event; ``detail`` must not hold a secret."""
    logger.warning(
        "security event: %s, account %s, device %s", kind, account and account.pk, device_id
    )
    return SecurityEvent.objects.create(
        kind=kind,
        account=account,
        device_id=device_id,
        address=address or None,
        detail=detail or {},
    )


def purge() -> int:
    """Delete events older than ``KEPT``; return how many."""
    return SecurityEvent.objects.filter(happened_at__lt=timezone.now() - KEPT).delete()[0]
