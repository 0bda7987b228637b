"""Finds migrations that the previous version, still running while a fleet is upgraded, trips over.

The first server that is restarted migrates; the others run the old code on the new tables for a
while. So a column is added with a default of the database or may be null, is removed a release
after the code that used it, and is never renamed. What cannot be told from here (data that is
moved, a constraint on rows that the old code writes) is said by a comment in the migration:

    # survived AddConstraint device_name_short: the old code checks names, too

An index on a table that is there already is built while others write, which PostgreSQL does outside
of transactions only: its migration does nothing else, and says ``atomic = False``.
"""

import inspect
import os
import re
import sys
from collections.abc import Iterator
from typing import Any

import django
from django.apps import apps
from django.conf import settings
from django.db.migrations import Migration, operations
from django.db.migrations.loader import MigrationLoader
from django.db.migrations.operations.base import Operation
from django.db.migrations.state import ProjectState
from django.db.models import NOT_PROVIDED, Field, ManyToManyField

SURVIVED = re.compile(r"^ *# survived (\w+) ([\w.]+): \S.*$", re.MULTILINE)
HARMLESS = (
    operations.AlterModelManagers,
    operations.AlterModelOptions,
    operations.CreateModel,
    operations.RemoveConstraint,
    operations.RemoveIndex,
)
BLOCKS = (
    "who writes to the table waits while the index is built: add it by AddIndex, in a migration of "
    "its own with atomic = False"
)
GONE = {
    "DeleteModel": "the running version still uses the table",
    "RemoveField": "the running version still uses the column",
    "RenameField": "the running version uses the old name",
    "RenameModel": "the running version uses the old name",
    "AlterModelTable": "the running version uses the old name",
}


def problems(migration: Migration, state: ProjectState, source: str) -> Iterator[str]:
    """Yield what the previous version would not survive of ``migration``, applied to ``state``."""
    survived = set(SURVIVED.findall(source))
    new: set[tuple[str, ...]] = (
        set()
    )  # models and fields that the previous version knows nothing of
    for operation in migration.operations:
        subject = _subject(operation)
        reason = _reason(operation, migration, state, new)
        if reason and (type(operation).__name__, subject) not in survived:
            yield f"{type(operation).__name__} {subject}: {reason}"
        if isinstance(operation, operations.CreateModel):
            new.add((operation.name_lower,))
        elif isinstance(operation, operations.AddField):
            new.add((operation.model_name_lower, operation.name))
        operation.state_forwards(migration.app_label, state)


def _subject(operation: Operation) -> str:
    """Return what a comment calls the operation's object."""
    if isinstance(operation, operations.AddConstraint):
        return str(operation.constraint.name)
    if isinstance(operation, operations.AddIndex):
        return str(operation.index.name)
    if isinstance(operation, operations.RunPython):
        return str(getattr(operation.code, "__name__", "code"))
    parts = (getattr(operation, name, "") for name in ("model_name", "name"))
    return ".".join(filter(None, parts)) or "all"


def _reason(
    operation: Operation, migration: Migration, state: ProjectState, new: set[tuple[str, ...]]
) -> str | None:
    """Return why the previous version would not survive the operation; None if it would."""
    if isinstance(operation, HARMLESS) or _model(operation) in new:
        return None
    if isinstance(operation, operations.AddIndex):
        return None if _is_index_alone(migration) else BLOCKS
    if isinstance(operation, operations.AddField):
        return _reason_of_new(operation.field)
    if isinstance(operation, operations.AlterField):
        known = state.models[migration.app_label, operation.model_name_lower].fields[operation.name]
        return _reason_of_change(known, operation.field)
    if isinstance(operation, operations.AddConstraint):
        return _reason_of_constraint(operation, new)
    unclear = "whether the running version survives it cannot be told from here"
    return GONE.get(type(operation).__name__, unclear)


def _model(operation: Operation) -> tuple[str, ...]:
    return (str(getattr(operation, "model_name", "")).lower(),)


def _is_index_alone(migration: Migration) -> bool:
    """Tell whether the migration is one that builds indexes while others write."""
    kinds = (operations.AddIndex, operations.RemoveIndex)
    return not migration.atomic and all(isinstance(each, kinds) for each in migration.operations)


def _reason_of_new(field: Field) -> str | None:
    if isinstance(field, ManyToManyField):
        return None
    if _is_indexed(field) or field.unique:
        return BLOCKS
    if field.null or field.db_default is not NOT_PROVIDED:
        return None
    return "the running version inserts rows without it: let it be null, or give it a db_default"


def _reason_of_change(known: Field, changed: Field) -> str | None:
    before, after = _of_database(known), _of_database(changed)
    if after.get("null"):
        before.pop("null", None)
        after.pop("null")
    for gone in {"unique", "db_index"} - set(after):
        before.pop(gone, None)
    longer = (after.get("max_length") or 0) >= (before.get("max_length") or 0)
    if "max_length" in before and (longer or after.get("max_length") is None):
        before.pop("max_length")
        after.pop("max_length", None)
    return None if before == after else "the running version knows another kind of column"


def _of_database(field: Field) -> dict[str, Any]:
    """Return what the database knows of a field."""
    _, path, _, options = field.deconstruct()
    ignored = {*field.non_db_attrs, "default", "validators"}
    options.pop("db_index", None)
    if _is_indexed(field):
        options["db_index"] = True
    return {"kind": path} | {name: each for name, each in options.items() if name not in ignored}


def _is_indexed(field: Field) -> bool:
    """Tell whether it has an index of its own, as foreign keys have that say nothing of it."""
    return bool(getattr(field, "db_index", False))


def _reason_of_constraint(
    operation: operations.AddConstraint, new: set[tuple[str, ...]]
) -> str | None:
    _, _, options = operation.constraint.deconstruct()
    [model] = _model(operation)
    named = set(re.findall(r"'(\w+?)(?:__\w+)?'", repr(options)))
    if any((model, name) in new for name in named):
        return None  # null in all rows that the running version writes
    return "the running version may write what it forbids"


def _ours() -> list[str]:
    return [
        config.label
        for config in apps.get_app_configs()
        if config.path.startswith(str(settings.BASE_DIR)) and "site-packages" not in config.path
    ]


def main() -> int:
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "selene_project.settings")
    django.setup()
    loader = MigrationLoader(None)
    ours, found = set(_ours()), 0
    for (app, name), migration in sorted(loader.disk_migrations.items()):
        if app not in ours or migration.initial or name == "0001_initial":
            continue
        state = loader.project_state([(app, name)], at_end=False)
        source = inspect.getsource(sys.modules[type(migration).__module__])
        for problem in problems(migration, state, source):
            found += 1
            print(f"{app}/migrations/{name}.py: {problem}")  # noqa: T201
    return min(found, 1)


if __name__ == "__main__":
    sys.exit(main())
