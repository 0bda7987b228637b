"""Writing many rows of any model fast: by COPY, or on SQLite by one prepared statement.

``geography.bulk`` is for the few types that places are made of; this takes whatever a model holds.
"""

import io
from collections.abc import Iterable, Sequence
from datetime import date, datetime

from django.db import connection, models, transaction

from geography.bulk import batches

BATCH = 5_000
ESCAPES = str.maketrans({"\\": "\\\\", "\t": "\\t", "\n": "\\n", "\r": "\\r"})

Row = Sequence[object]


def insert(model: type[models.Model], names: Sequence[str], rows: Iterable[Row]) -> int:
    """Insert ``rows``, whose values are of the fields ``names``; return how many.

    JSON is given as text, all else as the field has it. Nothing is filled in. Whoever is cut off
    leaves whole batches, unless the caller has a transaction.
    """
    by_name = {field.attname: field for field in model._meta.concrete_fields}
    fields = [by_name[name] for name in names]
    count = 0
    write = _copy if connection.vendor == "postgresql" else _execute_many
    for batch in batches(rows, BATCH):
        with transaction.atomic():
            write(model, fields, batch)
        count += len(batch)
    return count


def _copy(model: type[models.Model], fields: list, batch: list[Row]) -> None:
    lines = ("\t".join(map(_text, row)) for row in batch)
    sql = f"COPY {_table(model)} ({_columns(fields)}) FROM STDIN"
    with connection.cursor() as cursor, connection.wrap_database_errors:
        cursor.cursor.copy_expert(sql, io.StringIO("\n".join(lines) + "\n"))


def _text(value: object) -> str:
    """Return ``value`` as COPY reads it."""
    if value is None:
        return "\\N"
    if isinstance(value, (datetime, date)):
        return value.isoformat()
    return str(value).translate(ESCAPES)


def _execute_many(model: type[models.Model], fields: list, batch: list[Row]) -> None:
    marks = ", ".join(["%s"] * len(fields))
    sql = f"INSERT INTO {_table(model)} ({_columns(fields)}) VALUES ({marks})"  # noqa: S608
    with connection.cursor() as cursor:
        cursor.executemany(sql, [_prepared(fields, row) for row in batch])


def _prepared(fields: list, row: Row) -> list:
    return [
        value
        if isinstance(field, models.JSONField)
        else field.get_db_prep_save(value, connection=connection)
        for field, value in zip(fields, row, strict=True)
    ]


def _table(model: type[models.Model]) -> str:
    return connection.ops.quote_name(model._meta.db_table)


def _columns(fields: list) -> str:
    return ", ".join(connection.ops.quote_name(field.column) for field in fields)
