"""Many at once on one thing: what must come out however they interleave."""

import secrets
import threading
from collections import Counter
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import TypeVar

from tools.faults.clients import CHOICES, Device, Owner, Server

Result = TypeVar("Result")


def at_once(work: list[Callable[[], Result]]) -> list[Result]:
    """Do all of ``work`` in as many threads, begun in the same moment."""
    gate = threading.Barrier(len(work))

    def begin(each: Callable[[], Result]) -> Result:
        gate.wait()
        return each()

    with ThreadPoolExecutor(len(work)) as pool:
        return list(pool.map(begin, work))


def pair(server: Server, *, devices: int, owners: int) -> int:
    """Pair ``devices`` at once; return how many then poll and are listed by their owners."""
    with ThreadPoolExecutor(8) as pool:
        people = list(pool.map(lambda _: Owner(server), range(owners)))

    def pair_one(number: int) -> Device:
        return Device(people[number % owners], f"Device {number}")

    paired = at_once([partial(pair_one, number) for number in range(devices)])
    listed = {
        device["id"] for owner in people for device in owner.ask("GET", "/api/devices").json()
    }
    return sum(device.poll()[0] == 200 and device.id in listed for device in paired)


def claim(server: Server, *, claims: int) -> Counter[int]:
    """Let several people claim one code at once; return the statuses they got."""
    with ThreadPoolExecutor(8) as pool:
        people = list(pool.map(lambda _: Owner(server), range(claims)))
    state = secrets.token_hex(8)
    code = server.ask("GET", f"/v1/device/code?state={state}").json()["code"]
    new = CHOICES | {"name": "Kitchen", "pairingCode": code}
    answers = at_once([partial(owner.ask, "POST", "/api/devices", new) for owner in people])
    return Counter(answer.status for answer in answers)
