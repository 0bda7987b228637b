"""Adding hundreds of thousands of rows, for which ``bulk_create`` is too slow.

It spends most of its time on making model instances and composing statements: a first load of all
228,000 cities takes 18 s with it on either engine. PostgreSQL is fed with COPY instead, SQLite with
one prepared statement. Model defaults and validation do not apply; the database's rules do.
"""

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from copy import copy
from itertools import islice
from typing import Any, TypeVar

from django.db import connection, models
from django.db.models.sql import InsertQuery

Item = TypeVar("Item")
# What the columns of a row hold, ids as hexadecimal digits, which both engines take
Values = tuple[str | float, ...]
_PIECE = 10_000
_LINES_A_READ = 500


def batches(items: Iterable[Item], size: int) -> Iterator[list[Item]]:
    """Yield ``items`` in lists of at most ``size``."""
    iterator = iter(items)
    while batch := list(islice(iterator, size)):
        yield batch


def insert(model: type[models.Model], rows: Iterator[Values]) -> None:
    """Add ``rows``, which hold a value for each of the model's columns, in their order."""
    fields = model._meta.concrete_fields
    with connection.cursor() as cursor:
        if connection.vendor == "postgresql":
            columns = [field.column for field in fields]
            with connection.wrap_database_errors:
                cursor.copy_from(_CopyText(rows), model._meta.db_table, columns=columns)
            return
        query = InsertQuery(model)
        query.insert_values(fields, [model()])
        [(statement, _)] = query.get_compiler(connection=connection).as_sql()
        for piece in batches(rows, _PIECE):
            cursor.executemany(statement, piece)


class _CopyText:
    """COPY's text format, made while it is read: PostgreSQL stores what it has meanwhile."""

    def __init__(self, rows: Iterator[Values]) -> None:
        self._rows = rows

    def read(self, size: int) -> str:
        """Return some lines, whatever ``size``; none at the end."""
        rows = islice(self._rows, _LINES_A_READ)
        return "".join("\t".join(map(_escaped, row)) + "\n" for row in rows)


def _escaped(value: str | float) -> str:
    return value.replace("\\", "\\\\") if isinstance(value, str) else repr(value)


@contextmanager
def indexed_afterwards(model: type[models.Model]) -> Iterator[None]:
    """Fill an empty table without its foreign keys and indexes, and make them at the end.

    So PostgreSQL's manual advises ("Populating a Database"): looking after them row by row takes
    half of the time of a first load. It locks the table, which nobody minds while it is empty.
    """
    if connection.vendor != "postgresql":
        yield
        return
    rules = [rule for rule in model._meta.constraints if isinstance(rule, models.UniqueConstraint)]
    keys = [field for field in model._meta.concrete_fields if field.is_relation]
    connection.check_constraints()  # a table cannot be altered before
    with connection.schema_editor() as editor:
        for index in model._meta.indexes:
            editor.remove_index(model, index)
        for rule in rules:
            editor.remove_constraint(model, rule)
        for key in keys:
            editor.alter_field(model, key, _unchecked(key))
    yield
    with connection.schema_editor() as editor:
        for index in model._meta.indexes:
            editor.add_index(model, index)
        for rule in rules:
            editor.add_constraint(model, rule)
        for key in keys:
            editor.alter_field(model, _unchecked(key), key)


def _unchecked(key: Any) -> Any:  # noqa: ANN401 - django-stubs know no db_constraint of a field
    unchecked = copy(key)
    unchecked.db_constraint = False
    return unchecked
