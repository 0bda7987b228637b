"""One engine in a process of its own: ``python -m devices.stt.process FD ENGINE MODEL``.

It loads the model, says so on the socket FD, and then answers one sound after another, each a pair
of 16 kHz 16 bit mono samples and a language. It ends when the other side closes. Nothing of Django
is loaded here: the process is small beside its model.
"""

import importlib
import json
import os
import signal
import sys
import traceback
from collections.abc import Callable
from multiprocessing.connection import Connection
from pathlib import Path

Recognise = Callable[[bytes, str], str | None]

RATE = 16_000
# Polls come first where cores are few.
NICENESS = 5
# How many pieces of 30 ms must sound like a voice before it is worth looking for words
VOICED_FRAMES = 3


class UnknownLanguage(Exception):
    """The engine, with its model, does not know the language."""


def _pocketsphinx(model: str) -> Recognise:
    from pocketsphinx import Decoder, Vad

    # SpeechRecognition would load the model anew for every sound.
    decoder = Decoder(loglevel="FATAL")

    def is_voiced(samples: bytes) -> bool:
        voice = Vad(Vad.LOOSE, RATE, 0.03)  # a new one: it gets used to what it hears
        size = voice.frame_bytes
        frames = (samples[at : at + size] for at in range(0, len(samples) - size + 1, size))
        return sum(map(voice.is_speech, frames)) >= VOICED_FRAMES

    def recognise(samples: bytes, language: str) -> str | None:
        if _primary(language) != "en":
            raise UnknownLanguage
        if not is_voiced(samples):  # it would make up a word for silence
            return None
        decoder.start_utt()
        try:
            decoder.process_raw(samples, full_utt=True)
        finally:
            decoder.end_utt()
        hypothesis = decoder.hyp()
        return hypothesis.hypstr if hypothesis else None

    return recognise


def _vosk(model: str) -> Recognise:
    from vosk import KaldiRecognizer, Model, SetLogLevel

    # SpeechRecognition knows one folder for the model, inside its own package.
    SetLogLevel(-1)
    loaded = Model(model)

    def recognise(samples: bytes, language: str) -> str | None:
        recognizer = KaldiRecognizer(loaded, RATE)
        recognizer.AcceptWaveform(samples)
        return json.loads(recognizer.FinalResult())["text"]

    return recognise


def _faster_whisper(model: str) -> Recognise:
    from faster_whisper import WhisperModel
    from speech_recognition import AudioData
    from speech_recognition.recognizers.whisper_local.base import WhisperCompatibleRecognizer
    from speech_recognition.recognizers.whisper_local.faster_whisper import TranscribableAdapter

    loaded = WhisperModel(model or "base", device="auto", compute_type="int8")
    recognizer = WhisperCompatibleRecognizer(TranscribableAdapter(loaded))

    def recognise(samples: bytes, language: str) -> str | None:
        if _primary(language) not in loaded.supported_languages:
            raise UnknownLanguage
        sound = AudioData(samples, RATE, 2)
        # Without the filter Whisper makes up words for silence.
        return recognizer.recognize(sound, language=_primary(language), vad_filter=True)

    return recognise


def _google_cloud(credentials: str) -> Recognise:
    from speech_recognition import AudioData, Recognizer, UnknownValueError

    importlib.import_module("google.cloud.speech")  # at the start, since it takes seconds
    Path(credentials).read_bytes()  # or it would fail with every sound

    def recognise(samples: bytes, language: str) -> str | None:
        sound = AudioData(samples, RATE, 2)
        try:
            return Recognizer().recognize_google_cloud(sound, credentials, language_code=language)
        except UnknownValueError:
            return None

    return recognise


LOADERS: dict[str, Callable[[str], Recognise]] = {
    "pocketsphinx": _pocketsphinx,
    "vosk": _vosk,
    "faster-whisper": _faster_whisper,
    "google-cloud": _google_cloud,
}


def serve(connection: Connection, engine: str, model: str) -> None:
    """Load and answer until the other side has closed. Each answer says what it is."""
    try:
        recognise = LOADERS[engine](model)
    except Exception:
        traceback.print_exc()
        connection.send(("failed", None))
        return
    connection.send(("loaded", None))
    while True:
        samples, language = connection.recv()
        try:
            connection.send(("heard", recognise(samples, language)))
        except UnknownLanguage:
            connection.send(("unknown language", None))
        except Exception:
            traceback.print_exc()
            connection.send(("failed", None))


def _primary(language: str) -> str:
    return language.partition("-")[0].lower()


def main() -> None:
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    os.nice(NICENESS)
    try:
        serve(Connection(int(sys.argv[1])), *sys.argv[2:])
    except (EOFError, OSError):
        return


if __name__ == "__main__":
    main()
