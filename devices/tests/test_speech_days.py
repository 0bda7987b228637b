"""Requests for speech become sums of a day, and are forgotten."""

from datetime import date, datetime, timedelta

import pytest

from accounts import deletion
from accounts.tests.threads import at_once
from devices import speech
from devices.models import SttEngineDay, SttTranscription

DAY = date(2026, 3, 1)


@pytest.fixture(autouse=True)
def three_in_the_morning(time_machine):
    time_machine.move_to("2026-03-02 03:00:00Z", tick=False)


def heard(account, at, engine="pocketsphinx", succeeded=True):
    return SttTranscription.objects.create(
        account=account,
        engine=engine,
        succeeded=succeeded,
        audio_seconds=2.0,
        transcription_seconds=0.5,
        requested_at=datetime.fromisoformat(f"2026-{at}:00Z"),
    )


def sums():
    return list(
        SttEngineDay.objects.order_by("day", "engine").values_list(
            "day", "engine", "requests", "successes", "audio_seconds", "transcription_seconds"
        )
    )


def test_a_day_is_summed_by_engine(account):
    heard(account, "03-01 00:00")
    heard(account, "03-01 23:59", succeeded=False)
    heard(account, "03-01 12:00", engine="vosk")

    assert speech.summarise() == (2, 1)
    assert sums() == [(DAY, "pocketsphinx", 2, 1, 4.0, 1.0), (DAY, "vosk", 1, 1, 2.0, 0.5)]


def test_a_day_that_is_not_over_waits(account):
    heard(account, "03-02 00:00")

    assert speech.summarise() == (0, 0)
    assert sums() == []


def test_a_day_that_has_just_ended_waits_for_who_still_asks(account, time_machine):
    heard(account, "03-01 23:59")

    time_machine.move_to("2026-03-02 00:05:00Z", tick=False)
    early = speech.summarise()
    time_machine.move_to("2026-03-02 00:15:00Z", tick=False)
    late = speech.summarise()

    assert (early, late) == ((0, 0), (1, 0))


def test_a_day_is_summed_once_also_when_its_first_requests_are_gone(account):
    heard(account, "03-01 02:00")
    heard(account, "03-01 04:00")
    speech.summarise()
    assert SttTranscription.objects.count() == 1

    assert speech.summarise() == (0, 0)
    assert sums() == [(DAY, "pocketsphinx", 2, 2, 4.0, 1.0)]


def test_days_that_were_missed_are_summed_later(account, time_machine):
    heard(account, "03-01 12:00")
    heard(account, "03-03 12:00")

    time_machine.move_to("2026-03-09 03:00:00Z", tick=False)

    assert speech.summarise() == (2, 2)
    assert [row[0] for row in sums()] == [DAY, DAY + timedelta(days=2)]


def test_requests_are_forgotten_after_a_day(account):
    heard(account, "03-01 02:59")
    young = heard(account, "03-01 03:01")

    speech.summarise()

    assert list(SttTranscription.objects.all()) == [young]


def test_the_sums_outlive_the_account(account):
    heard(account, "03-01 12:00")
    speech.summarise()

    deletion.delete(account)

    assert not SttTranscription.objects.exists()
    assert len(sums()) == 1


@pytest.mark.django_db(transaction=True)
def test_two_jobs_at_once_sum_a_day_once(account):
    for hour in range(10):
        heard(account, f"03-01 0{hour}:00")

    at_once(*[speech.summarise] * 3)

    assert sums() == [(DAY, "pocketsphinx", 10, 10, 20.0, 5.0)]
    assert SttTranscription.objects.count() == 7
