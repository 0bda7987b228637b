"""Leases: of any number of processes that would do something, one does."""

from datetime import timedelta

from django.db import IntegrityError, transaction
from django.db.models import DateTimeField, DurationField, ExpressionWrapper, Q, Value
from django.db.models.functions import Now

from operations.models import Lease


def take(name: str, holder: str, lifetime: timedelta) -> bool:
    """Take the lease ``name``, or renew it; False while another holds it.

    It runs out by the database's clock, so machines need not agree on the time.
    """
    ends = ExpressionWrapper(
        Now() + Value(lifetime, output_field=DurationField()), output_field=DateTimeField()
    )
    is_free = Q(holder=holder) | Q(expires_at=None) | Q(expires_at__lt=Now())
    if Lease.objects.filter(is_free, name=name).update(holder=holder, expires_at=ends):
        return True
    if Lease.objects.filter(name=name).exists():
        return False
    try:
        with transaction.atomic():
            Lease.objects.create(name=name)
    except IntegrityError:
        return False  # another was quicker
    return take(name, holder, lifetime)


def give_back(name: str, holder: str) -> None:
    """Let the next take it at once, if ``holder`` still has it."""
    Lease.objects.filter(name=name, holder=holder).update(holder="", expires_at=None)


def lock(name: str) -> None:
    """Wait until no other transaction has locked ``name``; the lock ends with ours."""
    Lease.objects.get_or_create(name=name)
    Lease.objects.select_for_update().get(name=name)
