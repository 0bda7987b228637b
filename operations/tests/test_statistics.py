from datetime import date

import pytest
import requests
from django.db import DatabaseError, connection
from django.http import HttpResponse
from django.test import RequestFactory

from accounts.tests.threads import at_once
from operations import statistics
from operations.middleware import CountCalls
from operations.models import ApiCallDay
from operations.statistics import EARLY, UPSTREAM, VIEW, Counter, Key, Tally

ID = "0f9a4e27-7f0c-4a84-9d3b-31f4b1c2d3e4"
SETTING = "v1/device/<str:device_id>/setting"


@pytest.fixture(autouse=True)
def counter(monkeypatch):
    """Counts of nobody else."""
    counter = Counter()
    monkeypatch.setattr(statistics, "counter", counter)
    return counter


def rows():
    fields = ["day", "api", "route", "method", "status", "count", "total_seconds"]
    return list(ApiCallDay.objects.order_by("route", "day").values_list(*fields))


def counted(counter):
    return {tuple(key[1:]): tally.count for key, tally in counter.take().items()}


def tally_of(*calls):
    tally = Tally()
    for seconds in calls:
        tally.add(Tally(1, seconds, seconds))
    return tally


@pytest.mark.django_db
def test_a_request_is_counted_by_its_route_and_never_its_path(api, counter):
    api.get(f"/v1/device/{ID}/setting")
    api.get("/api/account")
    api.get("/no/such/page")
    api.get("/static/no.css")

    assert counted(counter) == {
        (VIEW, SETTING, "GET", 401): 1,
        (VIEW, "api/account", "GET", 401): 1,
        (VIEW, "(no route)", "GET", 404): 1,
        (VIEW, "static", "GET", 404): 1,
    }


@pytest.mark.parametrize("method", ["BREW", "x" * 500])
def test_a_made_up_method_is_counted_as_other(counter, method):
    request = RequestFactory().generic(method, "/")

    CountCalls(lambda _: HttpResponse(status=405))(request)

    assert counted(counter) == {(VIEW, "(no route)", "OTHER", 405): 1}


@pytest.mark.parametrize(
    ("path", "route"),
    [
        (f"/v1/device/{ID}", "v1/device/<str:device_id>"),
        (f"/v1/device/{ID}/skill/settings", "v1/device/<str:device_id>/skill/settings"),
        (f"/v1/device/{ID}/other", "(no route)"),
    ],
)
def test_what_no_view_was_asked_for_has_the_route_of_the_view(counter, path, route):
    CountCalls(lambda _: HttpResponse(status=304))(RequestFactory().get(path))

    assert counted(counter) == {(EARLY, route, "GET", 304): 1}


@pytest.mark.fleet
@pytest.mark.django_db
def test_a_poll_that_redis_answers_is_counted_as_such(device, device_client, counter):
    path = f"/v1/device/{device.pk}/setting"
    tag = device_client.get(path)["ETag"]
    device_client.get(path, HTTP_IF_NONE_MATCH=tag)

    device_client.get(path, HTTP_IF_NONE_MATCH=tag)

    assert counted(counter)[EARLY, SETTING, "GET", 304] >= 1


@pytest.mark.django_db
def test_counts_are_added_to_the_row_of_their_day(counter, time_machine):
    time_machine.move_to("2026-03-01 23:59:59Z", tick=False)
    counter.note(VIEW, "v1/geolocation", "GET", 200, 0.25)
    time_machine.move_to("2026-03-02 00:00:01Z", tick=False)
    counter.note(VIEW, "v1/geolocation", "GET", 200, 1.0)
    statistics.flush()
    counter.note(EARLY, "v1/geolocation", "GET", 200, 0.5)

    assert statistics.flush() == 1

    assert rows() == [
        (date(2026, 3, 1), "device", "v1/geolocation", "GET", 200, 1, 0.25),
        (date(2026, 3, 2), "device", "v1/geolocation", "GET", 200, 2, 1.5),
    ]
    assert ApiCallDay.objects.get(day=date(2026, 3, 2)).highest_seconds == 1.0


@pytest.mark.django_db
def test_each_route_is_of_the_api_that_has_it(counter, time_machine):
    routes = ["v1/geolocation", "api/voices", "api/skills", "api/internal-login", "admin/login/"]
    for route in [*routes, "livez"]:
        counter.note(VIEW, route, "GET", 200, 0.1)
    counter.note(UPSTREAM, "Wolfram Alpha", "CALL", 504, 15.0)

    statistics.flush()

    assert dict(ApiCallDay.objects.values_list("route", "api")) == {
        "v1/geolocation": "device",
        "api/voices": "account",
        "api/skills": "account",
        "api/internal-login": "sso",
        "admin/login/": "admin",
        "livez": "pages",
        "Wolfram Alpha": "upstream",
    }


@pytest.mark.django_db
def test_nothing_counted_is_nothing_written(django_assert_num_queries):
    with django_assert_num_queries(0):
        assert statistics.flush() == 0


def test_threads_that_count_at_once_lose_nothing(counter):
    def count():
        for _ in range(2_000):
            counter.note(VIEW, "v1/geolocation", "GET", 200, 0.5)

    at_once(*[count] * 8)

    [tally] = counter.take().values()
    assert (tally.count, tally.seconds, sum(tally.steps)) == (16_000, 8_000.0, 16_000)


@pytest.mark.django_db(transaction=True)
def test_processes_that_write_at_once_lose_nothing():
    day = 20_000
    routes = [f"v1/{number}" for number in range(5)]
    tallies = {Key(day, VIEW, route, "GET", 200): tally_of(0.5, 1.0) for route in routes}
    backwards = dict(reversed(tallies.items()))

    at_once(*[lambda: statistics.write(tallies), lambda: statistics.write(backwards)] * 3)

    assert [row[5:] for row in rows()] == [(12, 9.0)] * 5


@pytest.mark.django_db
def test_what_could_not_be_written_is_written_by_the_next(counter):
    counter.note(VIEW, "v1/geolocation", "GET", 200, 0.5)
    with pytest.raises(DatabaseError), connection.execute_wrapper(refuse):
        statistics.flush()
    counter.note(VIEW, "v1/geolocation", "GET", 200, 0.5)

    assert statistics.flush() == 2

    assert [row[5:] for row in rows()] == [(2, 1.0)]


def refuse(execute, sql, params, many, context):
    raise DatabaseError("away")


@pytest.mark.django_db
def test_what_was_counted_since_the_start_does_not_shrink_with_a_flush(counter):
    counter.note(VIEW, "v1/geolocation", "GET", 200, 0.003)
    statistics.flush()
    counter.note(VIEW, "v1/geolocation", "GET", 200, 20.0)

    [(key, tally)] = counter.since_start().items()

    assert key == Key(0, VIEW, "v1/geolocation", "GET", 200)
    assert (tally.count, tally.highest) == (2, 20.0)
    assert tally.steps == [0, 0, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1]


def test_a_server_that_is_asked_to_end_writes_what_it_counted(live_server_process):
    for _ in range(3):
        requests.get(f"{live_server_process.url}/v1/geolocation", timeout=10)

    live_server_process.terminate()

    code = (
        "from operations.models import ApiCallDay as A; "
        "print(*A.objects.filter(route='v1/geolocation').values_list('status', 'count'))"
    )
    answer = live_server_process.manage("shell", "-v0", "--no-imports", "-c", code)
    assert answer == "(401, 3)\n"
