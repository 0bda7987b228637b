"""Queries that are composed once and asked with every request.

Django composes a query anew each time it is asked: for one that joins a few tables that takes
several times as long as PostgreSQL takes to answer it. Here it is composed once a process, and
planned once a connection, with places left for what differs::

    _OF_DEVICE = PreparedQuery(lambda: Device.objects.filter(pk=Given("pk", UUIDField())))
    devices = _OF_DEVICE(pk=device_id)

The rows are those of the queryset: instances with what it selects and annotates, or the tuples of
``values_list``. Only for what is asked so often that it matters.
"""

import itertools
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Generic, TypeVar

from django.db import connection, models
from django.db.backends.base.base import BaseDatabaseWrapper
from django.db.models.expressions import Expression
from django.db.models.query import ModelIterable, get_related_populators
from django.db.models.sql.compiler import SQLCompiler

Row = TypeVar("Row")


class Given(Expression):
    """The place of a value that is given when the query is asked, as ``field`` would store it."""

    def __init__(self, name: str, field: models.Field) -> None:
        super().__init__(output_field=field)
        self.name = name

    def as_sql(self, compiler: SQLCompiler, connection: BaseDatabaseWrapper) -> tuple[str, Any]:
        return "%s", [self]


@dataclass(frozen=True)
class _Composed:
    statement: str
    parameters: Sequence[object]
    compiler: SQLCompiler
    converters: dict[int, Any]
    read: Callable[[Sequence], Any]  # makes of a row what the queryset would


class PreparedQuery(Generic[Row]):
    """A queryset with ``Given`` values; no prefetches, no other database than the default."""

    _numbers = itertools.count(1)

    def __init__(self, make: Callable[[], models.QuerySet[Any, Row]]) -> None:
        self._make = make
        self._name = f"selene_{next(self._numbers)}"

    def __call__(self, **given: object) -> list[Row]:
        """Return all rows."""
        composed = self._composed
        with connection.cursor() as cursor:
            cursor.execute(*self._command(composed, given))
            rows: Iterable[Sequence] = cursor.fetchall()
        if composed.converters:
            rows = composed.compiler.apply_converters(rows, composed.converters)
        return [composed.read(row) for row in rows]

    def first(self, **given: object) -> Row | None:
        """Return the first row, None if there is none; all of them are read."""
        return next(iter(self(**given)), None)

    def _command(self, composed: _Composed, given: dict[str, object]) -> tuple[str, list[Any]]:
        """Return what to execute with what: where a database plans ahead, the plan's name."""
        prepare = getattr(connection, "prepare", None)
        constants = [None if isinstance(one, Given) else one for one in composed.parameters]
        if prepare is None or not prepare(self._name, composed.statement, constants):
            return composed.statement, [_bind(each, given) for each in composed.parameters]
        values = [_bind(each, given) for each in composed.parameters if isinstance(each, Given)]
        places = f"({', '.join(['%s'] * len(values))})" if values else ""
        return f"EXECUTE {self._name} {places}", values

    @cached_property
    def _composed(self) -> _Composed:
        queryset = self._make()
        compiler = queryset.query.get_compiler(using=queryset.db)
        statement, parameters = compiler.as_sql()
        columns = [column for column, _, _ in compiler.select]
        is_of_models = issubclass(queryset._iterable_class, ModelIterable)
        return _Composed(
            statement,
            parameters,
            compiler,
            compiler.get_converters(columns),
            _instance_reader(compiler, queryset.db) if is_of_models else tuple,
        )


def _bind(parameter: object, given: dict[str, object]) -> object:
    if not isinstance(parameter, Given):
        return parameter
    return parameter.output_field.get_db_prep_value(given[parameter.name], connection)


def _instance_reader(compiler: SQLCompiler, using: str) -> Callable[[Sequence], models.Model]:
    """Return what makes an instance of a row, as Django's ModelIterable does."""
    info, annotations = compiler.klass_info, compiler.annotation_col_map or {}
    columns = slice(info["select_fields"][0], info["select_fields"][-1] + 1)
    names = [column.target.attname for column, _, _ in compiler.select[columns]]
    populators = get_related_populators(info, compiler.select, using)  # type: ignore[call-arg]

    def read(row: Sequence) -> models.Model:
        instance: models.Model = info["model"].from_db(using, names, row[columns])
        for populator in populators:
            populator.populate(row, instance)
        for name, position in annotations.items():
            setattr(instance, name, row[position])
        return instance

    return read
