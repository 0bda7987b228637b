"""A load that lasts while something is broken and mended, and what it saw."""

import threading
import time
from collections import Counter
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

from tools.faults.clients import Device, Household, Owner, Sample, Server

QUICK = 1.0  # seconds: what takes longer is not normal
CALM = 1.0  # seconds in which all is well: then it is normal again
POLLS = 3  # for each write


@dataclass(frozen=True)
class Seen:
    """What the clients saw, from the beginning of the load to its end."""

    answers: dict[str, int]  # by "write 204", "poll 304", "poll ConnectionRefusedError"
    stale: int  # polls that showed less than had been acknowledged before
    stale_for: float  # seconds, the longest that one device was told wrongly
    lost: int  # households whose last acknowledged write is gone
    worst: float  # seconds, the longest answer
    normal_after: float | None  # seconds from the repair; None: not before the end

    @property
    def failed(self) -> int:
        """How many requests were answered by an error or not at all."""
        return sum(count for name, count in self.answers.items() if not _is_success(name))

    @property
    def served(self) -> int:
        return sum(self.answers.values()) - self.failed


class Load:
    """Households that write and poll, each as fast as it is answered but for ``pause``."""

    def __init__(self, servers: Sequence[Server], households: int, *, pause: float = 0.02) -> None:
        self._pause = pause
        self._stop = threading.Event()
        with ThreadPoolExecutor(8) as pool:
            chosen = [servers[number % len(servers)] for number in range(households)]
            self.households = list(pool.map(_make_household, chosen))
        self._threads = [
            threading.Thread(target=self._run, args=(household,), daemon=True)
            for household in self.households
        ]

    def start(self) -> None:
        self.began_at = time.monotonic()
        for thread in self._threads:
            thread.start()

    def wait_until_normal(self, since: float, limit: float) -> float | None:
        """Wait until all has been well for a second; return how long after ``since`` that began."""
        while time.monotonic() < since + limit:
            time.sleep(0.1)
            bad = [each.at for each in self._samples() if each.at > since and not _is_normal(each)]
            last = max(bad, default=since)
            if time.monotonic() - last > CALM and self._all_have_asked(last):
                return last - since
        return None

    def stop(self) -> None:
        self._stop.set()
        for thread in self._threads:
            thread.join()

    def seen(self, normal_after: float | None = None) -> Seen:
        """Return the sum of it, once stopped and normal."""
        samples = self._samples()
        counts = Counter(f"{each.what} {each.result}" for each in samples)
        return Seen(
            answers=dict(sorted(counts.items())),
            stale=sum(each.is_stale for each in samples),
            stale_for=max(map(_longest_stale, self.households)),
            lost=sum(household.loses() for household in self.households),
            worst=max(each.seconds for each in samples),
            normal_after=normal_after,
        )

    def _run(self, household: Household) -> None:
        while not self._stop.is_set():
            household.write()
            for _ in range(POLLS):
                household.poll()
                time.sleep(self._pause)

    def _samples(self) -> list[Sample]:
        return [sample for household in self.households for sample in list(household.samples)]

    def _all_have_asked(self, since: float) -> bool:
        return all(
            any(sample.at > since for sample in household.samples[-1:])
            for household in self.households
        )


def _make_household(server: Server) -> Household:
    return Household(Device(Owner(server)))


def _is_normal(sample: Sample) -> bool:
    return sample.is_well and sample.seconds < QUICK


def _is_success(name: str) -> bool:
    return name.rpartition(" ")[2] in {"200", "204", "304"}


def _longest_stale(household: Household) -> float:
    longest, began = 0.0, None
    for sample in list(household.samples):
        if sample.what != "poll":
            continue
        if not sample.is_stale:
            began = None
        else:
            began = sample.at if began is None else began
            longest = max(longest, sample.at - began)
    return longest
