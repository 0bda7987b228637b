import json
import multiprocessing
import re
from datetime import timedelta
from pathlib import Path

import pytest
from django.utils import timezone
from prometheus_client.parser import text_string_to_metric_families

from accounts.models import OutgoingMail
from accounts.tests.threads import at_once
from accounts.upstream import http
from operations import fleet, metrics, statistics
from operations.models import JobRun, Lease
from operations.statistics import EARLY, VIEW, Counter

DEPLOY = Path(__file__).resolve().parents[2] / "deploy"
NAME = re.compile(r"\bselene_[a-z_]+")


@pytest.fixture(autouse=True)
def counter(monkeypatch, settings, tmp_path):
    """Counts of nobody else."""
    settings.METRICS_DIR = tmp_path / "metrics"
    counter = Counter()
    monkeypatch.setattr(statistics, "counter", counter)
    return counter


def samples():
    """Return the value of each sample that is shown, by its name and what its labels say."""
    return {
        (sample.name, *(value for _, value in sorted(sample.labels.items()))): sample.value
        for family in text_string_to_metric_families(metrics.render().decode())
        for sample in family.samples
    }


@pytest.mark.django_db
def test_requests_are_shown_by_route_and_status_with_a_histogram(counter):
    for status, seconds in ((200, 0.003), (200, 0.3), (500, 20.0)):
        counter.note(VIEW, "v1/geolocation", "GET", status, seconds)

    shown = samples()

    route = ("GET", "v1/geolocation")
    assert shown["selene_requests_total", "device", *route, "200"] == 2
    assert shown["selene_requests_total", "device", *route, "500"] == 1
    assert shown["selene_request_seconds_bucket", "device", "0.0025", *route] == 0
    assert shown["selene_request_seconds_bucket", "device", "0.005", *route] == 1
    assert shown["selene_request_seconds_bucket", "device", "10.0", *route] == 2
    assert shown["selene_request_seconds_bucket", "device", "+Inf", *route] == 3
    assert shown["selene_request_seconds_count", "device", *route] == 3
    assert shown["selene_request_seconds_sum", "device", *route] == pytest.approx(20.303)


@pytest.mark.django_db
def test_polls_that_redis_answered_and_steps_of_pairing_are_shown(counter):
    counter.note(EARLY, "v1/device/<str:device_id>", "GET", 304, 0.001)
    counter.note(VIEW, "v1/device/code", "GET", 200, 0.001)
    counter.note(VIEW, "v1/device/code", "GET", 429, 0.001)
    counter.note(VIEW, "admin/devices/device/add/", "POST", 302, 0.001)

    shown = samples()

    assert shown["selene_fast_path_total", "304"] == 1
    assert shown["selene_pairing_total", "issued"] == 1
    assert shown["selene_pairing_total", "claimed"] == 1


@pytest.mark.django_db
def test_calls_of_services_outside_are_shown_with_what_came_of_them(httpserver):
    httpserver.expect_request("/").respond_with_data("busy", status=503)

    http.call("Wolfram Alpha", "GET", httpserver.url_for("/"))
    with pytest.raises(http.Unavailable):
        http.call("Wolfram Alpha", "GET", "http://127.0.0.1:1/")

    shown = samples()
    assert shown["selene_upstream_calls_total", "Wolfram Alpha", "503"] == 1
    assert shown["selene_upstream_calls_total", "Wolfram Alpha", "502"] == 1
    assert shown["selene_upstream_seconds_count", "Wolfram Alpha"] == 2


@pytest.mark.django_db
def test_devices_jobs_and_mail_are_shown(device):
    now = timezone.now()
    fleet.count()
    for succeeded in (True, False):
        JobRun.objects.create(
            name="load_skills", day=now.date(), started_at=now, ended_at=now, succeeded=succeeded
        )
        now += timedelta(minutes=1)
    OutgoingMail.objects.create(recipient="a@example.com")
    OutgoingMail.objects.create(recipient="a@example.com", next_attempt_at=None)
    Lease.objects.create(name="scheduler", expires_at=now)

    shown = samples()

    assert shown["selene_up", "database"] == 1
    assert shown["selene_devices", "never"] == 1
    assert shown["selene_accounts", "all"] == 1
    assert shown["selene_job_last_success_timestamp_seconds", "load_skills"] == pytest.approx(
        (now - timedelta(minutes=2)).timestamp()
    )
    assert shown["selene_job_last_run_failed", "load_skills"] == 1
    assert shown["selene_scheduler_up",] == 1
    assert shown["selene_mail", "waiting"] == 1
    assert shown["selene_mail", "given up"] == 1
    assert 0 <= shown["selene_mail_oldest_waiting_seconds",] < 60


def count_in_a_worker(calls):
    """Do as a forked worker does: count, tell the others, end."""
    statistics.counter = Counter()
    metrics._own_name = f"{calls}.json"
    for _ in range(calls):
        statistics.counter.note(VIEW, "v1/geolocation", "GET", 200, 0.5)
    metrics.publish()


def test_whatever_worker_is_asked_answers_for_all(settings, counter):
    settings.WORKERS = 3
    fork = multiprocessing.get_context("fork")
    workers = [fork.Process(target=count_in_a_worker, args=[calls]) for calls in (10, 200)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join(timeout=10)
    counter.note(VIEW, "v1/geolocation", "GET", 200, 0.5)

    [tally] = metrics.gather().values()

    assert (tally.count, tally.seconds) == (211, 105.5)


def test_what_one_worker_answered_the_next_does_not_answer_less_of(settings, counter, monkeypatch):
    settings.WORKERS = 2
    counter.note(VIEW, "v1/geolocation", "GET", 200, 0.5)
    metrics.gather()
    monkeypatch.setattr(statistics, "counter", Counter())
    monkeypatch.setattr(metrics, "_own_name", "the-other.json")

    [tally] = metrics.gather().values()

    assert tally.count == 1


def test_threads_of_a_worker_may_tell_at_once(settings, counter):
    settings.WORKERS = 2
    counter.note(VIEW, "v1/geolocation", "GET", 200, 0.5)

    gathered = at_once(*[metrics.gather, metrics.publish] * 8)[::2]

    assert [list(tallies.values())[0].count for tallies in gathered] == [1] * 8


def test_one_worker_writes_no_files(settings):
    metrics.publish()

    assert not Path(settings.METRICS_DIR).exists()


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("request_headers", "status"),
    [
        ({"REMOTE_ADDR": "127.0.0.1"}, 200),
        ({"REMOTE_ADDR": "::1"}, 200),
        ({"REMOTE_ADDR": "192.0.2.7"}, 403),
        ({"REMOTE_ADDR": "127.0.0.1", "HTTP_X_FORWARDED_FOR": "192.0.2.7"}, 403),
        ({"REMOTE_ADDR": "192.0.2.7", "HTTP_AUTHORIZATION": "Bearer let-me-see"}, 200),
        ({"REMOTE_ADDR": "192.0.2.7", "HTTP_AUTHORIZATION": "Bearer let-me-see\u00e4"}, 403),
        ({"REMOTE_ADDR": "192.0.2.7", "HTTP_AUTHORIZATION": "Bearer "}, 403),
        ({"REMOTE_ADDR": ""}, 403),
    ],
)
def test_metrics_are_for_who_has_the_token_or_an_address(client, settings, request_headers, status):
    settings.METRICS_TOKEN = "let-me-see"

    response = client.get("/metrics", **request_headers)

    assert response.status_code == status
    if status == 403:
        assert response.json() == {"error": "no token or address that may read metrics"}
    else:
        assert response["Content-Type"].startswith("text/plain")


@pytest.mark.django_db
def test_without_a_token_an_empty_one_lets_nobody_in(client, settings):
    settings.METRICS_ADDRESSES = []

    response = client.get("/metrics", HTTP_AUTHORIZATION="Bearer ")

    assert response.status_code == 403


def shown_names():
    return {name for name, *_ in samples()}


@pytest.mark.django_db
def test_the_dashboard_and_the_alerts_name_metrics_that_there_are(counter):
    counter.note(EARLY, "v1/device/<str:device_id>", "GET", 304, 0.001)
    counter.note(VIEW, "v1/device/code", "GET", 200, 0.001)
    counter.note(statistics.UPSTREAM, "Wolfram Alpha", "CALL", 200, 0.001)
    now = timezone.now()
    JobRun.objects.create(name="load_skills", day=now.date(), ended_at=now, succeeded=True)
    fleet.count()

    named = {
        path.name: set(NAME.findall(path.read_text()))
        for path in (*DEPLOY.glob("grafana/*.json"), *DEPLOY.glob("prometheus/*.yml"))
    }

    assert len(named) >= 2
    assert {name: names - shown_names() for name, names in named.items()} == dict.fromkeys(
        named, set()
    )


def test_the_dashboard_is_one_that_grafana_can_import():
    dashboard = json.loads((DEPLOY / "grafana/selene.json").read_text())

    ids = [panel["id"] for panel in dashboard["panels"]]
    assert len(ids) == len(set(ids))
    assert all(panel["targets"] for panel in dashboard["panels"] if panel["type"] != "row")
