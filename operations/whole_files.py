"""Files that are there as a whole or not at all, and that only we can read."""

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO


@contextmanager
def writing(path: Path) -> Iterator[BinaryIO]:
    """Yield a file that becomes ``path`` when the block ends well.

    Until then it is ``<name>.part``. Whoever is killed leaves that, and the next to write ``path``
    takes it over; who writes it at the same moment waits.
    """
    draft = path.with_name(f"{path.name}.part")
    with _taken(draft) as file:
        try:
            yield file
            file.flush()
            os.fsync(file.fileno())
            draft.replace(path)
        except BaseException:
            draft.unlink(missing_ok=True)
            raise


def _taken(draft: Path) -> BinaryIO:
    """Return the empty file ``draft``, which nobody else writes until it is closed."""
    while True:
        file = os.fdopen(os.open(draft, os.O_CREAT | os.O_RDWR, 0o600), "r+b")
        fcntl.flock(file, fcntl.LOCK_EX)  # let go by whatever end of this process
        if draft.exists() and os.path.samestat(draft.stat(), os.fstat(file.fileno())):
            file.truncate()
            return file
        file.close()  # it has become what the other wrote
