"""Breaks servers that are in use, one fault after the other, and prints what clients saw.

Starts a fleet's server (PostgreSQL, Redis, two workers) and a household's (SQLite), each with
households that write and poll as fast as they are answered. Ends with status 1 if anything that was
acknowledged got lost, a poll told less than that, a mistake of ours (500) showed, or it did not
become normal again. docs/deployment.md tells how to read it.
"""

import argparse
import sys
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

from rich.console import Console
from rich.table import Table

from tools import services
from tools.faults import crowds, editors, faults
from tools.faults.clients import Server
from tools.faults.load import Seen
from tools.live import LiveServer

ENVIRONMENT = {
    "SELENE_RUN_JOBS": "false",
    "SELENE_STAFF_TWO_STEP": "false",
    "SELENE_THROTTLE_SCALE": "1000000",
}
HEADINGS = ("shape", "fault", "served", "failed", "lost", "stale", "longest", "normal after")
FAULTS = {"fleet": faults.FLEET, "household": faults.HOUSEHOLD}


@contextmanager
def _rig(folder: Path, shape: str) -> Iterator[faults.Rig]:
    is_fleet = shape == "fleet"
    postgresql = None
    if is_fleet:
        postgresql = services.PostgreSQL(folder, folder / "postgresql", keeps_commits=True)
    with closing(LiveServer(folder, is_fleet=is_fleet, **ENVIRONMENT)) as server:
        server.start()
        yield faults.Rig(server, postgresql)


def _is_well(seen: Seen) -> bool:
    has_mistakes = any(name.endswith(" 500") for name in seen.answers)
    return not (seen.lost or seen.stale or has_mistakes) and seen.normal_after is not None


def _add(table: Table, shape: str, name: str, seen: Seen) -> None:
    failed = Counter[str]()
    for answer, count in seen.answers.items():
        result = answer.rpartition(" ")[2]
        if result not in {"200", "204", "304"}:
            failed[result] += count
    told = ", ".join(f"{count} {result}" for result, count in failed.items()) or "none"
    stale = f"{seen.stale} ({seen.stale_for:.1f} s)" if seen.stale else "0"
    normal = "never" if seen.normal_after is None else f"{seen.normal_after:.1f} s"
    worst = f"{seen.worst:.2f} s"
    table.add_row(shape, name, f"{seen.served:,}", told, str(seen.lost), stale, worst, normal)


def _crowd(rig: faults.Rig, shape: str, console: Console) -> bool:
    server = Server(rig.server.port, patience=60)
    begin = time.monotonic()
    paired = crowds.pair(server, devices=200, owners=20)
    took = time.monotonic() - begin
    claims = crowds.claim(server, claims=20)
    wrong = editors.edit_at_once(rig.server, 20)
    console.print(f"{shape}: of 200 devices that pair at once {paired} are paired, in {took:.0f} s")
    console.print(f"{shape}: twenty who claim one code get {dict(claims)}")
    console.print(f"{shape}: 60 edits by owner, operator and command: {wrong or 'all shown'}")
    return paired == 200 and claims == {204: 1, 400: 19} and not wrong


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tools.faults", description=__doc__)
    parser.add_argument("--seconds", type=float, default=5, help="that each fault lasts")
    parser.add_argument("--households", type=int, default=8, help="that write and poll")
    parser.add_argument("--shape", choices=FAULTS, action="append", help="both by default")
    arguments = parser.parse_args()
    console = Console(width=None if sys.stdout.isatty() else 170)
    table = Table(title=f"{arguments.households} households, each fault {arguments.seconds:g} s")
    for heading in (
        "shape",
        "fault",
        "served",
        "failed",
        "lost",
        "stale",
        "longest",
        "normal after",
    ):
        table.add_column(heading)
    is_well = True
    with closing(services.RunFolder()) as run:
        for shape in arguments.shape or FAULTS:
            with _rig(run.path, shape) as rig:
                for name, fault in FAULTS[shape].items():
                    console.print(f"{shape}: {name}")
                    seen = faults.inflict(
                        rig, fault, households=arguments.households, seconds=arguments.seconds
                    )
                    _add(table, shape, name, seen)
                    is_well &= _is_well(seen)
                console.print(table)
                is_well &= _crowd(rig, shape, console)
    return 0 if is_well else 1


if __name__ == "__main__":
    sys.exit(main())
