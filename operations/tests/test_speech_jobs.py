"""The jobs of speech and of recorded wake words."""

from datetime import timedelta

import pytest
from django.core.management import call_command

from operations import scheduler
from operations.models import JobRun

pytestmark = pytest.mark.django_db


def test_requests_for_speech_are_summed_every_hour():
    for _ in range(2):
        output = call_command("summarise_stt")

    assert output == "0 sums of a day and engine added, 0 requests deleted"
    run = JobRun.objects.get()  # a second one that says the same is no news
    assert (run.name, run.succeeded, run.output) == ("summarise_stt", True, output)
    assert scheduler.FrequentJob("summarise_stt", timedelta(hours=1)) in scheduler.schedule()


def test_recorded_wake_words_are_removed_every_day(settings, tmp_path):
    settings.DATA_DIR = tmp_path

    output = call_command("delete_wake_word_samples")

    assert output == "0 samples marked, 0 removed, 0 files without a sample removed"
    run = JobRun.objects.get()
    assert (run.name, run.succeeded, run.output) == ("delete_wake_word_samples", True, output)
    assert "delete_wake_word_samples" in {job.command for job in scheduler.schedule()}
