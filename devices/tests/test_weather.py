"""GET /v1/owm/<path>: the weather through this server."""

import logging
from datetime import timedelta

import pytest
from django.core.cache import caches
from django.utils import timezone
from hypothesis import given
from hypothesis import strategies as st
from rest_framework.test import APIClient

from accounts.models import Account
from devices import replies, weather
from devices.tests.factories import make_device, make_token
from devices.upstream import camel_case
from devices.upstream.proxied import Reply

KEY = "0123456789abcdef0123456789abcdef"
SKY = {"cod": 200, "main": {"feels_like": 280.5, "temp_min": 279}, "rain": {"1h": 0.4}}


@pytest.fixture(autouse=True)
def _configured(settings, httpserver):
    settings.OWM_KEY = KEY
    settings.OWM_URL = httpserver.url_for("/data/2.5")


@pytest.fixture
def sky(httpserver):
    """OpenWeatherMap on a good day, wherever it is asked."""
    httpserver.expect_request("/data/2.5/weather").respond_with_json(SKY)
    httpserver.expect_request("/data/2.5/forecast").respond_with_json(SKY)
    return httpserver


def asked(httpserver):
    """Return what the service was asked: each path with its parameters."""
    return [(request.path, request.args.to_dict(flat=False)) for request, _ in httpserver.log]


def logged(caplog):
    """Return what this server logged, without what the stand-in did."""
    return "\n".join(
        f"{record.getMessage()} {vars(record)}"
        for record in caplog.records
        if record.name != "werkzeug"
    )


def make_client():
    """A client of another device, of another account."""
    client = APIClient()
    client.credentials(HTTP_AUTHORIZATION=f"Bearer {make_token(make_device())}")
    return client


def test_the_answer_is_upstreams_with_its_keys_in_camel_case(device_client, sky):
    response = device_client.get("/v1/owm/weather?lat=1.5&lon=-2.5&units=metric&lang=pt_br")

    assert response.status_code == 200
    assert response.json() == {
        "cod": 200,
        "main": {"feelsLike": 280.5, "tempMin": 279},
        "rain": {"1h": 0.4},
    }
    assert response.headers["Content-Type"] == "application/json"
    assert response.headers["X-Content-Type-Options"] == "nosniff"
    assert asked(sky) == [
        (
            "/data/2.5/weather",
            {"lat": ["1.5"], "lon": ["-2.5"], "units": ["metric"], "lang": ["pt_br"]}
            | {"APPID": [KEY]},
        )
    ]


@pytest.mark.parametrize("path", list(weather.LIFETIMES))
def test_each_path_on_the_list_is_passed_on(device_client, httpserver, path):
    httpserver.expect_request(f"/data/2.5/{path}").respond_with_json({"list": []})

    response = device_client.get(f"/v1/owm/{path}?q=Kansas%20City")

    assert (response.status_code, response.json()) == (200, {"list": []})


@pytest.mark.parametrize(
    "path",
    [
        "stations",
        "weather/",
        "Weather",
        "/weather",
        "weather//",
        "../2.5/weather",
        "weather/../../3.0/onecall",
        "weather/..",
        "%2e%2e/weather",
        "weather%2f..%2f..",
        "weather%252f..",
        "..%5cweather",
        "weather%3Fx=1",
        "weather%23",
        "weather;x",
        "weather%0d%0aHost:%20evil",
        "@evil.example/weather",
        "%40evil.example",
        "http://evil.example/weather",
        "/evil.example/weather",
        "weather%00",
        "weather%20",
        "wеather",  # with a Cyrillic letter
    ],
)
def test_no_other_path_reaches_the_service(device_client, sky, path):
    response = device_client.get(f"/v1/owm/{path}")

    assert response.status_code in (400, 404)
    assert list(response.json()) == ["error"]
    assert asked(sky) == []


def test_no_parameter_takes_the_place_of_our_key(device_client, sky):
    device_client.get(
        "/v1/owm/weather?appid=a&APPID=b&AppId=c&appid=d&%61ppid=e&+appid=f&appid%09=g&q=x&q=y"
    )

    assert asked(sky) == [("/data/2.5/weather", {"q": ["x", "y"], "APPID": [KEY]})]


@pytest.mark.parametrize("path", ["weather", "stations"])
def test_without_a_token_nothing_is_asked(api, db, sky, path):
    response = api.get(f"/v1/owm/{path}?q=x")

    assert response.status_code == 401
    assert response.json() == {"error": "Oauth token not found"}
    assert asked(sky) == []


def test_without_a_key_the_answer_names_the_setting(device_client, settings):
    settings.OWM_KEY = ""

    response = device_client.get("/v1/owm/weather?q=x")

    assert response.status_code == 503
    assert response.json() == {"error": "OWM_KEY is not set"}


@pytest.mark.parametrize(("method", "status"), [("post", 405), ("put", 405), ("delete", 405)])
def test_the_weather_is_only_read(device_client, sky, method, status):
    response = getattr(device_client, method)("/v1/owm/weather?q=x")

    assert response.status_code == status
    assert response.json() == {"error": f'Method "{method.upper()}" not allowed.'}
    assert asked(sky) == []


def test_head_is_get_without_the_body_and_options_asks_nobody(device_client, sky):
    head = device_client.head("/v1/owm/weather?q=x")
    options = device_client.options("/v1/owm/weather?q=x")

    assert (head.status_code, head.content, head["Content-Type"]) == (200, b"", "application/json")
    assert options.status_code == 200
    assert len(asked(sky)) == 1


@pytest.mark.parametrize("accept", ["text/html", "text/xml", "image/png;q=1", "nonsense"])
def test_what_a_client_would_rather_accept_changes_nothing(device_client, sky, accept):
    response = device_client.get("/v1/owm/weather?q=x", HTTP_ACCEPT=accept)

    assert response.status_code == 200
    assert response.headers["Content-Type"] == "application/json"


@pytest.mark.parametrize("status", [400, 404, 422])
def test_what_the_device_asked_wrongly_it_is_told(device_client, httpserver, status):
    body = {"cod": str(status), "error_message": "city not found"}
    httpserver.expect_request("/data/2.5/weather").respond_with_json(body, status=status)

    responses = [device_client.get("/v1/owm/weather?q=nowhere") for _ in range(2)]

    for response in responses:
        assert response.status_code == status
        assert response.json() == {"cod": str(status), "errorMessage": "city not found"}
    assert len(httpserver.log) == 2


def test_a_service_that_is_asked_too_often_is_asked_again_later(device_client, httpserver):
    body = {"cod": 429, "message": "blocked"}
    httpserver.expect_request("/data/2.5/weather").respond_with_json(body, status=429)

    response = device_client.get("/v1/owm/weather?q=x")

    assert (response.status_code, response.json()) == (429, body)
    assert response.headers["Retry-After"] == "60"


@pytest.mark.parametrize("status", [401, 403, 407])
def test_a_refusal_of_our_key_is_no_refusal_of_the_device(
    device_client, httpserver, caplog, status
):
    body = {"cod": status, "message": f"Invalid API key {KEY}"}
    httpserver.expect_request("/data/2.5/weather").respond_with_json(body, status=status)

    response = device_client.get("/v1/owm/weather?q=x")

    assert response.status_code == 502
    assert response.json() == {"error": "OpenWeatherMap failed"}
    assert f"OpenWeatherMap refuses OWM_KEY: HTTP {status}" in caplog.messages
    assert KEY not in logged(caplog)


@pytest.mark.parametrize(
    ("status", "content"),
    [
        (200, b""),
        (200, b"<html>a page</html>"),
        (200, b"3"),
        (200, b'"text"'),
        (200, b'{"a": NaN}'),
        (200, b'{"a": "\\ud800"}'),
        (200, b'{"a": "\xff"}'),
        (200, b"[" * 500 + b"]" * 500),
        (200, b'{"a":' * 200 + b"1" + b"}" * 200),
        (204, b""),
        (206, b"{}"),
        (301, b"{}"),
        (304, b""),
        (400, b"plain words"),
        (500, b'{"message": "internal"}'),
        (501, b"{}"),
        (503, b"{}"),
    ],
)
def test_what_makes_no_sense_is_a_failure_of_the_service(
    device_client, httpserver, status, content
):
    httpserver.expect_request("/data/2.5/weather").respond_with_data(
        content, status=status, content_type="application/json", headers={"Location": "/elsewhere"}
    )

    response = device_client.get("/v1/owm/weather?q=x")

    assert response.status_code == 502
    assert response.json() == {"error": "OpenWeatherMap failed"}
    assert len(httpserver.log) == 1


def test_a_bad_day_of_the_service(device_client, settings, bad_upstream):
    settings.OWM_URL = bad_upstream.url

    response = device_client.get("/v1/owm/weather?q=x")

    words = "timed out" if bad_upstream.status == 504 else "failed"
    assert response.status_code == bad_upstream.status
    assert response.json() == {"error": f"OpenWeatherMap {words}"}


@pytest.mark.parametrize("status", [200, 400])
def test_our_key_is_hidden_where_the_service_repeats_it(device_client, httpserver, status):
    escaped = "".join(f"\\u{ord(letter):04x}" for letter in KEY)
    content = (
        f'{{"url": "/weather?appid={KEY}&q=x", "quoted": "appid%3D{KEY}%26", "{KEY}": "{escaped}"}}'
    )
    httpserver.expect_request("/data/2.5/weather").respond_with_data(content, status=status)

    response = device_client.get("/v1/owm/weather?q=x")

    assert response.status_code == status
    assert response.json() == {
        "url": "/weather?appid=***&q=x",
        "quoted": "appid%3D***%26",
        "***": "***",
    }


def test_our_key_is_in_no_log(device_client, sky, settings, caplog):
    caplog.set_level(logging.DEBUG)

    device_client.get("/v1/owm/weather?q=x")
    settings.OWM_URL = "http://127.0.0.1:1"
    failed = device_client.get("/v1/owm/weather?q=y")

    assert failed.status_code == 502
    assert KEY not in logged(caplog)


def test_one_call_may_be_at_another_base(device_client, sky, settings, httpserver):
    settings.OWM_ONECALL_URL = httpserver.url_for("/data/3.0")
    httpserver.expect_request("/data/3.0/onecall").respond_with_json({"current": {"dew_point": 1}})

    one_call = device_client.get("/v1/owm/onecall?lat=1&lon=2")
    now = device_client.get("/v1/owm/weather?lat=1&lon=2")

    assert one_call.json() == {"current": {"dewPoint": 1}}
    assert now.status_code == 200
    assert [path for path, _ in asked(sky)] == ["/data/3.0/onecall", "/data/2.5/weather"]


@pytest.mark.parametrize(
    ("path", "minutes"), [("weather", 10), ("forecast", 60)], ids=["current", "forecast"]
)
def test_the_same_question_is_asked_once_while_its_answer_is_good(
    device_client, sky, pass_time, path, minutes
):
    other_client_of_the_house = make_client()
    first = device_client.get(f"/v1/owm/{path}?lat=39.09973&lon=-94.57857&units=metric")
    pass_time(timedelta(minutes=minutes - 1))

    for client in (device_client, other_client_of_the_house):
        again = client.get(f"/v1/owm/{path}?units=metric&lon=-94.5786&lat=39.1&appid=mine")
        assert (again.status_code, again.json()) == (200, first.json())
        assert again.headers["Content-Type"] == "application/json"
    assert len(sky.log) == 1


@pytest.mark.household
@pytest.mark.parametrize(("path", "minutes"), [("weather", 10), ("forecast", 60)])
def test_an_answer_that_is_too_old_is_asked_for_again(
    device_client, sky, time_machine, path, minutes
):
    time_machine.move_to(timezone.now())
    device_client.get(f"/v1/owm/{path}?q=x")
    time_machine.move_to(timezone.now() + timedelta(minutes=minutes, seconds=1))

    device_client.get(f"/v1/owm/{path}?q=x")

    assert len(sky.log) == 2


@pytest.mark.fleet
@pytest.mark.parametrize(("path", "seconds"), [("weather", 600), ("forecast", 3600)])
def test_redis_drops_an_answer_that_is_too_old(device_client, sky, path, seconds):
    device_client.get(f"/v1/owm/{path}?q=x")

    name = replies.question("owm", path, [("q", "x")])
    assert seconds - 5 <= caches["replies"].ttl(name) <= seconds


@pytest.mark.parametrize(
    "query",
    [
        "lat=39.11&lon=-94.58&units=metric",
        "lat=39.1&lon=-94.57&units=metric",
        "lat=39.1&lon=-94.58&units=imperial",
        "lat=39.1&lon=-94.58",
        "lat=39.1&lon=-94.58&units=metric&lang=de",
        "lat=-94.58&lon=39.1&units=metric",
        "q=Kansas%20City&units=metric",
    ],
)
def test_another_place_unit_or_language_is_another_question(device_client, sky, query):
    device_client.get("/v1/owm/weather?lat=39.1&lon=-94.58&units=metric")

    device_client.get(f"/v1/owm/weather?{query}")

    assert len(sky.log) == 2


@pytest.mark.parametrize("query", ["lat=nan&lon=1", "lat=1e999&lon=-", "lat=&lon=%ff", "lat", ""])
def test_odd_places_are_for_the_service_to_judge(device_client, httpserver, query):
    body = {"cod": "400", "message": "wrong latitude"}
    httpserver.expect_request("/data/2.5/weather").respond_with_json(body, status=400)

    response = device_client.get(f"/v1/owm/weather?{query}")

    assert (response.status_code, response.json()) == (400, body)


def test_names_of_places_are_one_however_they_are_spelt(device_client, sky):
    for query in ("Kansas%20City,US", "kansas++city,us"):
        device_client.get(f"/v1/owm/weather?q={query}")

    assert len(sky.log) == 1


def test_a_reply_that_is_too_large_is_not_kept(monkeypatch):
    monkeypatch.setattr(replies, "LIMIT_BYTES", 100)
    small = Reply(200, b" " * 5_000, "application/json", is_lasting=True)
    large = Reply(200, bytes(range(256)), "application/json", is_lasting=True)

    for name, reply in [("small", small), ("large", large)]:
        replies.remember(name, reply, timedelta(minutes=1))

    assert (replies.recall("small"), replies.recall("large")) == (small, None)


def test_the_name_of_a_question_does_not_tell_it():
    name = replies.question("owm", "weather", [("q", "secret place")])

    assert name.startswith("reply:1:")
    assert "secret" not in name


def test_a_device_asks_as_often_as_its_quota_allows(db, sky, settings, time_machine):
    time_machine.move_to("2030-05-01T23:00:00Z", tick=False)
    settings.OWM_QUOTA = 2
    client = make_client()
    for place in ("a", "b", "a", "b"):  # what is kept costs nothing
        assert client.get(f"/v1/owm/weather?q={place}").status_code == 200

    refused = client.get("/v1/owm/weather?q=c")
    known = client.get("/v1/owm/weather?q=a")
    neighbour = make_client().get("/v1/owm/weather?q=c")

    assert refused.status_code == 429
    assert refused.json() == {
        "error": "asked as often as a device may in a day Expected available in 3601 seconds."
    }
    assert refused.headers["Retry-After"] == "3601"
    assert (known.status_code, neighbour.status_code) == (200, 200)
    assert len(sky.log) == 3


def test_the_next_day_has_a_quota_of_its_own(db, sky, settings, time_machine):
    settings.OWM_QUOTA = 1
    time_machine.move_to("2030-05-01T23:59:30Z", tick=False)
    client = make_client()
    client.get("/v1/owm/weather?q=a")
    assert client.get("/v1/owm/weather?q=b").status_code == 429

    time_machine.move_to("2030-05-02T00:00:01Z", tick=False)
    response = client.get("/v1/owm/weather?q=b")

    assert response.status_code == 200


def test_a_quota_of_zero_is_none(device_client, sky, settings):
    settings.OWM_QUOTA = 0

    responses = [device_client.get(f"/v1/owm/weather?q={place}") for place in "abc"]

    assert [response.status_code for response in responses] == [200, 200, 200]


@pytest.mark.fleet
def test_a_redis_that_is_away_stops_no_question(device_client, sky, own_redis):
    caches["default"].client.disconnect()
    own_redis.stop()

    response = device_client.get("/v1/owm/weather?q=a")

    assert response.status_code == 200


def test_calls_are_throttled_by_device(device_client, sky, limit_rate):
    limit_rate("weather", "2/minute")
    for _ in range(2):
        device_client.get("/v1/owm/weather?q=a")

    response = device_client.get("/v1/owm/weather?q=a")

    assert response.status_code == 429
    assert 0 < int(response.headers["Retry-After"]) <= 60
    assert make_client().get("/v1/owm/weather?q=a").status_code == 200


def test_asking_counts_as_activity_also_when_the_answer_is_known(device_client, sky, account):
    device_client.get("/v1/owm/weather?q=a")
    Account.objects.update(last_activity_at=None)

    device_client.get("/v1/owm/weather?q=a")

    account.refresh_from_db()
    assert timezone.now() - account.last_activity_at < timedelta(minutes=1)


@pytest.mark.parametrize(
    ("name", "turned"),
    [
        ("feels_like", "feelsLike"),
        ("temp_min", "tempMin"),
        ("snake_case_key", "snakeCaseKey"),
        ("1h", "1h"),
        ("dt", "dt"),
        ("pm2_5", "pm25"),
        ("rain_1h", "rain1h"),
        ("alreadyCamel", "alreadyCamel"),
        ("two__lines", "twoLines"),
        ("_id", "_id"),
        ("end_", "end_"),
        ("_", "_"),
        ("", ""),
        ("LOUD_NAME", "LOUD_NAME"),
        ("größe_max", "größeMax"),
        ("with space_and", "with spaceAnd"),
    ],
)
def test_names_in_snake_case_are_turned(name, turned):
    assert camel_case.turn_keys([{name: {name: name}}]) == [{turned: {turned: name}}]


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    max_leaves=20,
)


@given(JSON)
def test_turning_twice_is_turning_once(value):
    once = camel_case.turn_keys(value)

    assert camel_case.turn_keys(once) == once


@given(st.lists(st.text()) | st.text() | st.integers())
def test_what_is_no_key_is_not_touched(value):
    assert camel_case.turn_keys({"a_b": value}) == {"aB": value}
