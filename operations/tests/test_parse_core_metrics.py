from datetime import UTC, datetime

import pytest
from django.core.management import CommandError, call_command

from devices.models import CoreInteraction, CoreMetric
from devices.tests.factories import make_device
from operations.models import JobRun

pytestmark = pytest.mark.django_db


def report(at):
    value = {"id": f"{at:%d}", "system": "stt", "time": 0.5}
    CoreMetric.objects.create(device=make_device(), name="timing", value=value, received_at=at)


def test_yesterdays_metrics_become_interactions(time_machine, capsys):
    time_machine.move_to("2026-03-11 02:00:00Z")
    for day in (9, 10, 11):
        report(datetime(2026, 3, day, 1, tzinfo=UTC))

    call_command("parse_core_metrics")

    assert capsys.readouterr().out == "1 interactions of 2026-03-10\n"
    assert CoreInteraction.objects.get().core_id == "10"
    assert JobRun.objects.get().name == "parse_core_metrics"


def test_a_day_can_be_named():
    report(datetime(2026, 3, 9, 1, tzinfo=UTC))

    call_command("parse_core_metrics", "--day", "2026-03-09")

    assert CoreInteraction.objects.get().core_id == "09"


def test_what_is_no_day_is_refused():
    with pytest.raises(CommandError, match="invalid fromisoformat value"):
        call_command("parse_core_metrics", "--day", "yesterday")
