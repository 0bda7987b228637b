"""Ends the services of a run and removes its folder once whoever started them is gone.

Runs beside the run (``python keeper.py FOLDER``) with its standard input tied to it: that closes
when the run ends, by whatever death, Ctrl-C and kill -9 among them.

Each file in ``FOLDER/running`` says what to end: a signal's name and a process id, or the id of a
process group with a minus.
"""

import contextlib
import os
import shutil
import signal
import sys
import time
from pathlib import Path

PATIENCE = 10.0  # seconds that a process has to end


def end_noted(folder: Path) -> None:
    """Signal every process noted in ``folder``, all of them before waiting for any."""
    signalled = []
    for note in (folder / "running").iterdir():
        name, process_id = note.read_text().split()
        with contextlib.suppress(ProcessLookupError):
            os.kill(int(process_id), signal.Signals[f"SIG{name}"])
            signalled.append(int(process_id))
    deadline = time.monotonic() + PATIENCE
    while any(map(_is_alive, signalled)) and time.monotonic() < deadline:
        time.sleep(0.02)


def _is_alive(process_id: int) -> bool:
    try:
        os.kill(process_id, 0)
    except ProcessLookupError:
        return False
    return not _is_zombie(process_id)


def _is_zombie(process_id: int) -> bool:
    """Tell whether the process has ended and only its parent has not asked yet (Linux)."""
    try:
        stat = Path(f"/proc/{abs(process_id)}/stat").read_text()
    except OSError:
        return False
    return stat.rpartition(")")[2].split()[0] == "Z"


if __name__ == "__main__":
    run_folder = Path(sys.argv[1])
    sys.stdin.read()
    end_noted(run_folder)
    shutil.rmtree(run_folder, ignore_errors=True)
