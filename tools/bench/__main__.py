"""The benchmark: what a request costs, and how near that is to the least Django can do.

Starts PostgreSQL, Redis and the server with two workers, fills the database, and drives each case
over kept connections, as nginx keeps them, and over new ones, as devices make them. Beside it, in
the same run, the ceiling: a bare view that answers 204. docs/performance.md says how to read it.
"""

import argparse
import json
import os
import random
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import asdict, dataclass, replace
from pathlib import Path

import redis
import requests
from rich.console import Console
from rich.table import Table

from accounts.version_cache import LIFETIME
from tools import services
from tools.bench import load, processes
from tools.live import ROOT, LiveServer, free_port

CEILING = "ceiling"
# CPU milliseconds of a request at the first Selene, application and database, and how many times
# fewer they should be.
GOALS = {
    "skill settings, 304": (1.2, 2.5),
    "device, 304": (1.0, 2.5),
    "skill settings, 200": (13.3, 8),
    "device, 200": (15.7, 8),
    "setting, 200": (15.7, 8),
    "location, 200": (15.7, 8),
    "metric": (15.5, 8),
    "pairing code": (9.7, 5),
    "profile": (13.5, 6),
    "marketplace": (14.5, 10),
    "geolocation": (81.3, 40),
    "cities": (79.0, 20),
}
GOALS |= {f"{case} by the view": goal for case, goal in GOALS.items() if case.endswith(", 200")}
SAMPLE = 500  # devices whose polls are sent
# What a device asks in a day: three polls a minute, one start, a refresh, metrics now and then. Of
# a hundred devices one was removed and asks every ten seconds.
POLLS, METRICS, REMOVED = 1_440, 50, 8_640 // 100
# Of so many polls one is answered by the view, since what Redis knows lives as many minutes.
POLLS_FROM_REDIS = LIFETIME // 60
REFUSED = ("removed", "mix")  # cases with answers 401
MIX_SIZE = 20_000


@dataclass(frozen=True)
class Measured:
    """One case, one way of connecting."""

    case: str
    keeps_connections: bool
    rate: float  # requests a second
    p50: float  # milliseconds
    p99: float
    server_cpu: float  # CPU milliseconds a request
    postgresql_cpu: float
    redis_cpu: float
    errors: int
    of_ceiling: float | None = None  # the rate as a share of the ceiling's

    @property
    def cpu(self) -> float:
        """What the first Selene's figures count: application and database."""
        return self.server_cpu + self.postgresql_cpu + self.redis_cpu


class Bench:
    """The services, the server and the ceiling, and what runs against them."""

    def __init__(self, accounts: int, seconds: float, console: Console, demo: int = 0) -> None:
        self._seconds, self._console = seconds, console
        self.requests = 0  # answered so far
        self._run = services.RunFolder()
        self._postgresql = services.PostgreSQL(self._run.path, self._run.path / "postgresql")
        self._server = LiveServer(
            self._run.path,
            is_fleet=True,
            SELENE_RUN_JOBS="false",
            SELENE_THROTTLE_SCALE="1000000",
            SELENE_LOG_FORMAT="json",
        )
        self._server.start()
        self._fill(accounts, demo)
        self.cases = self._make_cases()

    def close(self) -> None:
        self._server.close()
        self._run.close()

    def measure(self, case: str, *, keeps_connections: bool) -> Measured:
        """Drive ``case`` once; its devices' tags and tokens are in the cache, as after a minute."""
        asks = self.cases[case]
        self._warm(asks)
        assert self._server.redis is not None
        parts = {
            "server_cpu": self._server.process_id,
            "postgresql_cpu": self._postgresql.process_id,
            "redis_cpu": self._server.redis.process.pid,
        }
        before = {name: _cpu(process) for name, process in parts.items()}
        result = load.drive(
            self._server.url, asks, seconds=self._seconds, keeps_connections=keeps_connections
        )
        used = {name: _cpu(process) - before[name] for name, process in parts.items()}
        self.requests += result.requests
        return _measured(case, result, used, keeps_connections)

    def measure_ceiling(self, *, keeps_connections: bool) -> Measured:
        """Drive the bare view, on the same gunicorn."""
        with self._ceiling() as (url, process):
            asks = [load.Ask("GET", "/nothing")]
            load.drive(url, asks, seconds=1, keeps_connections=True)
            before = _cpu(process)
            result = load.drive(
                url, asks, seconds=self._seconds, keeps_connections=keeps_connections
            )
            used = {"server_cpu": _cpu(process) - before, "postgresql_cpu": 0, "redis_cpu": 0}
        return _measured(CEILING, result, used, keeps_connections)

    def memory(self) -> dict[str, float]:
        """Return megabytes by process of the server."""
        return {
            str(process): round(processes.resident_megabytes(process))
            for process in sorted(processes.family(self._server.process_id))
        }

    def redis_figures(self) -> tuple[float, float]:
        """Return microseconds of a script in Redis, without reading and writing, and megabytes."""
        client = redis.Redis.from_url(self._server.environment["REDIS_URL"])
        scripts = client.info("commandstats")["cmdstat_evalsha"]
        return scripts["usec_per_call"], client.info("memory")["used_memory"] / 1e6

    def _fill(self, accounts: int, demo: int) -> None:
        if folder := os.environ.get("SELENE_TEST_DATA"):
            self._console.print("Loading the whole geography")
            self._server.manage("load_geonames", "--from", folder)
        else:
            self._console.print("SELENE_TEST_DATA is not set: only the geography that ships")
        if demo:
            self._console.print(f"Making {demo:,} devices more, which ask for nothing")
            self._server.manage("seed_demo", "--devices", str(demo), "--accounts", str(demo // 3))
        self._console.print(f"Making {accounts:,} accounts with their devices")
        file = self._run.path / "requests.json"
        command = [sys.executable, "-m", "tools.bench.seed", str(file), "--accounts", str(accounts)]
        environment = self._server.environment | {
            "DJANGO_SETTINGS_MODULE": "selene_project.settings"
        }
        subprocess.run(command, check=True, cwd=ROOT, env=environment)
        self._asks = {
            name: [load.Ask(**each) for each in asks]
            for name, asks in json.loads(file.read_text()).items()
            if name != "devices"
        }

    def _make_cases(self) -> dict[str, list[load.Ask]]:
        polls = {
            name: self._with_tags(self._sample(name))
            for name in ("skill settings", "device", "setting", "location")
        }
        reads = ("skill settings", "device", "setting", "location")
        cases = {f"{name}, 304": polls[name] for name in ("skill settings", "device")}
        cases |= {f"{name}, 200": self._sample(name) for name in reads}
        cases |= {f"{name}, 200 by the view": _past_redis(self._sample(name)) for name in reads}
        cases["metric"] = self._sample("metric")
        others = ("pairing code", "profile", "marketplace", "geolocation", "cities")
        cases |= {name: self._asks[name] for name in others}
        cases["marketplace, 304"] = self._with_tags(self._asks["marketplace"])
        cases["removed"] = self._asks["removed"]
        return cases | {"mix": self._mix(polls)}

    def _sample(self, name: str) -> list[load.Ask]:
        return random.sample(self._asks[name], min(SAMPLE, len(self._asks[name])))

    def _with_tags(self, asks: list[load.Ask]) -> list[load.Ask]:
        """Return ``asks`` as devices repeat them: with the tag of the last answer, unquoted."""
        tagged = []
        with requests.Session() as session:
            for ask in asks:
                response = session.get(self._server.url + ask.path, headers=ask.headers)
                tag = response.headers.get("ETag", "").strip('"')
                tagged.append(replace(ask, headers=ask.headers | {"If-None-Match": tag}))
        return tagged

    def _mix(self, polls: dict[str, list[load.Ask]]) -> list[load.Ask]:
        """Return what a thousand devices ask, in no order, each as often as in a day."""
        start_size = len(self._asks["start"]) // 50
        polled = [polls[name] for name in ("skill settings", "setting", "location")]
        weights: list[tuple[list[load.Ask], float]] = [
            *((asks, POLLS - POLLS / POLLS_FROM_REDIS) for asks in polled),
            *((_past_redis(asks), POLLS / POLLS_FROM_REDIS) for asks in polled),
            (self._asks["metric"], METRICS),
            (self._asks["removed"], REMOVED),
            (self._asks["start"], start_size),
        ]
        lists, shares = zip(*weights, strict=True)
        chosen = random.choices(lists, shares, k=MIX_SIZE)
        self.requests_per_device_day = sum(shares)
        return [random.choice(asks) for asks in chosen]

    def _warm(self, asks: list[load.Ask]) -> None:
        with requests.Session() as session:
            for ask in asks[:SAMPLE] if asks[0].method == "GET" else asks[:20]:
                session.request(
                    ask.method, self._server.url + ask.path, headers=ask.headers, data=ask.body
                )

    @contextmanager
    def _ceiling(self) -> Iterator[tuple[str, int]]:
        port = free_port()
        environment = self._server.environment | {"PORT": str(port)}
        command = [sys.executable, "-m", "gunicorn", "--config", "tools/bench/ceiling.conf.py"]
        process = subprocess.Popen(command, cwd=ROOT, env=environment, start_new_session=True)
        url = f"http://127.0.0.1:{port}"
        try:
            services.wait_until(lambda: _answers(f"{url}/nothing"), what="no ceiling")
            yield url, process.pid
        finally:
            process.terminate()
            process.wait(30)


def _measured(
    case: str, result: load.Result, used: dict[str, float], keeps_connections: bool
) -> Measured:
    each = {name: 1_000 * seconds / result.requests for name, seconds in used.items()}
    return Measured(
        case,
        keeps_connections,
        rate=result.requests / result.seconds,
        p50=result.p50,
        p99=result.p99,
        errors=result.errors,
        **each,
    )


def _past_redis(asks: list[load.Ask]) -> list[load.Ask]:
    """Return ``asks`` so that the views answer them: one tag too many is for no fast path."""
    tags = [f"none, {ask.headers.get('If-None-Match', '')}" for ask in asks]
    return [
        replace(ask, headers=ask.headers | {"If-None-Match": tag})
        for ask, tag in zip(asks, tags, strict=True)
    ]


def _cpu(process: int) -> float:
    return processes.cpu_seconds(processes.family(process))


def _answers(url: str) -> bool:
    try:
        return requests.get(url, timeout=1).status_code == 204
    except requests.RequestException:
        return False


def _run_all(bench: Bench, cases: list[str], runs: int) -> Iterator[Measured]:
    """Yield the better of ``runs`` of each case and way, beside the ceiling of the same run."""
    for keeps_connections in (True, False):
        ceilings = [bench.measure_ceiling(keeps_connections=keeps_connections) for _ in range(runs)]
        ceiling = max(ceilings, key=lambda each: each.rate)
        yield replace(ceiling, of_ceiling=1.0)
        for case in cases:
            measured = [
                bench.measure(case, keeps_connections=keeps_connections) for _ in range(runs)
            ]
            best = max(measured, key=lambda each: each.rate)
            yield replace(best, of_ceiling=best.rate / ceiling.rate)


def _table(rows: list[Measured], bench: Bench) -> Table:
    table = Table(title="Two workers; wrk with 16 connections on the same machine")
    for heading in ("case", "connections", "req/s", "of ceiling", "p50 ms", "p99 ms"):
        table.add_column(heading, justify="left" if heading in ("case", "connections") else "right")
    for heading in ("server", "PostgreSQL", "Redis", "CPU ms", "times fewer", "goal", "errors"):
        table.add_column(heading, justify="right")
    for row in rows:
        before, goal = GOALS.get(row.case, (None, None))
        table.add_row(
            row.case,
            "kept" if row.keeps_connections else "new",
            f"{row.rate:,.0f}",
            f"{row.of_ceiling:.0%}" if row.of_ceiling else "",
            f"{row.p50:.1f}",
            f"{row.p99:.1f}",
            f"{row.server_cpu:.2f}",
            f"{row.postgresql_cpu:.2f}",
            f"{row.redis_cpu:.2f}",
            f"{row.cpu:.2f}",
            f"{before / row.cpu:.1f}" if before else "",
            f"{goal:g}" if goal else "",
            str(row.errors),
        )
    return table


def main() -> int:
    parser = argparse.ArgumentParser(prog="make bench ARGS=", description=__doc__)
    parser.add_argument("--seconds", type=float, default=10, help="for each case")
    parser.add_argument("--runs", type=int, default=2, help="of each case, the better counts")
    parser.add_argument("--accounts", type=int, default=1_000, help="with three devices each")
    parser.add_argument("--demo", type=int, default=0, metavar="N", help="devices beside them")
    parser.add_argument("--only", action="append", default=[], help="cases that begin like this")
    parser.add_argument("--json", type=Path, help="also write the results there")
    arguments = parser.parse_args()
    console = Console(width=None if sys.stdout.isatty() else 160)
    try:
        load.find_wrk()
    except load.NoWrk as error:
        console.print(str(error))
        return 1
    begin = time.monotonic()
    with closing(Bench(arguments.accounts, arguments.seconds, console, arguments.demo)) as bench:
        chosen = [
            case
            for case in bench.cases
            if not arguments.only or case.startswith(tuple(arguments.only))
        ]
        rows = []
        console.print(f"Memory of the server's processes, MB: {bench.memory()}")
        for row in _run_all(bench, chosen, arguments.runs):
            rows.append(row)
            console.print(
                f"{row.case}: {row.rate:,.0f} req/s, {row.cpu:.2f} ms CPU", highlight=False
            )
        console.print(_table(rows, bench))
        _tell_devices(rows, bench, console)
        console.print(
            f"Memory of the server's processes after {bench.requests:,} requests, MB: "
            f"{bench.memory()}"
        )
        microseconds, megabytes = bench.redis_figures()
        console.print(f"Redis: {microseconds:.0f} µs a script, {megabytes:.0f} MB")
    console.print(f"{time.monotonic() - begin:.0f} s in all")
    if arguments.json:
        arguments.json.write_text(json.dumps([asdict(row) for row in rows], indent=2) + "\n")
    return 0 if all(row.errors == 0 for row in rows if row.case not in REFUSED) else 1


def _tell_devices(rows: list[Measured], bench: Bench, console: Console) -> None:
    for row in rows:
        if row.case == "mix" and not row.keeps_connections:
            each = bench.requests_per_device_day / 86_400
            console.print(
                f"A device makes {each:.3f} requests a second: a core's whole time, database and "
                f"cache included, carries {1_000 / row.cpu / each:,.0f} devices"
            )


if __name__ == "__main__":
    sys.exit(main())
