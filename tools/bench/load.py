"""Driving a server with wrk: requests made beforehand, sent in turn, over kept or new connections.

wrk (https://github.com/wg/wrk) is one program in C, so that little of the machine goes to asking.
"""

import json
import shutil
import subprocess
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from tempfile import TemporaryDirectory

CONNECTIONS = 16
SCRIPT = """
local lines = {}
local made = {}
local turn = 0

function init(args)
  for line in io.lines("%(requests)s") do lines[#lines + 1] = line end
  for _, line in ipairs(lines) do
    local parts = load("return " .. line)()
    made[#made + 1] = wrk.format(parts[1], parts[2], parts[3], parts[4])
  end
  lines = nil
end

function request()
  turn = turn %% #made + 1
  return made[turn]
end

function done(summary, latency, requests)
  local e = summary.errors
  io.write(string.format(
    '\\nRESULT {"requests": %%d, "seconds": %%f, "p50": %%f, "p99": %%f, "errors": %%d}\\n',
    summary.requests, summary.duration / 1e6, latency:percentile(50) / 1e3,
    latency:percentile(99) / 1e3, e.connect + e.read + e.write + e.status + e.timeout))
end
"""


class NoWrk(Exception):
    """The program that makes the load is not installed."""


@dataclass(frozen=True)
class Ask:
    """One request, as it goes over the wire."""

    method: str
    path: str
    headers: dict[str, str] = field(default_factory=dict)
    body: str | None = None


@dataclass(frozen=True)
class Result:
    requests: int
    seconds: float
    p50: float  # milliseconds
    p99: float
    errors: int  # refused, cut off, timed out, or answered 400 and above


def find_wrk() -> str:
    """Return the program's path.

    Raises:
        NoWrk: with what to do.
    """
    if program := shutil.which("wrk"):
        return program
    raise NoWrk("The benchmark needs wrk: apt install wrk, or https://github.com/wg/wrk")


def drive(url: str, asks: Sequence[Ask], *, seconds: float, keeps_connections: bool) -> Result:
    """Send ``asks`` over and over to the server at ``url``, 16 at a time."""
    with TemporaryDirectory(prefix="selene-load-") as folder:
        requests, script = Path(folder) / "requests", Path(folder) / "script.lua"
        requests.write_text("".join(_as_lua(ask, keeps_connections) for ask in asks))
        script.write_text(SCRIPT % {"requests": requests})
        command = [find_wrk(), "-t1", f"-c{CONNECTIONS}", f"-d{seconds:g}s", "--latency"]
        command += ["--timeout", "10s", "-s", str(script), url]
        done = subprocess.run(command, capture_output=True, text=True, timeout=seconds + 60)
    for line in done.stdout.splitlines():
        if line.startswith("RESULT "):
            return Result(**json.loads(line.removeprefix("RESULT ")))
    raise RuntimeError(f"wrk: {done.stderr or done.stdout}")


def _as_lua(ask: Ask, keeps_connections: bool) -> str:
    headers = ask.headers if keeps_connections else ask.headers | {"Connection": "close"}
    table = ", ".join(f"[{json.dumps(name)}]={json.dumps(text)}" for name, text in headers.items())
    body = "nil" if ask.body is None else json.dumps(ask.body)
    return f"{{{json.dumps(ask.method)}, {json.dumps(ask.path)}, {{{table}}}, {body}}}\n"
