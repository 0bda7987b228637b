"""Reading sounds: whatever a file says of itself, what comes out is bounded."""

import io

import numpy as np
import pytest
import soundfile

from devices import audio
from devices.tests.sounds import as_file, noise, silence, tone

pytestmark = pytest.mark.household  # no database in it


def dominant_frequency(pcm):
    samples = np.frombuffer(pcm, "<i2").astype(float)
    return np.argmax(np.abs(np.fft.rfft(samples))) * audio.RATE / len(samples)


def test_what_devices_send_is_read_sample_by_sample():
    samples = tone(0.5)

    sound = audio.read(as_file(samples))

    expected = np.clip(samples[:, 0], -1, 1) * 32_767
    assert np.abs(np.frombuffer(sound.pcm, "<i2") - expected).max() <= 2
    assert sound.seconds == 0.5


@pytest.mark.parametrize(
    ("rate", "channels"),
    [(8_000, 1), (11_025, 2), (16_000, 8), (22_050, 1), (44_100, 2), (48_000, 4), (192_000, 1)],
)
def test_any_rate_and_number_of_channels_become_sixteen_kilohertz_mono(rate, channels):
    sound = audio.read(as_file(tone(1.5, rate, channels=channels), rate))

    assert len(sound.pcm) == pytest.approx(2 * 24_000, abs=2)
    assert sound.seconds == pytest.approx(1.5, abs=0.001)
    assert dominant_frequency(sound.pcm) == pytest.approx(440, abs=2)
    assert np.abs(np.frombuffer(sound.pcm, "<i2")).max() == pytest.approx(0.3 * 32_767, rel=0.1)


def test_what_speech_cannot_hold_is_left_out_and_not_folded_into_it():
    sound = audio.read(as_file(tone(1, 48_000, hertz=12_000), 48_000))

    assert np.abs(np.frombuffer(sound.pcm, "<i2")).max() < 330


@pytest.mark.parametrize("subtype", ["PCM_S8", "PCM_16", "PCM_24"])
def test_any_depth_is_read(subtype):
    sound = audio.read(as_file(tone(), subtype=subtype))

    assert np.abs(np.frombuffer(sound.pcm, "<i2")).max() == pytest.approx(0.3 * 32_767, rel=0.05)


def test_a_minute_is_taken_and_no_more():
    assert audio.read(as_file(silence(60))).seconds == 60
    with pytest.raises(audio.NotAudio, match="longer than 60 seconds"):
        audio.read(as_file(silence(60.1)))


def test_hours_of_silence_in_a_small_file_are_not_read_to_the_end(monkeypatch):
    file = as_file(silence(3_600))

    with pytest.raises(audio.NotAudio, match="longer than 60 seconds"):
        audio.read(file)

    assert len(file) < 200_000


@pytest.mark.parametrize("frames", [0, 2**36 - 1])
def test_the_length_in_the_header_is_not_believed(frames):
    file = bytearray(as_file(tone(2)))
    # The last 36 bits of bytes 18 to 25: RFC 9639, section 8.2
    file[21] = file[21] & 0xF0 | frames >> 32
    file[22:26] = (frames & 0xFFFFFFFF).to_bytes(4, "big")

    assert audio.read(bytes(file)).seconds == 2


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"fLaC",
        b"fLaC" + bytes(1_000),
        b"\x00" * 1_000,
        b"hello",
        b'{"audio": true}',
        as_file(noise())[:50],
    ],
)
def test_what_is_no_sound_is_refused(content):
    with pytest.raises(audio.NotAudio):
        audio.read(content)


def test_a_sound_that_is_cut_is_refused_or_read_as_far_as_it_goes():
    file = as_file(noise(2))

    for length in range(60, len(file), 997):
        try:
            assert audio.read(file[:length]).seconds <= 2
        except audio.NotAudio:
            continue


@pytest.mark.parametrize("format", ["WAV", "OGG", "AIFF"])
def test_only_flac_is_speech(format):
    subtype = "VORBIS" if format == "OGG" else "PCM_16"

    with pytest.raises(audio.NotAudio, match="audio must be FLAC"):
        audio.read(as_file(tone(), format=format, subtype=subtype))


@pytest.mark.parametrize(("rate", "channels"), [(1_000, 1), (300_000, 1), (48_000, 8)])
def test_an_odd_rate_or_too_many_channels_are_refused(rate, channels):
    with pytest.raises(audio.NotAudio, match="odd sample rate"):
        audio.read(as_file(tone(0.1, rate, 100, channels), rate))


def test_a_sound_without_samples_is_refused():
    with pytest.raises(audio.NotAudio, match="empty|not audio"):
        audio.read(as_file(silence(0)))


def test_a_sound_is_handed_to_services_as_flac():
    sound = audio.read(as_file(tone()))

    samples, rate = soundfile.read(io.BytesIO(sound.flac), dtype="int16")

    assert rate == audio.RATE
    assert samples.astype("<i2").tobytes() == sound.pcm
