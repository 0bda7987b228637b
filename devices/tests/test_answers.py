"""GET /v1/wa, wolframAlphaSpoken, wolframAlphaSimple, wolframAlphaFull: Wolfram Alpha."""

import json
import logging
from datetime import timedelta

import pytest
from django.core.cache import caches
from django.utils import timezone
from rest_framework.test import APIClient
from werkzeug import Response

from accounts.models import Account
from devices import replies
from devices.tests.factories import make_device, make_token

KEY = "ABCDEF-0123456789"
XML = b"<?xml version='1.0' encoding='UTF-8'?>\n<queryresult success='true' error='false'/>"
GIF = b"GIF89a\x01\x00\x01\x00\x80\x00\x00\xff\x00\xff"
FULL = {
    "queryresult": {
        "success": True,
        "error": False,
        "pods": [{"sub_pods": [{"plain_text": "a_b"}]}],
    }
}
QUESTIONS = {
    "/v1/wa?input=pi": "/v2/query",
    "/v1/wolframAlphaFull?input=pi": "/v2/query",
    "/v1/wolframAlphaSpoken?i=pi": "/v1/spoken",
    "/v1/wolframAlphaSimple?i=pi": "/v1/simple",
}
each_call = pytest.mark.parametrize("url", QUESTIONS)


@pytest.fixture(autouse=True)
def _configured(settings, httpserver):
    settings.WOLFRAM_ALPHA_KEY = KEY
    settings.WOLFRAM_ALPHA_URL = httpserver.url_for("").rstrip("/")


@pytest.fixture
def wolfram(httpserver):
    """Wolfram Alpha on a good day."""

    def query(request):
        if request.args.get("output") == "json":
            return Response(json.dumps(FULL), content_type="application/json")
        return Response(XML, content_type="text/xml;charset=utf-8")

    httpserver.expect_request("/v2/query").respond_with_handler(query)
    httpserver.expect_request("/v1/spoken").respond_with_data(
        "about π", content_type="text/html;charset=utf-8"
    )
    httpserver.expect_request("/v1/simple").respond_with_data(GIF, content_type="image/gif")
    return httpserver


def say(httpserver, url, content, **options):
    """Let Wolfram Alpha answer the question of ``url``."""
    httpserver.expect_request(QUESTIONS[url]).respond_with_data(content, **options)


def asked(httpserver):
    return [(request.path, request.args.to_dict(flat=False)) for request, _ in httpserver.log]


def make_client():
    """A client of another device, of another account."""
    client = APIClient()
    client.credentials(HTTP_AUTHORIZATION=f"Bearer {make_token(make_device())}")
    return client


def test_wa_is_upstreams_xml(device_client, wolfram):
    response = device_client.get("/v1/wa?input=meaning%20of+life&units=metric&output=json")

    assert (response.status_code, response.content) == (200, XML)
    assert response.headers["Content-Type"] == "text/xml; charset=utf-8"
    assert asked(wolfram) == [
        ("/v2/query", {"input": ["meaning of life"], "units": ["metric"], "appid": [KEY]})
    ]


def test_spoken_is_upstreams_text(device_client, wolfram):
    response = device_client.get("/v1/wolframAlphaSpoken?i=pi&geolocation=1,2&units=metric")

    assert (response.status_code, response.content.decode()) == (200, "about π")
    assert response.headers["Content-Type"] == "text/plain; charset=utf-8"
    assert asked(wolfram) == [
        (
            "/v1/spoken",
            {"i": ["pi"], "geolocation": ["1,2"], "units": ["metric"], "appid": [KEY]},
        )
    ]


@pytest.mark.parametrize(
    ("content_type", "told"),
    [
        ("image/gif", "image/gif"),
        ("image/png", "image/png"),
        ("Image/JPEG; x=y", "image/jpeg"),
    ],
)
def test_simple_is_upstreams_image(device_client, httpserver, content_type, told):
    say(httpserver, "/v1/wolframAlphaSimple?i=pi", GIF, content_type=content_type)

    response = device_client.get("/v1/wolframAlphaSimple?i=pi&background=F5F5F5")

    assert (response.status_code, response.content) == (200, GIF)
    assert response.headers["Content-Type"] == told
    assert asked(httpserver) == [
        ("/v1/simple", {"i": ["pi"], "background": ["F5F5F5"], "appid": [KEY]})
    ]


def test_full_is_upstreams_json_in_camel_case(device_client, wolfram):
    response = device_client.get("/v1/wolframAlphaFull?input=pi&output=xml&Output=xml")

    assert response.status_code == 200
    assert response.json() == {
        "queryresult": {
            "success": True,
            "error": False,
            "pods": [{"subPods": [{"plainText": "a_b"}]}],
        }
    }
    assert response.headers["Content-Type"] == "application/json"
    assert asked(wolfram) == [
        ("/v2/query", {"input": ["pi"], "appid": [KEY], "output": ["json"]}),
    ]


@each_call
def test_nothing_in_a_reply_can_act_as_a_page(device_client, wolfram, url):
    response = device_client.get(url, HTTP_ACCEPT="text/html")

    assert response.status_code == 200
    assert "html" not in response.headers["Content-Type"]
    assert response.headers["X-Content-Type-Options"] == "nosniff"
    assert response.headers["Content-Security-Policy"] == "default-src 'none'; sandbox"


@each_call
def test_no_parameter_takes_the_place_of_our_key(device_client, wolfram, url):
    device_client.get(
        f"{url}&appid=a&APPID=b&AppId=c&appid=d&%61ppid=e&+appid=f&podstate=x&podstate=y"
    )

    [(path, params)] = asked(wolfram)
    assert path == QUESTIONS[url]
    assert params["appid"] == [KEY]
    assert params["podstate"] == ["x", "y"]
    assert {name for name in params if "appid" in name.lower()} == {"appid"}


@pytest.mark.parametrize(
    ("url", "field"),
    [
        ("/v1/wa", "input"),
        ("/v1/wa?i=pi", "input"),
        ("/v1/wolframAlphaFull?Input=pi", "input"),
        ("/v1/wolframAlphaSpoken?input=pi", "i"),
        ("/v1/wolframAlphaSimple", "i"),
    ],
)
def test_a_question_is_required(device_client, wolfram, url, field):
    response = device_client.get(url)

    assert response.status_code == 400
    assert response.json() == {field: ["This field is required."]}
    assert asked(wolfram) == []


@pytest.mark.parametrize("url", [url.removesuffix("pi") for url in QUESTIONS])
def test_a_question_may_not_be_blank_or_endless(device_client, wolfram, url):
    blank = device_client.get(f"{url}%20")
    endless = device_client.get(f"{url}{'x' * 2_001}")

    field = url.partition("?")[2].removesuffix("=")
    assert (blank.status_code, endless.status_code) == (400, 400)
    assert blank.json() == {field: ["This field may not be blank."]}
    assert endless.json() == {
        field: ["Ensure this field has no more than 2000 characters."],
    }
    assert asked(wolfram) == []


@each_call
def test_without_a_token_nothing_is_asked(api, db, wolfram, url):
    response = api.get(url)

    assert response.status_code == 401
    assert response.json() == {"error": "Oauth token not found"}
    assert asked(wolfram) == []


@each_call
def test_without_a_key_the_answer_names_the_setting(device_client, settings, url):
    settings.WOLFRAM_ALPHA_KEY = ""

    response = device_client.get(url)

    assert response.status_code == 503
    assert response.json() == {"error": "WOLFRAM_ALPHA_KEY is not set"}


@each_call
def test_answers_are_only_read(device_client, wolfram, url):
    response = device_client.post(url, {})

    assert response.status_code == 405
    assert response.json() == {"error": 'Method "POST" not allowed.'}
    assert response.headers["Allow"] == "GET, HEAD, OPTIONS"


@each_call
def test_head_is_get_without_the_body(device_client, wolfram, url):
    response = device_client.head(url)

    assert (response.status_code, response.content) == (200, b"")


def test_spoken_that_has_no_answer_says_so(device_client, httpserver):
    url = "/v1/wolframAlphaSpoken?i=pi"
    say(httpserver, url, "No spoken result available", status=501)

    responses = [device_client.get(url) for _ in range(2)]

    for response in responses:
        assert (response.status_code, response.content) == (501, b"No spoken result available")
        assert response.headers["Content-Type"] == "text/plain; charset=utf-8"
    assert len(httpserver.log) == 2


@pytest.mark.parametrize("status", [400, 501])
def test_simple_that_has_no_answer_is_an_error_and_no_image(device_client, httpserver, status):
    url = "/v1/wolframAlphaSimple?i=pi"
    say(httpserver, url, "did not understand your input", status=status)

    response = device_client.get(url)

    assert response.status_code == status
    assert response.json() == {"error": "Wolfram Alpha has no answer"}


@each_call
@pytest.mark.parametrize("status", [401, 403])
def test_a_refusal_of_our_key_is_no_refusal_of_the_device(
    device_client, httpserver, caplog, url, status
):
    say(httpserver, url, f"Error 1: Invalid appid {KEY}", status=status)

    response = device_client.get(url)

    assert response.status_code == 502
    assert response.json() == {"error": "Wolfram Alpha failed"}
    assert f"Wolfram Alpha refuses WOLFRAM_ALPHA_KEY: HTTP {status}" in caplog.messages


PAGE = b"<!DOCTYPE html><script>alert(1)</script>"


@pytest.mark.parametrize(
    ("url", "content", "options"),
    [
        ("/v1/wa?input=pi", PAGE, {"content_type": "text/xml"}),
        ("/v1/wa?input=pi", b"", {"content_type": "text/xml"}),
        ("/v1/wa?input=pi", b"<?xml version='1.0'?><queryresult>\xff", {}),
        ("/v1/wa?input=pi", b"plain words", {"status": 400}),
        ("/v1/wa?input=pi", XML, {"status": 501}),
        ("/v1/wa?input=pi", XML, {"status": 500}),
        ("/v1/wolframAlphaFull?input=pi", PAGE, {"content_type": "application/json"}),
        ("/v1/wolframAlphaFull?input=pi", XML, {}),
        ("/v1/wolframAlphaFull?input=pi", b"[1", {}),
        ("/v1/wolframAlphaFull?input=pi", b"7", {}),
        ("/v1/wolframAlphaFull?input=pi", b"{}", {"status": 503}),
        ("/v1/wolframAlphaSpoken?i=pi", PAGE, {"content_type": "text/html"}),
        ("/v1/wolframAlphaSpoken?i=pi", b"\xff\xfe", {}),
        ("/v1/wolframAlphaSpoken?i=pi", b"words", {"status": 500}),
        ("/v1/wolframAlphaSpoken?i=pi", b"words", {"status": 302}),
        ("/v1/wolframAlphaSimple?i=pi", PAGE, {"content_type": "text/html"}),
        ("/v1/wolframAlphaSimple?i=pi", b"<svg/>", {"content_type": "image/svg+xml"}),
        ("/v1/wolframAlphaSimple?i=pi", GIF, {"content_type": "application/octet-stream"}),
        ("/v1/wolframAlphaSimple?i=pi", GIF, {"content_type": "image/gif\tx"}),
        ("/v1/wolframAlphaSimple?i=pi", GIF, {"content_type": "image/gif", "status": 500}),
    ],
)
def test_what_makes_no_sense_is_a_failure_of_the_service(
    device_client, httpserver, url, content, options
):
    say(httpserver, url, content, **options)

    response = device_client.get(url)

    assert response.status_code == 502
    assert response.json() == {"error": "Wolfram Alpha failed"}


@each_call
def test_a_bad_day_of_the_service(device_client, settings, bad_upstream, url):
    settings.WOLFRAM_ALPHA_URL = bad_upstream.url

    response = device_client.get(url)

    words = "timed out" if bad_upstream.status == 504 else "failed"
    assert response.status_code == bad_upstream.status
    assert response.json() == {"error": f"Wolfram Alpha {words}"}


@pytest.mark.parametrize(
    ("url", "content", "told"),
    [
        (
            "/v1/wa?input=pi",
            f"<queryresult recalculate='/r?appid={KEY}&amp;x=1'/>",
            b"<queryresult recalculate='/r?appid=***&amp;x=1'/>",
        ),
        (
            "/v1/wolframAlphaFull?input=pi",
            f'{{"queryresult":{{"recalculate":"\\/r?appid={KEY}"}}}}',
            b'{"queryresult":{"recalculate":"/r?appid=***"}}',
        ),
        ("/v1/wolframAlphaSpoken?i=pi", f"your key {KEY}.", b"your key ***."),
    ],
)
def test_our_key_is_hidden_where_the_service_repeats_it(
    device_client, httpserver, url, content, told
):
    say(httpserver, url, content)

    response = device_client.get(url)

    assert (response.status_code, response.content) == (200, told)


@each_call
def test_our_key_is_in_no_log(device_client, wolfram, settings, caplog, url):
    caplog.set_level(logging.DEBUG)

    device_client.get(url)
    settings.WOLFRAM_ALPHA_URL = "http://127.0.0.1:1"
    failed = device_client.get(f"{url}2")

    ours = [vars(record) for record in caplog.records if record.name != "werkzeug"]
    assert failed.status_code == 502
    assert KEY not in str(ours)


@each_call
def test_the_same_question_is_asked_once_a_day(device_client, wolfram, pass_time, url):
    first = device_client.get(f"{url}&units=metric")
    pass_time(timedelta(hours=23))

    # A token rests longer than that.
    again = make_client().get(f"{url}&units=metric&appid=mine")

    assert (again.status_code, again.content) == (200, first.content)
    assert again.headers["Content-Type"] == first.headers["Content-Type"]
    assert len(wolfram.log) == 1


@pytest.mark.household
@each_call
def test_after_a_day_it_is_asked_again(device_client, wolfram, pass_time, url):
    device_client.get(url)
    pass_time(timedelta(days=1, seconds=1))

    device_client.get(url)

    assert len(wolfram.log) == 2


@pytest.mark.fleet
def test_redis_keeps_an_answer_for_a_day(device_client, wolfram):
    device_client.get("/v1/wa?input=pi")

    name = replies.question("wolfram", "xml", [("input", "pi")])
    assert 86_395 <= caches["replies"].ttl(name) <= 86_400


@each_call
@pytest.mark.parametrize("more", ["&units=metric", "&geolocation=1,2", "2", "%20"])
def test_another_question_unit_or_place_is_asked_for_itself(device_client, wolfram, url, more):
    device_client.get(url)

    device_client.get(url + more)

    assert len(wolfram.log) == 2


def test_the_forms_of_an_answer_are_kept_apart(device_client, wolfram):
    answers = {url: device_client.get(url).content for url in [*QUESTIONS, *QUESTIONS]}

    assert len(set(answers.values())) == 4
    assert len(wolfram.log) == 4


@pytest.mark.parametrize(
    ("url", "content"),
    [
        ("/v1/wa?input=pi", "<queryresult success='false' error='true'><error/></queryresult>"),
        (
            "/v1/wolframAlphaFull?input=pi",
            '{"queryresult": {"success": false, "error": {"code": "1"}}}',
        ),
    ],
)
def test_an_error_of_the_service_is_not_kept(device_client, httpserver, url, content):
    say(httpserver, url, content)

    for _ in range(2):
        assert device_client.get(url).status_code == 200

    assert len(httpserver.log) == 2


def test_a_device_asks_as_often_as_its_quota_allows(db, wolfram, settings, time_machine):
    time_machine.move_to("2030-05-01T12:00:00Z", tick=False)
    settings.WOLFRAM_QUOTA = 4
    client = make_client()
    for url in [*QUESTIONS, *QUESTIONS]:
        assert client.get(url).status_code == 200

    refused = client.get("/v1/wa?input=e")
    neighbour = make_client().get("/v1/wa?input=e")

    assert refused.status_code == 429
    assert refused.json() == {
        "error": "asked as often as a device may in a day Expected available in 43201 seconds."
    }
    assert refused.headers["Retry-After"] == "43201"
    assert neighbour.status_code == 200


def test_calls_are_throttled_by_device_all_forms_together(device_client, wolfram, limit_rate):
    limit_rate("wolfram", "3/minute")

    statuses = [device_client.get(url).status_code for url in QUESTIONS]

    assert statuses == [200, 200, 200, 429]
    assert make_client().get("/v1/wa?input=pi").status_code == 200


@each_call
def test_asking_counts_as_activity(device_client, wolfram, account, url):
    Account.objects.update(last_activity_at=None)

    device_client.get(url)

    account.refresh_from_db()
    assert timezone.now() - account.last_activity_at < timedelta(minutes=1)
