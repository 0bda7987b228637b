"""Finding devices as an operator does, by an index however many devices there are."""

from collections.abc import Iterable
from uuid import UUID

from django.db.models import QuerySet

from accounts import search
from devices.models import Device


def devices(term: str) -> list[UUID]:
    """Return devices by id, or by the beginning of their name or of their account's."""
    if pk := search.as_id(term):
        return list(Device.objects.filter(pk=pk).values_list("pk", flat=True))
    named = search.beginning(Device.objects.order_by(), "name", term)
    owned = Device.objects.order_by().filter(account__in=search.by_account(term))
    found = [*_first(named, "pk"), *_first(owned, "pk")]
    return list(dict.fromkeys(found))[: search.LIMIT]


def owners(term: str) -> Iterable[UUID]:
    """Return the accounts of devices whose name begins with ``term``."""
    return _first(search.beginning(Device.objects.order_by(), "name", term), "account")


def _first(rows: QuerySet, key: str) -> list[UUID]:
    return list(rows.values_list(key, flat=True)[: search.LIMIT])
