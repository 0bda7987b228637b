"""Finding accounts as an operator does, by an index however many accounts there are."""

from collections.abc import Callable, Iterable
from uuid import UUID

from django.db.models import QuerySet
from django.db.models.functions import Lower

from accounts.models import Account

# More are found by typing more: nobody reads so many, and a common beginning has a million.
LIMIT = 200
# What apps above know an account by: each returns keys of accounts for the beginning of a name.
sources: list[Callable[[str], Iterable[UUID]]] = []


def by_account(term: str) -> list[UUID]:
    """Return accounts by id, or by the beginning of address (in any case) or user name."""
    if pk := as_id(term):
        return list(Account.objects.filter(pk=pk).values_list("pk", flat=True))
    with_address = beginning(Account.objects.all(), "email", term)
    with_name = Account.objects.filter(username__startswith=term.strip())
    found = [
        rows.order_by().values_list("pk", flat=True)[:LIMIT] for rows in (with_address, with_name)
    ]
    return _first(pk for keys in found for pk in keys)


def accounts(term: str) -> list[UUID]:
    """Return accounts as ``by_account`` does, and by what apps above know them by."""
    return _first([*by_account(term), *(pk for source in sources for pk in source(term))])


def beginning(rows: QuerySet, column: str, term: str) -> QuerySet:
    """Return ``rows`` whose ``column`` begins with ``term``, in any case; it has a PrefixIndex."""
    return rows.alias(folded=Lower(column)).filter(folded__startswith=term.strip().lower())


def as_id(term: str) -> UUID | None:
    """Return the id that ``term`` is, if it is one."""
    try:
        return UUID(term.strip())
    except ValueError:
        return None


def _first(keys: Iterable[UUID]) -> list[UUID]:
    return list(dict.fromkeys(keys))[:LIMIT]
