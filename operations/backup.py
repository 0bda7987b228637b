"""Everything an installation has, in one archive that any other installation can take over.

The archive is a ZIP file:

    tables/<app>.<model>.jsonl   a row a line, the values in the order that the manifest gives
    files/<path>                 the data folder, less the database
    secrets.env                  without which what is encrypted in the tables could not be read
    manifest.json                the migrations, the tables' fields, and a SHA-256 of each part

Nothing in it is of one database, so SQLite's goes into PostgreSQL and back. All tables are read
from one snapshot while the server goes on, and whatever their size a few thousand rows at a time.

A restore first checks all of the archive, then replaces all rows in one transaction, with which go
the files (``staged_files``): whoever is cut off at any moment has the old installation or the new.
"""

import hashlib
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, Any, BinaryIO

import orjson
from django.apps import apps as current_apps
from django.conf import settings
from django.core.management import call_command
from django.core.management.color import no_style
from django.db import DatabaseError, connection, models, transaction
from django.db.migrations.graph import MigrationGraph
from django.db.models.functions import Cast

from operations import bulk, migrating, progress, staged_files

FORMAT = 1
BATCH = 5_000
CHUNK = 1_000_000
MANIFEST, SECRETS = "manifest.json", "secrets.env"
SECRET_SETTINGS = {
    "DJANGO_SECRET_KEY": "SECRET_KEY",
    "JWT_ACCESS_SECRET": "JWT_ACCESS_SECRET",
    "JWT_REFRESH_SECRET": "JWT_REFRESH_SECRET",
    "JWT_RESET_SECRET": "JWT_RESET_SECRET",
}
NOT_KEPT = {"metrics", staged_files.FOLDER}  # folders in the data folder

Model = type[models.Model]


class Refused(Exception):
    """The archive was not restored, and nothing was changed; the text says why."""


@dataclass
class Contents:
    """What was saved or restored."""

    rows: int = 0
    files: int = 0
    warnings: list[str] = field(default_factory=list)

    def __str__(self) -> str:
        return f"{self.rows} rows and {self.files} files"


class _Part:
    """A part of the archive that is being written, and its digest."""

    def __init__(self, member: IO[bytes]) -> None:
        self._member = member
        self.digest = hashlib.sha256()

    def write(self, data: bytes) -> None:
        self._member.write(data)
        self.digest.update(data)


def save(file: BinaryIO, tell: progress.Tell = progress.silently) -> Contents:
    """Write an archive of everything to ``file``."""
    contents = Contents()
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED, compresslevel=3) as archive:
        digests: dict[str, str] = {}
        with _snapshot():
            migrations = _applied()
            tables = [_save_table(archive, digests, each, tell) for each in _models(current_apps)]
        contents.rows = sum(table["rows"] for table in tables)
        for path, name in _files():
            tell("files", None)
            with path.open("rb") as source, _part(archive, digests, f"files/{name}") as part:
                while chunk := source.read(CHUNK):
                    part.write(chunk)
            contents.files += 1
        with _part(archive, digests, SECRETS) as part:
            part.write("".join(f"{name}={value}\n" for name, value in _secrets().items()).encode())
        manifest = {"format": FORMAT, "migrations": migrations, "tables": tables, "sha256": digests}
        archive.writestr(MANIFEST, orjson.dumps(manifest, option=orjson.OPT_INDENT_2))
    return contents


def restore(
    file: BinaryIO, *, force: bool = False, tell: progress.Tell = progress.silently
) -> Contents:
    """Replace everything by what is in the archive ``file``.

    Raises:
        Refused: the archive is damaged or of another version, or there are accounts that would be
            lost, and ``force`` is not set.
    """
    try:
        with staged_files.alone(), zipfile.ZipFile(file) as archive:
            staged_files.settle()
            manifest = _check(archive, tell)
            if _has_accounts() and not force:
                raise Refused("the database has accounts; --force replaces them")
            contents = Contents(warnings=_note_secrets(archive))
            staging = staged_files.Staging()
            try:
                contents.files = _stage_files(archive, manifest, staging)
                contents.rows = _restore_tables(archive, manifest, staging, tell)
            finally:
                staged_files.settle()
    except (zipfile.BadZipFile, orjson.JSONDecodeError, EOFError) as error:
        raise Refused(f"no archive, or a damaged one: {error}") from error
    call_command("migrate", verbosity=0, interactive=False)
    return contents


@contextmanager
def _snapshot() -> Iterator[None]:
    """Read all from one moment, and let others write meanwhile."""
    if connection.vendor == "postgresql":
        with transaction.atomic(), connection.cursor() as cursor:
            cursor.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ, READ ONLY")
            yield
        return
    connection.ensure_connection()  # which sets the mode
    mode = connection.transaction_mode  # type: ignore[attr-defined]
    connection.transaction_mode = "DEFERRED"  # type: ignore[attr-defined]  # else it locks
    try:
        with transaction.atomic():
            yield
    finally:
        connection.transaction_mode = mode  # type: ignore[attr-defined]


def _models(apps: Any) -> list[Model]:  # noqa: ANN401 - the project's apps, now or as they were
    found = apps.get_models(include_auto_created=True)
    kept = [model for model in found if model._meta.managed and not model._meta.proxy]
    return sorted(kept, key=lambda model: model._meta.label_lower)


def _save_table(
    archive: zipfile.ZipFile, digests: dict[str, str], model: Model, tell: progress.Tell
) -> dict[str, Any]:
    names = [each.attname for each in model._meta.concrete_fields]
    count = 0
    total = model._base_manager.count() or 1
    with _part(archive, digests, f"tables/{model._meta.label_lower}.jsonl") as part:
        for batch in _read(model):
            part.write(b"".join(orjson.dumps(row, default=str) + b"\n" for row in batch))
            count += len(batch)
            tell(str(model._meta.verbose_name_plural), count / total)
    return {"model": model._meta.label_lower, "fields": names, "rows": count}


def _read(model: Model) -> Iterator[list[tuple]]:
    """Yield all rows in lists, by key: server-side cursors are not for every installation."""
    key = model._meta.pk.attname
    # As text: what Python makes of numbers in JSON need not be what was stored.
    values = [
        Cast(each.attname, models.TextField())
        if isinstance(each, models.JSONField)
        else each.attname
        for each in model._meta.concrete_fields
    ]
    place = [each.attname for each in model._meta.concrete_fields].index(key)
    rows = model._base_manager.order_by(key).values_list(*values)
    batch = list(rows[:BATCH])
    while batch:
        yield batch
        batch = list(rows.filter(**{f"{key}__gt": batch[-1][place]})[:BATCH])


@contextmanager
def _part(archive: zipfile.ZipFile, digests: dict[str, str], name: str) -> Iterator[_Part]:
    with archive.open(name, "w", force_zip64=True) as member:
        part = _Part(member)
        yield part
    digests[name] = part.digest.hexdigest()


def _files() -> Iterator[tuple[Path, str]]:
    """Yield what is to be kept of the data folder, with its name there."""
    root = Path(settings.DATA_DIR)
    for path in sorted(root.rglob("*")):
        name = path.relative_to(root)
        is_database = ".sqlite3" in path.name
        is_secret = len(name.parts) == 1 and path.name.startswith(SECRETS)
        if is_database or is_secret or name.parts[0] in NOT_KEPT or path.suffix == ".part":
            continue
        if path.is_file() and not path.is_symlink():
            yield path, name.as_posix()


def _secrets() -> dict[str, str]:
    secrets = {name: getattr(settings, setting) for name, setting in SECRET_SETTINGS.items()}
    return secrets | {"SELENE_FIELD_KEY": ",".join(settings.FIELD_KEYS)}


def _applied() -> list[list[str]]:
    executor = migrating.Executor(connection)
    return sorted([app, name] for app, name in executor.loader.applied_migrations)


def _check(archive: zipfile.ZipFile, tell: progress.Tell) -> dict[str, Any]:
    """Return the manifest, if all is there and as it was written."""
    try:
        manifest: dict[str, Any] = orjson.loads(archive.read(MANIFEST))
    except KeyError as error:
        raise Refused("no archive of this program, or not all of one") from error
    if manifest.get("format") != FORMAT:
        raise Refused("made by a later version of this program")
    digests: dict[str, str] = manifest["sha256"]
    names = {name for name in archive.namelist() if name != MANIFEST}
    if names != set(digests):
        raise Refused("the archive is damaged: its parts are not those that it lists")
    for name in names:
        _check_place(name.removeprefix("files/"))
    for number, (name, digest) in enumerate(digests.items()):
        tell("checking", number / len(digests))
        actual = hashlib.sha256()
        with archive.open(name) as member:
            while chunk := member.read(CHUNK):
                actual.update(chunk)
        if actual.hexdigest() != digest:
            raise Refused(f"the archive is damaged: {name}")
    return manifest


def _has_accounts() -> bool:
    tables = connection.introspection.table_names()
    account = current_apps.get_model(settings.AUTH_USER_MODEL)
    return account._meta.db_table in tables and account._base_manager.exists()


def _restore_tables(
    archive: zipfile.ZipFile,
    manifest: dict[str, Any],
    staging: staged_files.Staging,
    tell: progress.Tell,
) -> int:
    apps = _apps_as_of(manifest["migrations"])
    count = 0
    try:
        with transaction.atomic():
            _clear(_models(apps))
            for table in manifest["tables"]:
                model = apps.get_model(table["model"])
                loaded = bulk.insert(model, table["fields"], _rows(archive, model, table, tell))
                if loaded != table["rows"]:
                    raise Refused(f"the archive is damaged: {table['model']}")
                count += loaded
            _continue_numbers(_models(apps))
            # Those were under way when the archive was made.
            apps.get_model("operations.JobRun").objects.filter(ended_at=None).delete()
            staging.note(apps)
    except DatabaseError as error:
        reason = str(error).strip().splitlines()[0]
        raise Refused(f"the database does not take it: {reason}") from error
    return count


def _apps_as_of(migrations: list[list[str]]) -> Any:  # noqa: ANN401 - historical or current apps
    """Return the models as the archive has them, with the tables to hold them.

    An empty database, or an earlier one, is brought to the state of the archive, and by the caller
    from there to ours.
    """
    archived = {(app, name) for app, name in migrations}
    executor = migrating.Executor(connection)
    loader = executor.loader
    applied = set(loader.applied_migrations)
    if applied == archived and archived >= set(loader.disk_migrations):
        return current_apps
    if not archived <= set(loader.disk_migrations):
        raise Refused("made by a later version of this program: update it first")
    nodes = archived & set(loader.graph.nodes)
    if not applied <= archived:
        raise Refused("made by an earlier version: restore it into an empty database, then it fits")
    targets = [node for node in nodes if not _children(loader.graph, node) & nodes]
    executor.migrate(targets)
    loader.build_graph()
    return loader.project_state(targets).apps


def _children(graph: MigrationGraph, node: tuple[str, str]) -> set[tuple[str, str]]:
    """Return the next migrations of the same app."""
    return {child.key for child in graph.node_map[node].children if child.key[0] == node[0]}


def _clear(all_models: list[Model]) -> None:
    tables = [connection.ops.quote_name(model._meta.db_table) for model in all_models]
    with connection.cursor() as cursor:
        if connection.vendor == "postgresql":
            cursor.execute(f"TRUNCATE {', '.join(tables)}")
        else:
            for table in tables:
                cursor.execute(f"DELETE FROM {table}")  # noqa: S608


def _continue_numbers(all_models: list[Model]) -> None:
    with connection.cursor() as cursor:
        for statement in connection.ops.sequence_reset_sql(no_style(), all_models):
            cursor.execute(statement)


def _rows(
    archive: zipfile.ZipFile, model: Model, table: dict[str, Any], tell: progress.Tell
) -> Iterator[list[object]]:
    by_name = {each.attname: each for each in model._meta.concrete_fields}
    fields = [by_name[name] for name in table["fields"]]
    total = table["rows"] or 1
    with archive.open(f"tables/{table['model']}.jsonl") as member:
        for number, line in enumerate(member):
            if number % BATCH == 0:
                tell(str(model._meta.verbose_name_plural), number / total)
            yield [
                value if isinstance(each, models.JSONField) else each.to_python(value)
                for each, value in zip(fields, orjson.loads(line), strict=True)
            ]


def _stage_files(
    archive: zipfile.ZipFile, manifest: dict[str, Any], staging: staged_files.Staging
) -> int:
    names = [name for name in manifest["sha256"] if name.startswith("files/")]
    for name in names:
        with archive.open(name) as source:
            staging.add(name.removeprefix("files/"), source)
    if settings.SECRETS_FROM_FILE:
        with archive.open(SECRETS) as source:
            staging.add(SECRETS, source)
    return len(names)


def _check_place(name: str) -> None:
    """Refuse a file that would not be in the data folder, or is none of an installation's."""
    root = Path(settings.DATA_DIR).resolve()
    path = (root / name).resolve()
    if not path.is_relative_to(root) or path == root:
        raise Refused(f"the archive has a file that is not for the data folder: {name}")


def _note_secrets(archive: zipfile.ZipFile) -> list[str]:
    """Return what to tell about secrets that the environment sets to other values."""
    if settings.SECRETS_FROM_FILE:
        return []
    lines = archive.read(SECRETS).decode().splitlines()
    archived = dict(line.split("=", 1) for line in lines)
    changed = [name for name, value in _secrets().items() if archived.get(name) != value]
    return [f"{name} is not that of the archive's installation" for name in changed]
