"""POST /v1/stt and POST /v1/transcribe: what a device hears, as text."""

import threading
from contextlib import ExitStack, closing, contextmanager

import pytest
from django.db import connection

from accounts.models import Account, AccountActivity
from devices import speech
from devices.models import SttTranscription
from devices.stt import pool
from devices.tests.sounds import as_file, noise, silence, tone, what_time_is_it

FLAC = "audio/x-flac"


@pytest.fixture
def say(device_client):
    """Return a function that sends a sound to a path."""

    def say(content, path="/v1/stt?lang=en-US&limit=1", content_type=FLAC):
        return device_client.generic("POST", path, content, content_type=content_type)

    return say


@pytest.fixture
def openai(settings, httpserver):
    """A server with OpenAI's API, as the engine."""
    settings.STT_ENGINE = "openai"
    settings.STT_OPENAI_URL = httpserver.url_for("/v1")
    return httpserver


def hears(openai, text):
    openai.expect_request("/v1/audio/transcriptions", method="POST").respond_with_json(
        {"text": text}
    )


@pytest.fixture
def patience(settings):
    """Time for the real engine, also while other tests take the machine."""
    settings.UPSTREAM_READ_SECONDS = 120


@pytest.mark.household
def test_words_are_heard(say, patience):
    response = say(what_time_is_it())

    assert response.status_code == 200
    assert response.json() == ["what time is it"]


@pytest.mark.household
def test_words_are_heard_after_noise_as_before(say, patience):
    say(as_file(noise(3)))

    response = say(what_time_is_it(), "/v1/transcribe")

    assert response.status_code == 200
    assert response.json() == {"transcription": "what time is it"}


@pytest.mark.parametrize("sound", [silence(), tone(), noise()])
def test_nothing_is_heard_where_nobody_speaks(say, patience, sound):
    response = say(as_file(sound))

    assert response.status_code == 200
    assert response.json() == [None]
    assert not SttTranscription.objects.get().succeeded


def test_transcribe_hears_nothing_as_null(say, patience):
    response = say(as_file(silence()), "/v1/transcribe")

    assert response.status_code == 200
    assert response.json() == {"transcription": None}


@pytest.mark.parametrize("content_type", [FLAC, "audio/flac", "audio/x-flac; rate=16000"])
def test_flac_has_several_names(say, openai, content_type):
    hears(openai, "hello")

    response = say(as_file(tone()), content_type=content_type)

    assert response.status_code == 200
    assert response.json() == ["hello"]


@pytest.mark.parametrize("path", ["/v1/stt", "/v1/transcribe"])
@pytest.mark.parametrize("content_type", ["application/json", "audio/wav", "text/plain", "x"])
def test_another_type_is_415(say, path, content_type):
    response = say(as_file(tone()), path, content_type)

    assert response.status_code == 415
    assert list(response.json()) == ["error"]


@pytest.mark.parametrize("path", ["/v1/stt", "/v1/transcribe"])
@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (b"", "not audio"),
        (b"hello", "not audio"),
        (b"fLaC" + bytes(500), "not audio"),
        (as_file(tone(), format="WAV"), "audio must be FLAC"),
        (as_file(silence(61)), "audio is longer than 60 seconds"),
    ],
)
def test_what_is_no_sound_is_400(say, path, content, reason):
    response = say(content, path)

    assert response.status_code == 400
    assert response.json() == {"error": reason}
    assert not SttTranscription.objects.exists()


def test_four_megabytes_are_taken_and_no_more(say):
    small, large = say(bytes(4_000_000)), say(bytes(4_000_001))

    assert (small.status_code, small.json()) == (400, {"error": "not audio"})
    assert (large.status_code, large.json()) == (413, {"error": "request body too large"})


@pytest.mark.parametrize(
    ("query", "field"),
    [
        ("lang=english", "lang"),
        ("lang=../../etc", "lang"),
        ("lang=de-DE", "lang"),  # which PocketSphinx does not know
        ("limit=0", "limit"),
        ("limit=x", "limit"),
        ("limit=-1", "limit"),
        ("limit=1.5", "limit"),
        ("limit=99999999999999999999", "limit"),
    ],
)
def test_a_bad_query_is_400(say, patience, query, field):
    response = say(as_file(silence(0.2)), f"/v1/stt?{query}")

    assert response.status_code == 400
    assert list(response.json()) == [field]


@pytest.mark.parametrize(
    "query", ["", "lang=en-us", "lang=en", "lang=en_US", "lang=&limit=", "limit=5", "x=y"]
)
def test_the_query_may_be_left_out_or_written_otherwise(say, patience, query):
    response = say(as_file(silence(0.2)), f"/v1/stt?{query}")

    assert response.status_code == 200
    assert response.json() == [None]


@pytest.mark.parametrize("path", ["/v1/stt", "/v1/transcribe"])
def test_nobody_is_heard_without_a_token(api, db, path):
    response = api.generic("POST", path, as_file(tone()), content_type=FLAC)

    assert response.status_code == 401
    assert response.json() == {"error": "Oauth token not found"}


@pytest.mark.parametrize("path", ["/v1/stt", "/v1/transcribe"])
def test_only_post_is_offered(device_client, path):
    response = device_client.get(path)

    assert response.status_code == 405
    assert response.headers["Allow"] == "POST, OPTIONS"


def test_requests_over_the_rate_are_told_to_wait(say, limit_rate, openai):
    limit_rate("speech", "1/minute")
    hears(openai, "hello")
    say(as_file(tone()))

    response = say(as_file(tone()))

    assert response.status_code == 429
    assert int(response.headers["Retry-After"]) > 0


def test_requests_over_the_number_at_once_are_told_to_come_again(say, settings):
    with ExitStack() as turns:
        for _ in range(settings.STT_CONCURRENCY):
            turns.enter_context(speech.turn())

        response = say(as_file(tone()))

    assert response.status_code == 429
    assert response.json() == {
        "error": "too many requests for speech at once. Expected available in 1 second."
    }
    assert response.headers["Retry-After"] == "1"


def test_a_turn_is_given_back_whatever_happens(say, settings, openai):
    settings.STT_CONCURRENCY = 1
    openai.expect_ordered_request("/v1/audio/transcriptions").respond_with_data(status=500)
    openai.expect_ordered_request("/v1/audio/transcriptions").respond_with_json({"text": "hello"})
    say(b"hello")
    say(as_file(tone()))

    response = say(as_file(tone()))

    assert response.json() == ["hello"]


def test_a_request_is_noted_with_what_it_took(say, account, openai):
    hears(openai, "hello")

    say(as_file(tone(1.5)))

    noted = SttTranscription.objects.get()
    assert (noted.account, noted.engine, noted.succeeded) == (account, "openai", True)
    assert noted.audio_seconds == 1.5
    assert 0 < noted.transcription_seconds < 5


def test_speech_counts_as_activity(say, account, openai):
    hears(openai, "hello")

    say(as_file(tone()))

    assert Account.objects.get(pk=account.pk).last_activity_at is not None
    assert AccountActivity.objects.get().accounts_active == 1


# Engines that are services


def test_an_openai_server_gets_what_it_needs(say, settings, openai):
    settings.STT_OPENAI_KEY, settings.STT_MODEL = "sesame", "whisper-large"
    hears(openai, " What time is it? ")

    response = say(as_file(tone()), "/v1/stt?lang=de-DE")

    assert response.json() == ["what time is it"]
    request, _ = openai.log[0]
    assert request.headers["Authorization"] == "Bearer sesame"
    assert dict(request.form) == {
        "model": "whisper-large",
        "language": "de",
        "response_format": "json",
    }
    with closing(request.files["file"]) as file:
        assert file.content_type == "audio/flac"
        assert file.read()[:4] == b"fLaC"


@pytest.mark.parametrize(
    ("text", "heard"),
    [
        ("", None),
        (" \n", None),
        ("...", None),
        ("Set a timer, please, for 7:30.", "set a timer please for 7:30"),
        ("It's 3.5 degrees!", "it's 3.5 degrees"),
        ("a\x00b", "ab"),
    ],
)
def test_sentences_become_the_words_that_skills_expect(say, openai, text, heard):
    hears(openai, text)

    assert say(as_file(tone())).json() == [heard]


@pytest.mark.parametrize("answer", [b"", b"hello", b"[]", b"{}", b'{"text": null}', b'{"text": 1}'])
def test_an_openai_server_that_makes_no_sense_is_502(say, openai, answer):
    openai.expect_request("/v1/audio/transcriptions").respond_with_data(answer)

    response = say(as_file(tone()))

    assert (response.status_code, response.json()) == (502, {"error": "speech engine failed"})


@pytest.mark.parametrize("status", [400, 401, 404, 429, 500, 503])
def test_an_openai_server_that_refuses_is_502(say, openai, status):
    openai.expect_request("/v1/audio/transcriptions").respond_with_data("sesame", status=status)

    response = say(as_file(tone()))

    assert (response.status_code, response.json()) == (502, {"error": "speech engine failed"})
    assert not SttTranscription.objects.get().succeeded


def test_an_openai_server_on_a_bad_day_costs_one_request(say, settings, bad_upstream):
    settings.STT_ENGINE, settings.STT_OPENAI_URL = "openai", bad_upstream.url

    response = say(as_file(tone()))

    assert response.status_code == bad_upstream.status
    assert response.json()["error"].startswith("speech engine ")


def test_openai_itself_wants_a_key(say, settings):
    settings.STT_ENGINE = "openai"

    response = say(as_file(tone()))

    assert response.status_code == 503
    assert response.json() == {"error": "SELENE_STT_OPENAI_KEY is not set"}


HEARD = (
    '{"result":[]}\n{"result":[{"alternative":[{"transcript":"what time is it"}],"final":true}]}'
)


@pytest.fixture
def google(settings, httpserver):
    settings.STT_ENGINE, settings.GOOGLE_STT_KEY = "google", "sesame"
    settings.GOOGLE_STT_URL = httpserver.url_for("")
    return httpserver


@pytest.mark.parametrize(
    ("answer", "heard"), [(HEARD, "what time is it"), ('{"result":[]}', None), ("", None)]
)
def test_google_gets_what_it_needs(say, google, answer, heard):
    google.expect_request("/recognize").respond_with_data(answer)

    response = say(as_file(tone()), "/v1/stt?lang=de-DE")

    assert (response.status_code, response.json()) == (200, [heard])
    request, _ = google.log[0]
    assert dict(request.args) == {
        "client": "chromium",
        "lang": "de-DE",
        "key": "sesame",
        "pFilter": "0",
    }
    assert request.headers["Content-Type"] == "audio/x-flac; rate=16000"
    assert request.data[:4] == b"fLaC"


@pytest.mark.parametrize(
    "answer", ["hello", "[]", "{}", '{"result":[1]}', '{"result":{"a":1}}', b"\xff"]
)
def test_google_that_makes_no_sense_is_502(say, google, answer):
    google.expect_request("/recognize").respond_with_data(answer)

    response = say(as_file(tone()))

    assert (response.status_code, response.json()) == (502, {"error": "speech engine failed"})


def test_google_on_a_bad_day_costs_one_request(say, settings, google, bad_upstream):
    settings.GOOGLE_STT_URL = bad_upstream.url

    response = say(as_file(tone()))

    assert response.status_code == bad_upstream.status
    assert "sesame" not in response.content.decode()


@pytest.mark.parametrize("engine", ["google", "openai"])
def test_services_count_as_such(say, settings, httpserver, engine):
    settings.STT_ENGINE, settings.GOOGLE_STT_KEY = engine, "sesame"
    settings.GOOGLE_STT_URL = settings.STT_OPENAI_URL = httpserver.url_for("")
    settings.UPSTREAM_CONCURRENCY = 0

    response = say(as_file(tone()))

    assert response.status_code == 429
    assert httpserver.log == []


# Engines that run here


@pytest.mark.parametrize(
    ("engine", "package"),
    [
        ("vosk", "vosk"),
        ("faster-whisper", "faster-whisper"),
        ("google-cloud", "google-cloud-speech"),
    ],
)
def test_an_engine_that_is_not_installed_is_503_and_says_how_to(say, settings, engine, package):
    settings.STT_ENGINE = engine

    response = say(as_file(tone()))

    assert response.status_code == 503
    assert response.json() == {"error": f"SELENE_STT_ENGINE is {engine}: pip install {package}"}


@pytest.mark.parametrize(
    ("engine", "missing"),
    [
        ("google", "GOOGLE_STT_KEY"),
        ("google-cloud", "GOOGLE_STT_KEY"),
        ("vosk", "SELENE_STT_MODEL"),
    ],
)
def test_an_engine_that_is_not_configured_is_503(say, settings, monkeypatch, engine, missing):
    settings.STT_ENGINE = engine
    monkeypatch.setattr(speech, "PACKAGES", {})

    response = say(as_file(tone()))

    assert response.status_code == 503
    assert response.json() == {"error": f"{missing} is not set"}


@pytest.fixture
def engine_of(tmp_path, settings, monkeypatch):
    """Return a function that puts a vosk of our own in the engine's way, given its code."""

    @contextmanager
    def engine_of(code):
        (tmp_path / "vosk.py").write_text(VOSK + code)
        monkeypatch.setenv("PYTHONPATH", str(tmp_path))
        monkeypatch.syspath_prepend(str(tmp_path))
        settings.STT_ENGINE, settings.STT_MODEL = "vosk", str(tmp_path)
        pool.close()
        yield tmp_path
        pool.close()

    with ExitStack() as engines:
        yield lambda code: engines.enter_context(engine_of(code))


VOSK = """
import os, pathlib, time

def SetLogLevel(level): pass

class Model:
    def __init__(self, path):
        folder = pathlib.Path(path)
        with (folder / "loads").open("a") as loads:
            loads.write(f"{os.getpid()}\\n")
        if (folder / "broken").exists():
            raise RuntimeError("no model")
        if (folder / "slow").exists():
            time.sleep(0.4)

class KaldiRecognizer:
    def __init__(self, model, rate):
        assert rate == 16_000
    def AcceptWaveform(self, samples):
        assert len(samples) % 2 == 0
    def FinalResult(self):
        return self.hear()
"""
HELLO = '    def hear(self): return \'{"text": "hello"}\'\n'


def loads(folder):
    return len((folder / "loads").read_text().splitlines())


def test_a_model_is_loaded_once(say, engine_of):
    folder = engine_of(HELLO)

    answers = [say(as_file(tone())).json() for _ in range(3)]

    assert answers == [["hello"]] * 3
    assert loads(folder) == 1


def test_a_model_that_cannot_be_loaded_is_503_until_it_can(say, engine_of):
    folder = engine_of(HELLO)
    (folder / "broken").touch()

    response = say(as_file(tone()))
    (folder / "broken").unlink()
    later = say(as_file(tone()))

    assert response.status_code == 503
    assert response.json() == {"error": "vosk could not load its model; the server's log says why"}
    assert later.json() == ["hello"]


def test_a_model_that_takes_long_to_load_is_waited_for_by_later_requests(say, settings, engine_of):
    folder = engine_of(HELLO)
    (folder / "slow").touch()
    settings.UPSTREAM_READ_SECONDS = 0.3

    first = say(as_file(tone()))
    statuses = {say(as_file(tone())).status_code for _ in range(4)}

    assert (first.status_code, first.json()) == (504, {"error": "speech engine timed out"})
    assert 200 in statuses
    assert loads(folder) == 1


@pytest.mark.parametrize(
    ("code", "status"),
    [
        ("    def hear(self): os._exit(1)\n", 502),
        ("    def hear(self): os.abort()\n", 502),
        ("    def hear(self): raise ValueError\n", 502),
        ("    def hear(self): return 'hello'\n", 502),
        ("    def hear(self): time.sleep(60)\n", 504),
        ("    def hear(self): os.kill(os.getpid(), 19)\n", 504),  # it is stopped
    ],
)
def test_an_engine_that_fails_costs_one_request(say, settings, engine_of, code, status):
    folder = engine_of(code)
    settings.UPSTREAM_READ_SECONDS = 1

    response = say(as_file(tone()))
    (folder / "vosk.py").write_text(VOSK + HELLO)
    pool.close()
    settings.UPSTREAM_READ_SECONDS = 15

    assert response.status_code == status
    assert response.json()["error"].startswith("speech engine ")
    assert say(as_file(tone())).json() == ["hello"]


def test_an_engine_that_has_died_is_replaced(say, engine_of):
    folder = engine_of(HELLO)
    say(as_file(tone()))
    pool._idle[0]._process.kill()
    pool._idle[0]._process.wait()

    response = say(as_file(tone()))

    assert response.json() == ["hello"]
    assert loads(folder) == 2


@pytest.mark.django_db(transaction=True)
def test_as_many_engines_run_as_may_and_the_rest_is_refused(say, settings, engine_of):
    folder = engine_of('    def hear(self): time.sleep(0.5); return \'{"text": "hello"}\'\n')
    settings.STT_CONCURRENCY = 2
    statuses = []

    def ask():
        statuses.append(say(as_file(tone())).status_code)
        connection.close()

    threads = [threading.Thread(target=ask) for _ in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert sorted(statuses) == [200, 200, 429, 429, 429, 429]
    assert loads(folder) == 2
