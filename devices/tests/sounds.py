"""Sounds to send: made up, but for the one recording of real words where the data is there."""

import io
import os
from pathlib import Path

import numpy as np
import pytest
import soundfile

RATE = 16_000


def tone(seconds=1.0, rate=RATE, hertz=440, channels=1):
    """Return the samples of a beep, between -1 and 1."""
    wave = 0.3 * np.sin(2 * np.pi * hertz * np.arange(int(seconds * rate)) / rate)
    return np.stack([wave] * channels, axis=1).astype("float32")


def silence(seconds=1.0):
    return np.zeros((int(seconds * RATE), 1), "float32")


def noise(seconds=1.0):
    return np.random.default_rng(1).normal(0, 0.05, (int(seconds * RATE), 1)).astype("float32")


def as_file(samples, rate=RATE, format="FLAC", subtype="PCM_16"):
    """Return ``samples`` as the bytes of a file."""
    file = io.BytesIO()
    soundfile.write(file, samples, rate, format=format, subtype=subtype)
    return file.getvalue()


def what_time_is_it():
    """Return the recording of these words, which is not ours to ship; skip without it."""
    data = os.environ.get("SELENE_TEST_DATA")
    path = Path(data, "..", "audio", "what-time-is-it.flac") if data else None
    if path is None or not path.exists():
        pytest.skip("SELENE_TEST_DATA is not set: no recording")
    return path.read_bytes()
