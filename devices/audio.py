"""Sound from devices: is it one, how long is it, and as speech engines want it."""

import io
from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
import soundfile

RATE = 16_000  # Hertz
MAX_SECONDS = 60
RATES = range(4_000, 192_001)
# Of all channels in a second: 48 MB for the longest sound
MAX_SAMPLES = 200_000


class _Stream(soundfile.SoundFile):
    """A sound that is read straight on: in one of unknown length the usual seeking fails."""

    def seekable(self) -> bool:
        return False


class NotAudio(Exception):
    """The bytes are no sound that we take; the text says why."""


@dataclass(frozen=True)
class Sound:
    """Speech as all engines take it: 16 kHz, one channel, 16 bits, little endian."""

    pcm: bytes
    seconds: float

    @property
    def flac(self) -> bytes:
        """The sound as a file, for engines that are services."""
        file = io.BytesIO()
        soundfile.write(file, np.frombuffer(self.pcm, "<i2"), RATE, format="FLAC")
        return file.getvalue()


def read(content: bytes) -> Sound:
    """Return the sound in a FLAC file, of any rate and number of channels.

    Raises:
        NotAudio: it is none, or lasts longer than ``MAX_SECONDS``.
    """
    with _open(content, formats=("FLAC",)) as file:
        rate, frames = file.samplerate, _read_mono(file)
    samples = np.clip(_resample(frames, rate), -1.0, 1.0) * 32_767
    return Sound(samples.astype("<i2").tobytes(), len(frames) / rate)


def check(content: bytes, formats: Iterable[str]) -> None:
    """Make sure that ``content`` is a sound in one of libsndfile's ``formats``.

    Raises:
        NotAudio: it is none, or lasts longer than ``MAX_SECONDS``.
    """
    with _open(content, formats) as file:
        _read_mono(file)


def _open(content: bytes, formats: Iterable[str]) -> _Stream:
    try:
        file = _Stream(io.BytesIO(content))
    except soundfile.SoundFileError as error:
        raise NotAudio("not audio") from error
    if file.format not in formats:
        raise NotAudio(f"audio must be {' or '.join(formats)}")
    if file.samplerate not in RATES or file.samplerate * file.channels > MAX_SAMPLES:
        raise NotAudio("audio has an odd sample rate or too many channels")
    return file


def _read_mono(file: _Stream) -> np.ndarray:
    """Return what ``file`` holds, mixed to one channel.

    Second by second, and not by the length that the file claims: a megabyte of FLAC can hold hours
    of silence, and the length of a stream is unknown or made up.
    """
    seconds: list[np.ndarray] = []
    try:
        while len(block := file.read(file.samplerate, dtype="float32", always_2d=True)):
            if len(seconds) == MAX_SECONDS:
                raise NotAudio(f"audio is longer than {MAX_SECONDS} seconds")
            seconds.append(block.mean(axis=1))
    except soundfile.SoundFileError as error:
        raise NotAudio("not audio") from error
    if not seconds:
        raise NotAudio("audio is empty")
    return np.concatenate(seconds)


def _resample(frames: np.ndarray, rate: int) -> np.ndarray:
    """Return ``frames`` at 16 kHz.

    By leaving out, or adding, the frequencies between: unlike interpolation that folds nothing
    into the speech, and no more is needed for a minute at most. Whole seconds keep the ratio exact.
    """
    if rate == RATE:
        return frames
    seconds = -(-len(frames) // rate)
    spectrum = np.fft.rfft(frames, seconds * rate)[: seconds * RATE // 2 + 1]
    samples = np.fft.irfft(spectrum, seconds * RATE) * (RATE / rate)
    return samples[: round(len(frames) * RATE / rate)]
