"""Turning speech into text, and counting how well that goes.

1. ``turn`` lets in as many requests at once as ``SELENE_STT_CONCURRENCY`` says; others are told to
   come again, since a device would rather ask twice than wait for minutes.
2. ``transcribe`` asks the engine and writes down how long that took.
3. ``summarise`` makes daily sums of it, and forgets who asked.
"""

import importlib.util
import re
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from datetime import time as time_of_day

from django.conf import settings
from django.db import transaction
from django.db.models import Count, Q, Sum
from django.utils import timezone

from accounts import activity
from accounts.models import Account
from accounts.upstream import http
from devices.audio import Sound
from devices.models import SttEngineDay, SttTranscription
from devices.stt import google, openai, pool

# The module that an engine needs beside what is always there, and the package that has it
PACKAGES = {
    "pocketsphinx": ("pocketsphinx", "pocketsphinx"),
    "vosk": ("vosk", "vosk"),
    "faster-whisper": ("faster_whisper", "faster-whisper"),
    "google-cloud": ("google.cloud.speech", "google-cloud-speech"),
}
OPENAI_ITSELF = "https://api.openai.com/"
WRITES_SENTENCES = {"faster-whisper", "openai"}
PUNCTUATION = re.compile(r"[.,;:!?]+(?=\s|$)")

KEPT = timedelta(hours=24)
# A day is summed when nobody can still be asking in it.
SETTLED_AFTER = timedelta(minutes=10)


class Busy(Exception):
    """As many requests for speech are under way as may be."""


class NotReady(Exception):
    """The engine is not there, or not configured; the text says what the operator has to do."""


class UnknownLanguage(Exception):
    """The engine does not know the language."""


class _Turns:
    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._taken = 0

    def take(self) -> bool:
        with self._lock:
            if self._taken >= settings.STT_CONCURRENCY:
                return False
            self._taken += 1
            return True

    def give_back(self) -> None:
        with self._lock:
            self._taken -= 1


_turns = _Turns()


@contextmanager
def turn() -> Iterator[None]:
    """Be one of those whose speech is worked on; from reading the sound on, which costs, too.

    Raises:
        Busy: there are enough; try again soon.
    """
    if not _turns.take():
        raise Busy
    try:
        yield
    finally:
        _turns.give_back()


def transcribe(account: Account, sound: Sound, language: str) -> str | None:
    """Return what is said in ``sound``, as devices expect it; None if nothing was understood.

    Raises:
        NotReady: the engine cannot work as this server is.
        UnknownLanguage: it can, but not in ``language``.
        http.Busy: the engine is a service, and too many requests wait for services.
        http.Unavailable: the engine failed, or took longer than a device waits.
    """
    engine = settings.STT_ENGINE
    _check_ready(engine)
    activity.note_active(account)
    begin, text = time.monotonic(), None
    try:
        text = _normalise(engine, _recognise(engine, sound, language))
        _note(account, engine, sound, begin, succeeded=text is not None)
    except http.Unavailable:
        _note(account, engine, sound, begin, succeeded=False)
        raise
    return text


@transaction.atomic
def summarise() -> tuple[int, int]:
    """Sum each day that is over to a row for each engine, and delete requests older than a day.

    Returns how many rows of sums were added and how many requests deleted. A day is summed once:
    it is still whole then, and later its oldest requests are gone.
    """
    now = timezone.now()
    today = datetime.combine((now - SETTLED_AFTER).date(), time_of_day(), UTC)
    days = SttTranscription.objects.filter(requested_at__lt=today)
    added = sum(map(_sum, days.datetimes("requested_at", "day", tzinfo=UTC)))
    deleted, _ = SttTranscription.objects.filter(requested_at__lt=now - KEPT).delete()
    return added, deleted


def _check_ready(engine: str) -> None:
    if engine in PACKAGES:
        module, package = PACKAGES[engine]
        if not _is_installed(module):
            raise NotReady(f"SELENE_STT_ENGINE is {engine}: pip install {package}")
    if engine == "vosk" and not settings.STT_MODEL:
        raise NotReady("SELENE_STT_MODEL is not set")
    if engine in ("google", "google-cloud") and not settings.GOOGLE_STT_KEY:
        raise NotReady("GOOGLE_STT_KEY is not set")
    is_theirs = settings.STT_OPENAI_URL.startswith(OPENAI_ITSELF)
    if engine == "openai" and is_theirs and not settings.STT_OPENAI_KEY:
        raise NotReady("SELENE_STT_OPENAI_KEY is not set")


def _is_installed(module: str) -> bool:
    try:
        return importlib.util.find_spec(module) is not None
    except ModuleNotFoundError:  # a parent of it
        return False


def _recognise(engine: str, sound: Sound, language: str) -> str | None:
    if engine == "openai":
        return openai.recognise(sound.flac, language)
    if engine == "google":
        return google.recognise(sound.flac, language)
    if engine == "google-cloud":
        with http.slot():
            return _ask_process(engine, settings.GOOGLE_STT_KEY, sound, language)
    return _ask_process(engine, settings.STT_MODEL, sound, language)


def _ask_process(engine: str, model: str, sound: Sound, language: str) -> str | None:
    try:
        return pool.recognise(engine, model, sound.pcm, language)
    except pool.NotLoaded as error:
        raise NotReady(f"{engine} could not load its model; the server's log says why") from error
    except pool.UnknownLanguage as error:
        raise UnknownLanguage from error


def _normalise(engine: str, text: str | None) -> str | None:
    """Return ``text`` as skills expect it: words, not sentences."""
    if text and engine in WRITES_SENTENCES:
        text = PUNCTUATION.sub("", text).lower()
    return " ".join((text or "").replace("\x00", "").split()) or None


def _note(account: Account, engine: str, sound: Sound, begin: float, *, succeeded: bool) -> None:
    SttTranscription.objects.create(
        account=account,
        engine=engine,
        succeeded=succeeded,
        audio_seconds=sound.seconds,
        transcription_seconds=time.monotonic() - begin,
    )


def _sum(day: datetime) -> int:
    """Add the rows of ``day`` unless they are there; two jobs at once add them once."""
    if SttEngineDay.objects.filter(day=day.date()).exists():
        return 0
    requests = SttTranscription.objects.filter(
        requested_at__gte=day, requested_at__lt=day + timedelta(days=1)
    )
    sums = requests.order_by().values("engine")
    rows = [
        SttEngineDay(
            day=day.date(),
            engine=engine["engine"],
            requests=engine["requests"],
            successes=engine["successes"],
            audio_seconds=engine["audio"],
            transcription_seconds=engine["transcription"],
        )
        for engine in sums.annotate(
            requests=Count("pk"),
            successes=Count("pk", filter=Q(succeeded=True)),
            audio=Sum("audio_seconds"),
            transcription=Sum("transcription_seconds"),
        )
    ]
    SttEngineDay.objects.bulk_create(rows, ignore_conflicts=True)
    return len(rows)
