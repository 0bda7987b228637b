"""What devices report of themselves, and the voice interactions that it tells of.

mycroft-core reports each step of an interaction as a metric "timing": ``{"id": <whose step>,
"system": <the step>, "start_time": <Unix seconds>, "time": <seconds it took>}`` and, by step:

* ``stt``: ``stt`` (the engine) and ``transcription``
* ``intent_service``: ``intent_type``
* ``fallback_handler``, ``skill_handler``: ``handler``
* ``speech``: ``tts`` (the engine) and ``utterance``
* ``speech_playback``
"""

import uuid
from collections.abc import Iterable
from datetime import UTC, date, datetime, time, timedelta
from functools import lru_cache

from django.conf import settings
from django.db import transaction
from django.utils import timezone

from accounts import activity, agreements
from accounts.models import Account
from accounts.prepared_insert import PreparedInsert
from devices.models import CoreInteraction, CoreMetric, Device
from geography.bulk import batches

NAME_LENGTH = 200
VALUE_BYTES = 65_536
TIMING = "timing"
# The steps of an interaction may be on both sides of midnight.
LONGEST = timedelta(hours=1)
# Devices' clocks can be wrong, and some say 1970 until they have asked for the time.
CLOCK_ERROR = timedelta(days=1)
BATCH = 200  # devices
PIECE = 500  # interactions
# By step, the column for its duration, and columns for texts with the keys that hold them
STEPS = {
    "stt": ("stt_seconds", {"stt_engine": "stt", "stt_transcription": "transcription"}),
    "intent_service": ("intent_seconds", {"intent_type": "intent_type"}),
    "fallback_handler": ("fallback_handler_seconds", {}),
    "skill_handler": ("skill_seconds", {"skill_handler": "handler"}),
    "speech": ("tts_seconds", {"tts_engine": "tts", "tts_utterance": "utterance"}),
    "speech_playback": ("speech_playback_seconds", {}),
}
_ADD = PreparedInsert(CoreMetric)
WRITTEN = [
    field.name
    for field in CoreInteraction._meta.concrete_fields
    if field.name not in ("id", "device", "core_id")
]


def note(device: Device, name: str, value: dict[str, object]) -> None:
    """Keep what ``device`` reports, if its account agreed to Open Dataset; else forget it."""
    if _has_open_dataset(device):
        _ADD(CoreMetric(device=device, name=name, value=value))
    activity.note_active(device.account)


def _has_open_dataset(device: Device) -> bool:
    """Tell what ``device``'s account agreed to; who changes that gives it another version."""
    return _asked_at(device.version, device.account_id, device.pk)


@lru_cache(maxsize=20_000)
def _asked_at(version: int, account_id: uuid.UUID, device_id: uuid.UUID) -> bool:
    """Ask once for each version: a device reports several metrics of each interaction.

    The version was read before this asks, so what is kept is of that version or of a later one.
    """
    return agreements.has_open_dataset(Account(pk=account_id))


def parse(day: date) -> int:
    """Write a row for each interaction whose first step was reported on ``day`` (UTC).

    May run twice, and on two machines at once. Returns how many interactions there were.
    """
    midnight = datetime.combine(day, time(), tzinfo=UTC)
    window = (midnight - LONGEST, midnight + timedelta(days=1) + LONGEST)
    timings = CoreMetric.objects.filter(name=TIMING, received_at__range=window)
    devices = timings.order_by("device_id").values_list("device_id", flat=True).distinct()
    count = 0
    for batch in batches(list(devices), BATCH):
        reports = timings.filter(device__in=batch).order_by("device_id", "received_at", "pk")
        found = _interactions(reports.iterator(), day)
        for piece in batches(found, PIECE):
            _write(piece)
        count += len(found)
    return count


def purge() -> int:
    """Delete metrics and interactions older than the operator keeps them; return how many."""
    limit = timezone.now() - settings.METRICS_KEPT
    old = (
        CoreMetric.objects.filter(received_at__lt=limit),
        CoreInteraction.objects.filter(started_at__lt=limit),
    )
    return sum(rows.delete()[0] for rows in old)


def _interactions(reports: Iterable[CoreMetric], day: date) -> list[CoreInteraction]:
    """Return the interactions of ``day`` that ``reports``, by device and time, tell of."""
    steps: dict[tuple[uuid.UUID, str], dict[str, CoreMetric]] = {}
    for report in reports:
        core_id, step = report.value.get("id"), report.value.get("system")
        if not isinstance(core_id, str) or not isinstance(step, str):
            continue
        if 0 < len(core_id) <= 100 and step in STEPS:
            # What a person waits for: of several handlers or sentences it is the first.
            steps.setdefault((report.device_id, core_id), {}).setdefault(step, report)
    return [
        _interaction(core_id, list(reported.values()))
        for (_, core_id), reported in sorted(steps.items())
        if min(each.received_at for each in reported.values()).date() == day
    ]


def _interaction(core_id: str, reports: list[CoreMetric]) -> CoreInteraction:
    starts = {str(report.value["system"]): _start(report) for report in reports}
    interaction = CoreInteraction(
        device_id=reports[0].device_id, core_id=core_id, started_at=min(starts.values())
    )
    for report in reports:
        seconds, texts = STEPS[str(report.value["system"])]
        setattr(interaction, seconds, _seconds(report.value.get("time")))
        for column, key in texts.items():
            longest = CoreInteraction._meta.get_field(column).max_length  # type: ignore[union-attr]
            setattr(interaction, column, str(report.value.get(key) or "")[:longest])
    if {"stt", "speech_playback"} <= starts.keys():
        # From the end of what the person says to the start of the answer
        latency = (starts["speech_playback"] - starts["stt"]).total_seconds()
        interaction.user_latency_seconds = latency if latency >= 0 else None
    return interaction


@transaction.atomic
def _write(interactions: list[CoreInteraction]) -> None:
    """Add or overwrite ``interactions``, but of devices that were removed meanwhile."""
    devices = Device.objects.filter(pk__in={each.device_id for each in interactions})
    there = set(devices.select_for_update(no_key=True).order_by("pk").values_list("pk", flat=True))
    CoreInteraction.objects.bulk_create(
        [each for each in interactions if each.device_id in there],
        update_conflicts=True,
        unique_fields=["device", "core_id"],
        update_fields=WRITTEN,
    )


def _start(report: CoreMetric) -> datetime:
    """Return when the step began, by the device's clock if that can be right."""
    reported = report.value.get("start_time")
    if isinstance(reported, int | float) and not isinstance(reported, bool):
        difference = reported - report.received_at.timestamp()
        if abs(difference) < CLOCK_ERROR.total_seconds():
            return datetime.fromtimestamp(reported, UTC)
    return report.received_at


def _seconds(reported: object) -> float | None:
    if isinstance(reported, int | float) and not isinstance(reported, bool):
        return float(reported) if 0 <= reported <= CLOCK_ERROR.total_seconds() else None
    return None
