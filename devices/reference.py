"""Voices, wake words and sample tags: what ships with the project, and what a name stands for.

What ships lies in ``fixtures/devices/`` and is loaded by the first start. From then on it is the
operator's: what was renamed, changed or removed stays so. A row that a later version ships needs a
migration to reach servers that are running already.
"""

from pathlib import Path
from typing import Any

import orjson
from django.conf import settings
from django.db import models, transaction

from devices.models import PocketsphinxSettings, Tag, TagValue, Voice, WakeWord


@transaction.atomic
def load_shipped(folder: Path | None = None) -> int:
    """Load the shipped sets that were never loaded here; return how many rows were added."""
    folder = folder or settings.FIXTURES_DIR / "devices"
    voices = _load(Voice, _read(folder / "voices.json"))
    wake_words = _load(WakeWord, _read(folder / "wake_words.json"), "pocketsphinx")
    tags = _load(Tag, _read(folder / "tags.json"), "values")
    PocketsphinxSettings.objects.bulk_create(
        [PocketsphinxSettings(wake_word=word, **details) for word, details in wake_words]
    )
    TagValue.objects.bulk_create(
        [TagValue(tag=tag, **value) for tag, values in tags for value in values]
    )
    return len(voices) + len(wake_words) + len(tags)


def wake_words() -> list[WakeWord]:
    """Return the wake words by name, for each name the one that it stands for."""
    # Of two engines that spot one phrase, the last in the alphabet: Precise errs less often.
    words = WakeWord.objects.order_by("name", "engine")
    return list({word.name: word for word in words}.values())


def wake_word_named(name: str) -> WakeWord | None:
    """Return the wake word that ``name``, in any case, stands for."""
    return WakeWord.objects.filter(name__iexact=name).order_by("-engine").first()


def voice_named(name: str) -> Voice | None:
    """Return the voice that people know as ``name``."""
    return Voice.objects.filter(display_name=name).first()


def _load(
    model: type[models.Model], rows: list[dict[str, Any]], nested: str | None = None
) -> list[tuple[models.Model, Any]]:
    """Save ``rows`` and return the new ones, each with what the file nests in it.

    None if one of them is there: then they were loaded before. A row that clashes with one that
    an operator made is left out.
    """
    details = {row["id"]: row.pop(nested, None) for row in rows}
    shipped = model._default_manager.filter(pk__in=details)
    if shipped.exists():
        return []
    model._default_manager.bulk_create([model(**row) for row in rows], ignore_conflicts=True)
    return [(row, details[str(row.pk)]) for row in shipped]


def _read(path: Path) -> list[dict[str, Any]]:
    return orjson.loads(path.read_bytes())
