"""Voices, wake words and sample tags: what ships with the project, and what a name stands for.

What ships lies in ``fixtures/devices/`` and is loaded by the first start. From then on it is the
operator's: what was renamed, changed or removed stays so. A row that a later version ships needs a
migration to reach servers that are running already.
"""

from pathlib import Path
from typing import Any, TypeVar

import orjson
from django.conf import settings
from django.db import models, transaction

from accounts import versions
from devices.models import (
    AccountDefaults,
    PocketsphinxSettings,
    Tag,
    TagValue,
    Voice,
    WakeWord,
)

Row = TypeVar("Row", bound=models.Model)


@transaction.atomic
def load_shipped(folder: Path | None = None) -> int:
    """Load the shipped sets that were never loaded here; return how many rows were added."""
    folder = folder or settings.FIXTURES_DIR / "devices"
    voices = _load(Voice, _read(folder / "voices.json"))
    wake_words = _load(WakeWord, _read(folder / "wake_words.json"), "pocketsphinx")
    tags = _load(Tag, _read(folder / "tags.json"), "values")
    PocketsphinxSettings.objects.bulk_create(
        [PocketsphinxSettings(wake_word=word, **details) for word, details in wake_words],
        ignore_conflicts=True,  # two processes can make their first start at once
    )
    TagValue.objects.bulk_create(
        [TagValue(tag=tag, **value) for tag, values in tags for value in values],
        ignore_conflicts=True,
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


def note_changed(chosen: Voice | WakeWord) -> None:
    """Note, in the transaction of the change, that devices with ``chosen`` show something else."""
    versions.bump(chosen.devices.all())


def is_in_use(chosen: Voice | WakeWord) -> bool:
    """Tell whether a device, an account's defaults or a sample refers to ``chosen``."""
    if isinstance(chosen, WakeWord):
        in_defaults = AccountDefaults.objects.filter(wake_word=chosen)
        return any(rows.exists() for rows in (chosen.devices, in_defaults, chosen.samples))
    in_defaults = AccountDefaults.objects.filter(voice=chosen)
    return chosen.devices.exists() or in_defaults.exists()


def _load(model: type[Row], rows: list[dict[str, Any]], nested: str = "") -> list[tuple[Row, Any]]:
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
