"""The files of a restore, on their way into the data folder.

Rows and files cannot be replaced in one moment. So the rows decide:

1. All files are written to the folder ``restoring`` beside those that are there.
2. The transaction that replaces the rows notes the files' number in them.
3. When it is committed the files are moved to their places, the cache is emptied, the note goes.

Whoever finds the folder, the next start or the next restore, does the third step if the rows have
the note, else removes it: so rows, files and secrets are all of the archive or all of before.
"""

import fcntl
import os
import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Any
from uuid import uuid4

from django.conf import settings
from django.core.cache import cache
from django.db import connection

from operations.models import Lease

FOLDER = "restoring"
CHUNK = 1_000_000


@contextmanager
def alone(wait: Callable[[], None] = lambda: None) -> Iterator[None]:
    """Be the only one who restores into this data folder; call ``wait`` if that takes a while."""
    Path(settings.DATA_DIR).mkdir(mode=0o700, parents=True, exist_ok=True)
    handle = os.open(settings.DATA_DIR, os.O_RDONLY | os.O_DIRECTORY)
    try:
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            wait()
            fcntl.flock(handle, fcntl.LOCK_EX)  # let go by whatever end of a process
        yield
    finally:
        os.close(handle)


class Staging:
    """Files that wait to be moved into the data folder, under the names they will have there."""

    def __init__(self) -> None:
        self.number = uuid4().hex
        self._root = _folder() / self.number
        self._root.mkdir(mode=0o700, parents=True)

    def add(self, name: str, source: IO[bytes]) -> None:
        """Write a file that only we can read."""
        path = self._root / name
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        with os.fdopen(os.open(path, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600), "wb") as file:
            shutil.copyfileobj(source, file, CHUNK)
            file.flush()
            os.fsync(file.fileno())

    def note(self, apps: Any) -> None:  # noqa: ANN401 - the project's apps, now or as they were
        """Write down, in the transaction that replaces the rows, that these files go with them."""
        leases = apps.get_model("operations.Lease").objects
        leases.update_or_create(name=Lease.RESTORE, defaults={"holder": self.number})


def settle() -> None:
    """Finish what a restore that was killed has left, or undo it."""
    if not _folder().exists():
        return
    for staged in sorted(_folder().iterdir()):
        if staged.name == _noted():
            _move(staged)
            cache.clear()  # what Redis knows of versions and tokens is of the rows before
            Lease.objects.filter(name=Lease.RESTORE, holder=staged.name).delete()
        shutil.rmtree(staged)
    _folder().rmdir()


def _folder() -> Path:
    return Path(settings.DATA_DIR) / FOLDER


def _noted() -> str | None:
    """Return the number of the files that go with the rows, if they are not all in place."""
    if Lease._meta.db_table not in connection.introspection.table_names():
        return None
    rows = Lease.objects.filter(name=Lease.RESTORE)
    return rows.values_list("holder", flat=True).first()


def _move(staged: Path) -> None:
    for path in sorted(each for each in staged.rglob("*") if each.is_file()):
        target = Path(settings.DATA_DIR) / path.relative_to(staged)
        target.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        path.replace(target)
