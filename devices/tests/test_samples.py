"""Removing recorded wake words: files and rows go together, whoever is killed in between."""

import hashlib
import os
import time
from contextlib import suppress

import pytest
from django.conf import settings
from django.db import transaction
from django.utils import timezone

from accounts import agreements, deletion
from accounts.models import Account, AgreementType
from accounts.tests.factories import make_account
from accounts.tests.threads import at_once
from devices import samples
from devices.models import SampleStatus, WakeWordSample
from devices.tests.factories import make_wake_word
from devices.tests.sounds import as_file, tone

SOUND = as_file(tone(0.2), format="WAV")
DIGEST = hashlib.sha256(SOUND).hexdigest()


@pytest.fixture(autouse=True)
def folder(settings, tmp_path):
    settings.DATA_DIR = tmp_path
    return tmp_path / "wake-words"


@pytest.fixture
def opted_in(account):
    agreements.load_shipped(settings.FIXTURES_DIR / "agreements")
    agreements.accept(account, agreements.in_force(AgreementType.OPEN_DATASET))
    return account


def store(account, content=SOUND):
    return samples.store(
        account,
        content,
        wake_word=make_wake_word(),
        model="0",
        recorded_at=timezone.now(),
    )


def try_to_store(account):
    with suppress(Account.DoesNotExist):
        store(account)


def clean_up():
    return samples.mark_unwanted(), samples.remove_marked(), samples.sweep()


def kept(folder):
    return [file.name for file in folder.glob("*/*")]


def make_old(file):
    os.utime(file, (time.time() - 7_200,) * 2)


def test_samples_of_those_who_agree_stay(opted_in, folder):
    store(opted_in)

    assert clean_up() == (0, 0, 0)
    assert WakeWordSample.objects.count() == 1
    assert kept(folder) == [DIGEST]


def test_samples_of_a_deleted_account_go(opted_in, folder):
    store(opted_in)
    deletion.delete(opted_in)
    assert WakeWordSample.objects.get().status == SampleStatus.PENDING_DELETE

    assert clean_up() == (0, 1, 0)
    assert not WakeWordSample.objects.exists()
    assert kept(folder) == []


def test_samples_of_those_who_opted_out_go(opted_in, folder):
    store(opted_in)
    opted_in.acceptances.all().delete()

    assert clean_up() == (1, 1, 0)
    assert not WakeWordSample.objects.exists()
    assert kept(folder) == []


def test_only_samples_marked_for_deletion_go(opted_in, folder):
    other = as_file(tone(0.3), format="WAV")
    store(opted_in)
    store(opted_in, other)
    WakeWordSample.objects.filter(digest=DIGEST).update(status=SampleStatus.PENDING_DELETE)

    assert clean_up() == (0, 1, 0)
    assert kept(folder) == [hashlib.sha256(other).hexdigest()]


def test_cleaning_up_twice_is_cleaning_up_once(opted_in):
    store(opted_in)
    WakeWordSample.objects.update(status=SampleStatus.PENDING_DELETE)
    clean_up()

    assert clean_up() == (0, 0, 0)


def test_a_row_whose_file_is_gone_goes(opted_in):
    store(opted_in)
    samples.path(DIGEST).unlink()
    WakeWordSample.objects.update(status=SampleStatus.PENDING_DELETE)

    assert clean_up() == (0, 1, 0)
    assert not WakeWordSample.objects.exists()


def test_a_file_without_a_row_goes_once_it_is_old(opted_in, folder):
    with transaction.atomic():
        store(opted_in)
        transaction.set_rollback(True)  # as if it had been killed before the commit
    assert kept(folder) == [DIGEST]

    young = clean_up()
    make_old(samples.path(DIGEST))
    old = clean_up()

    assert (young, old) == ((0, 0, 0), (0, 0, 1))
    assert kept(folder) == []


def test_a_half_written_file_goes_once_it_is_old(opted_in, folder):
    store(opted_in)
    half = samples.path(DIGEST).with_name("tmpabc")
    half.write_bytes(SOUND[:10])
    make_old(half)
    make_old(samples.path(DIGEST))

    assert clean_up() == (0, 0, 1)
    assert kept(folder) == [DIGEST]


def test_a_full_disk_leaves_neither_row_nor_file(opted_in, folder, monkeypatch):
    def fail(handle):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(samples.os, "fsync", fail)

    with pytest.raises(OSError, match="No space"):
        store(opted_in)

    assert not WakeWordSample.objects.exists()
    assert kept(folder) == []


def test_without_a_folder_there_is_nothing_to_clean_up(db):
    assert clean_up() == (0, 0, 0)


@pytest.mark.django_db(transaction=True)
def test_a_sound_stored_while_it_is_removed_has_row_and_file_or_neither(opted_in, folder):
    for _ in range(5):
        store(opted_in)
        WakeWordSample.objects.update(status=SampleStatus.PENDING_DELETE)
        at_once(lambda: store(opted_in), samples.remove_marked)

        has_row = WakeWordSample.objects.filter(status=SampleStatus.STORED).exists()
        assert has_row
        assert kept(folder) == [DIGEST]


@pytest.mark.django_db(transaction=True)
def test_a_sound_stored_while_its_account_goes_is_not_left_behind(folder):
    for _ in range(5):
        account = make_account()
        agreements.load_shipped(settings.FIXTURES_DIR / "agreements")
        agreements.accept(account, agreements.in_force(AgreementType.OPEN_DATASET))
        at_once(lambda one=account: try_to_store(one), lambda one=account: deletion.delete(one))
        clean_up()
        for file in folder.glob("*/*"):
            make_old(file)
        clean_up()

        assert not WakeWordSample.objects.exists()
        assert kept(folder) == []
