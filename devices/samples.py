"""Recorded wake words: taken from devices, kept as files, and removed.

The file of a sample is named after its content, so nothing a device says can lead it elsewhere, and
a second upload of a sound is the same sample. Order keeps rows and files together, wherever a
process is killed:

* ``store`` writes the row, then the file, then commits: at worst there is a file without a row,
  which ``sweep`` removes when it has been there for long;
* ``remove`` deletes the row, then the file, then commits: at worst there is a row without a file,
  still marked for deletion. Who stores the same sound meanwhile waits for the row.

On several machines the folder has to be one that they share.
"""

import hashlib
import os
import tempfile
from collections.abc import Iterator
from datetime import datetime, timedelta
from pathlib import Path
from uuid import UUID

from django.conf import settings
from django.db import transaction
from django.db.models import Exists, OuterRef, Q
from django.utils import timezone

from accounts import agreements, versions
from accounts.models import Acceptance, Account, AgreementType
from devices import audio, reference
from devices.models import SampleStatus, WakeWord, WakeWordEngine, WakeWordSample

FOLDER = "wake-words"  # in the data folder
FORMATS = ("WAV", "FLAC")
# More of one account are taken and dropped, as those without consent: nobody's disk is endless.
MAX_SAMPLES = 1_000
# A file whose row is about to be committed is younger.
LONG = timedelta(hours=1)


class UnknownWakeWord(Exception):
    """This server has no such wake word."""


class Unheard(Exception):
    """The sound is not to be had; the text says why."""


def wake_word(name: str, engine: str) -> WakeWord:
    """Return the wake word that a device calls ``name``, if it can, the one of ``engine``.

    Devices name a class or the digest of its name for an engine, and write "hey-mycroft".

    Raises:
        UnknownWakeWord: there is none. None is made: every account would see it in its list.
    """
    name = name.strip().lower().replace("-", " ").replace("_", " ")
    for known in WakeWordEngine.values:
        if known in engine.lower():
            word = WakeWord.objects.filter(name__iexact=name, engine=known).first()
            if word:
                return word
    word = reference.wake_word_named(name)
    if word is None:
        raise UnknownWakeWord
    return word


def store(
    account: Account, content: bytes, *, wake_word: WakeWord, model: str, recorded_at: datetime
) -> bool:
    """Keep the sound ``content`` if ``account`` agreed to Open Dataset; tell whether it is kept.

    Raises:
        audio.NotAudio: it is no sound.
    """
    audio.check(content, FORMATS)
    digest = hashlib.sha256(content).hexdigest()
    with transaction.atomic():
        # Locked: who opts out at this moment does so before, or marks this sample too.
        owner = versions.lock(account)
        if not agreements.has_open_dataset(owner) or _has_enough(owner):
            return False
        sample, is_new = WakeWordSample.objects.select_for_update().get_or_create(
            digest=digest,
            defaults={
                "account": owner,
                "wake_word": wake_word,
                "model": model,
                "recorded_at": recorded_at,
            },
        )
        if sample.status == SampleStatus.PENDING_DELETE:  # of somebody who opted out, or before
            sample.account, sample.status = owner, SampleStatus.STORED
            sample.save(update_fields=["account", "status"])
        _write(path(digest), content)
    return True


def path(digest: str) -> Path:
    """Return where the sound with this digest is kept."""
    return _folder() / digest[:2] / digest


def sound(sample: WakeWordSample) -> tuple[bytes, str]:
    """Return the sound of ``sample`` and its media type.

    Raises:
        Unheard: nobody is to hear it any more, or its file is gone.
    """
    if sample.status != SampleStatus.STORED:
        raise Unheard("it is marked for deletion")
    try:
        content = path(sample.digest).read_bytes()
    except FileNotFoundError as error:
        raise Unheard("its file is gone") from error
    return content, "audio/flac" if content.startswith(b"fLaC") else "audio/wav"


def remove(sample: WakeWordSample) -> None:
    """Remove ``sample`` now, row and file."""
    rows = WakeWordSample.objects.filter(pk=sample.pk)
    rows.update(status=SampleStatus.PENDING_DELETE)
    _remove(sample.pk)


def mark_unwanted() -> int:
    """Mark the samples of accounts that are gone or opted out, whatever became of them."""
    agreed = Acceptance.objects.filter(
        account=OuterRef("account"), agreement__type=AgreementType.OPEN_DATASET
    )
    unwanted = Q(account=None) | ~Exists(agreed)
    stored = WakeWordSample.objects.filter(status=SampleStatus.STORED)
    return stored.filter(unwanted).update(status=SampleStatus.PENDING_DELETE)


def remove_marked() -> int:
    """Remove the samples marked for deletion, one by one; return how many."""
    marked = WakeWordSample.objects.filter(status=SampleStatus.PENDING_DELETE)
    keys = list(marked.values_list("pk", flat=True))
    return sum(map(_remove, keys))


def sweep() -> int:
    """Remove files that have been without a row for long; return how many."""
    before = (timezone.now() - LONG).timestamp()
    return sum(_remove_if_old(file, before) for file in list(_files()) if not _has_row(file))


def _has_enough(account: Account) -> bool:
    return account.wake_word_samples.count() >= MAX_SAMPLES


def _folder() -> Path:
    return Path(settings.DATA_DIR) / FOLDER


def _write(target: Path, content: bytes) -> None:
    """Write a file that is there as a whole or not at all, and only we can read."""
    target.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    handle, name = tempfile.mkstemp(dir=target.parent)
    try:
        with open(handle, "wb") as file:
            file.write(content)
            file.flush()
            os.fsync(handle)
        os.replace(name, target)
    except BaseException:
        Path(name).unlink(missing_ok=True)
        raise


@transaction.atomic
def _remove(key: UUID) -> bool:
    marked = WakeWordSample.objects.filter(status=SampleStatus.PENDING_DELETE)
    sample = marked.select_for_update().filter(pk=key).first()
    if sample is None:  # another job had it, or it is wanted again
        return False
    sample.delete()
    path(sample.digest).unlink(missing_ok=True)
    return True


def _files() -> Iterator[Path]:
    return _folder().glob("*/*")


def _has_row(file: Path) -> bool:
    return WakeWordSample.objects.filter(digest=file.name).exists()


def _remove_if_old(file: Path, before: float) -> bool:
    try:
        if file.stat().st_mtime >= before:
            return False
        file.unlink()
    except FileNotFoundError:
        return False
    return True
