"""How much of the processors a process and those it started have used."""

import os
from collections.abc import Iterable
from pathlib import Path

TICKS = os.sysconf("SC_CLK_TCK")


def family(ancestor: int) -> set[int]:
    """Return the ids of the process and of all that descend from it."""
    parents = {}
    for folder in Path("/proc").glob("[0-9]*"):
        if (fields := _fields(int(folder.name))) is not None:
            parents[int(folder.name)] = int(fields[1])
    found = {ancestor}
    while more := {child for child, parent in parents.items() if parent in found} - found:
        found |= more
    return found


def cpu_seconds(processes: Iterable[int]) -> float:
    """Return what the processes have used since they began, with children that have ended."""
    stats = [fields for fields in map(_fields, processes) if fields is not None]
    return sum(sum(map(int, fields[11:15])) for fields in stats) / TICKS


def resident_megabytes(process: int) -> float:
    """Return the memory that the process holds at present, shared parts included."""
    fields = _fields(process)
    return 0.0 if fields is None else int(fields[21]) * os.sysconf("SC_PAGE_SIZE") / 1e6


def _fields(process: int) -> list[str] | None:
    """Return what /proc/<id>/stat says after the name: state, parent, ...; None once ended."""
    try:
        return Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()
    except OSError:
        return None
