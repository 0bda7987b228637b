"""POST /v1/device/D/wake-word-file: a sound that woke a device."""

import hashlib
import json
import threading
from datetime import UTC, datetime

import pytest
from django.conf import settings
from django.core.files.uploadedfile import SimpleUploadedFile
from django.db import connection

from accounts import agreements
from accounts.models import AgreementType
from accounts.tests.factories import make_account
from devices import samples
from devices.authentication import OF_ANOTHER_DEVICE
from devices.models import SampleStatus, WakeWord, WakeWordSample
from devices.tests.factories import make_device, make_token, make_wake_word
from devices.tests.sounds import as_file, silence, tone

WAV = as_file(tone(0.5), format="WAV")
DIGEST = hashlib.sha256(WAV).hexdigest()
METADATA = {
    "wake_word": "hey mycroft",
    "engine": "precise",
    "timestamp": "1772323200123",
    "model": "5223842df0cdee5bca3eff8eac1b67fc",
}
DONE = "Wake word sample uploaded successfully"


@pytest.fixture(autouse=True)
def folder(settings, tmp_path):
    settings.DATA_DIR = tmp_path
    return tmp_path / "wake-words"


@pytest.fixture(autouse=True)
def wake_word(db):
    return make_wake_word()


def opt_in(account):
    agreements.load_shipped(settings.FIXTURES_DIR / "agreements")
    agreements.accept(account, agreements.in_force(AgreementType.OPEN_DATASET))
    return account


@pytest.fixture
def opted_in(account):
    return opt_in(account)


@pytest.fixture
def upload(device, device_client):
    """Return a function that uploads a sound and what is said of it."""

    def upload(content=WAV, **changes):
        metadata = json.dumps(METADATA | changes).encode()
        return send(audio=content, metadata=metadata)

    def send(**parts):
        files = {name: SimpleUploadedFile(name, part) for name, part in parts.items()}
        return device_client.post(url, files, format="multipart")

    url = f"/v1/device/{device.pk}/wake-word-file"
    upload.send, upload.url = send, url
    return upload


def kept(folder):
    return sorted(file.name for file in folder.glob("*/*"))


def test_a_sample_is_kept_as_a_row_and_a_file(upload, opted_in, wake_word, folder):
    response = upload()

    assert response.status_code == 200
    assert response.json() == DONE
    sample = WakeWordSample.objects.get()
    assert (sample.account, sample.wake_word, sample.digest) == (opted_in, wake_word, DIGEST)
    assert sample.recorded_at == datetime(2026, 3, 1, 0, 0, 0, 123_000, UTC)
    assert (sample.model, sample.status) == (METADATA["model"], SampleStatus.STORED)
    assert samples.path(DIGEST).read_bytes() == WAV
    assert samples.path(DIGEST).stat().st_mode & 0o777 == 0o600
    assert kept(folder) == [DIGEST]


def test_without_consent_a_sample_is_taken_and_dropped(upload, folder):
    response = upload()

    assert response.status_code == 200
    assert response.json() == DONE
    assert not WakeWordSample.objects.exists()
    assert kept(folder) == []


def test_a_second_upload_of_a_sound_is_one_sample(upload, opted_in, folder):
    upload()

    response = upload(timestamp="1772323299999")

    assert (response.status_code, response.json()) == (200, DONE)
    assert WakeWordSample.objects.count() == 1
    assert kept(folder) == [DIGEST]


def test_the_same_sound_of_another_account_is_one_sample(upload, opted_in, api, folder):
    upload()
    device = make_device(opt_in(make_account()))
    api.credentials(HTTP_AUTHORIZATION=f"Bearer {make_token(device)}")

    response = api.post(
        f"/v1/device/{device.pk}/wake-word-file",
        {"audio": SimpleUploadedFile("a", WAV), "metadata": json.dumps(METADATA)},
        format="multipart",
    )

    assert (response.status_code, response.json()) == (200, DONE)
    assert WakeWordSample.objects.get().account == opted_in
    assert kept(folder) == [DIGEST]


def test_a_sample_marked_for_deletion_is_wanted_again(upload, opted_in):
    upload()
    WakeWordSample.objects.update(status=SampleStatus.PENDING_DELETE, account=None)

    response = upload()

    assert response.status_code == 200
    sample = WakeWordSample.objects.get()
    assert (sample.status, sample.account) == (SampleStatus.STORED, opted_in)


@pytest.mark.django_db(transaction=True)
def test_the_same_sound_twice_at_once_is_one_sample(upload, opted_in, folder):
    statuses = []

    def send():
        statuses.append(upload().status_code)
        connection.close()

    threads = [threading.Thread(target=send) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert statuses == [200] * 4
    assert WakeWordSample.objects.count() == 1
    assert kept(folder) == [DIGEST]


@pytest.mark.parametrize(
    "name", ["Hey Mycroft", "hey-mycroft", "hey_mycroft", " hey mycroft ", "HEY MYCROFT"]
)
def test_a_wake_word_is_known_however_it_is_written(upload, opted_in, wake_word, name):
    response = upload(wake_word=name)

    assert response.status_code == 200
    assert WakeWordSample.objects.get().wake_word == wake_word


@pytest.mark.parametrize(
    ("engine", "expected"),
    [
        ("pocketsphinx", "pocketsphinx"),
        ("PocketsphinxHotWord", "pocketsphinx"),
        ("PreciseHotword", "precise"),
        ("5f4dcc3b5aa765d61d8327deb882cf99", "precise"),
    ],
)
def test_the_engine_tells_wake_words_of_one_name_apart(upload, opted_in, engine, expected):
    make_wake_word(engine="pocketsphinx")

    upload(engine=engine)

    assert WakeWordSample.objects.get().wake_word.engine == expected


@pytest.mark.parametrize(
    "name",
    ["hey nobody", "../../etc/passwd", "..", "/", "/etc", "hey\\mycroft", "~", "a" * 100],
)
def test_an_unknown_wake_word_is_400_and_makes_none(upload, opted_in, folder, name):
    response = upload(wake_word=name)

    assert response.status_code == 400
    assert response.json() == {"wake_word": ["unknown wake word"]}
    assert WakeWord.objects.count() == 1
    assert kept(folder) == []


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"wake_word": ""}, "wake_word"),
        ({"wake_word": None}, "wake_word"),
        ({"wake_word": ["a"]}, "wake_word"),
        ({"wake_word": "a\x00"}, "wake_word"),
        ({"wake_word": "a" * 101}, "wake_word"),
        ({"engine": {}}, "engine"),
        ({"engine": "a" * 101}, "engine"),
        ({"model": "a" * 101}, "model"),
        ({"model": None}, "model"),
        ({"timestamp": "yesterday"}, "timestamp"),
        ({"timestamp": ""}, "timestamp"),
        ({"timestamp": True}, "timestamp"),
        ({"timestamp": [1]}, "timestamp"),
        ({"timestamp": "nan"}, "timestamp"),
        ({"timestamp": "inf"}, "timestamp"),
        ({"timestamp": "9" * 400}, "timestamp"),
        ({"timestamp": 1e20}, "timestamp"),
    ],
)
def test_a_bad_field_is_400_and_named(upload, opted_in, changes, field):
    response = upload(**changes)

    assert response.status_code == 400
    assert list(response.json()) == [field]
    assert not WakeWordSample.objects.exists()


@pytest.mark.parametrize(
    ("timestamp", "year"), [("1772323200", 2026), (1_772_323_200_123, 2026), (0, 1970), (-5, 1970)]
)
def test_times_are_read_as_devices_write_them(upload, opted_in, timestamp, year):
    response = upload(timestamp=timestamp)

    assert response.status_code == 200
    assert WakeWordSample.objects.get().recorded_at.year == year


def test_all_missing_fields_are_named_at_once(upload):
    response = upload.send(audio=WAV, metadata=b'{"engine": "precise"}')

    required = ["This field is required."]
    assert response.status_code == 400
    assert response.json() == {"wake_word": required, "timestamp": required, "model": required}


@pytest.mark.parametrize("name", ["audio", "metadata"])
def test_a_missing_part_is_400(upload, name):
    parts = {"audio": WAV, "metadata": json.dumps(METADATA).encode()}
    del parts[name]

    response = upload.send(**parts)

    assert response.status_code == 400
    assert response.json() == {name: [f"No {name} file included in request"]}


@pytest.mark.parametrize("metadata", [b"{", b"[]", b"1", b'"a"', b"\xff", b'{"a": "\\ud800"}'])
def test_metadata_that_is_no_object_is_400(upload, metadata):
    response = upload.send(audio=WAV, metadata=metadata)

    assert response.status_code == 400
    assert list(response.json()) == ["metadata"]


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (b"hello", "not audio"),
        (b"#!/bin/sh\n", "not audio"),
        (as_file(silence(0.5), format="AIFF"), "audio must be WAV or FLAC"),
        (as_file(silence(61)), "audio is longer than 60 seconds"),
    ],
)
@pytest.mark.parametrize("consents", [True, False])
def test_what_is_no_sound_is_400(upload, account, folder, content, reason, consents):
    if consents:
        opt_in(account)

    response = upload(content)

    assert response.status_code == 400
    assert response.json() == {"audio": [reason]}
    assert kept(folder) == []


def test_more_than_a_megabyte_is_413(upload):
    response = upload(bytes(1_000_000))

    assert response.status_code == 413
    assert response.json() == {"error": "request body too large"}


def test_an_account_has_so_many_samples_and_no_more(upload, opted_in, monkeypatch, folder):
    monkeypatch.setattr(samples, "MAX_SAMPLES", 1)
    upload()

    response = upload(as_file(tone(0.2), format="WAV"))

    assert (response.status_code, response.json()) == (200, DONE)
    assert kept(folder) == [DIGEST]


def test_flac_is_taken_too(upload, opted_in):
    content = as_file(tone(0.5))

    response = upload(content)

    assert response.status_code == 200
    assert samples.path(hashlib.sha256(content).hexdigest()).read_bytes() == content


def test_metadata_may_be_a_field_of_the_form(device_client, upload, opted_in):
    parts = {"audio": SimpleUploadedFile("a.wav", WAV), "metadata": json.dumps(METADATA)}

    response = device_client.post(upload.url, parts, format="multipart")

    assert response.status_code == 200
    assert WakeWordSample.objects.count() == 1


def test_multipart_that_says_it_is_json_is_taken(device_client, upload, opted_in):
    parts = [
        b'--b0\r\nContent-Disposition: form-data; name="audio"; filename="audio"\r\n\r\n' + WAV,
        b'\r\n--b0\r\nContent-Disposition: form-data; name="metadata"; filename="metadata"\r\n\r\n',
        json.dumps(METADATA).encode() + b"\r\n--b0--\r\n",
    ]

    response = device_client.generic(
        "POST", upload.url, b"".join(parts), content_type="application/json"
    )

    assert (response.status_code, response.json()) == (200, DONE)
    assert samples.path(DIGEST).read_bytes() == WAV


@pytest.mark.parametrize(
    ("content_type", "body", "status"),
    [
        ("application/json", b'{"audio": "a"}', 400),
        ("application/json", b"--\r\n", 400),
        ("application/json", b"--b0\r\n", 400),
        ("multipart/form-data", b"--b0\r\n", 400),
        ("multipart/form-data; boundary=b0", b"--b0\r\nhello", 400),
        ("audio/wav", WAV, 415),
    ],
)
def test_another_body_is_refused(device_client, upload, content_type, body, status):
    response = device_client.generic("POST", upload.url, body, content_type=content_type)

    assert response.status_code == status
    assert response.json()


def test_nobody_uploads_without_a_token(api, device):
    response = api.post(f"/v1/device/{device.pk}/wake-word-file", {}, format="multipart")

    assert response.status_code == 401
    assert response.json() == {"error": "Oauth token not found"}


def test_nobody_uploads_for_another_device(device_client, account, db):
    other = make_device(account)

    response = device_client.post(f"/v1/device/{other.pk}/wake-word-file", {}, format="multipart")

    assert response.status_code == 401
    assert response.json() == {"error": OF_ANOTHER_DEVICE}


def test_uploads_over_the_rate_are_told_to_wait(upload, limit_rate):
    limit_rate("wake-word-file", "1/hour")
    upload()

    response = upload()

    assert response.status_code == 429
    assert int(response.headers["Retry-After"]) > 0
