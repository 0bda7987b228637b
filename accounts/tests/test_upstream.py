"""Calling services outside, on their bad days and with many at once."""

import gzip
import threading
import time
from contextlib import closing

import pytest
from werkzeug import Response

from accounts.upstream import http
from tools.bad_upstreams import BadUpstream


def test_the_answer_is_given_whole_whatever_its_status(httpserver):
    httpserver.expect_request("/a", query_string="q=x+y", headers={"X-Key": "k"}).respond_with_data(
        b"none", status=404, content_type="text/plain"
    )

    answer = http.call(
        "service", "GET", httpserver.url_for("/a"), params={"q": "x y"}, headers={"X-Key": "k"}
    )

    assert answer == http.Answer(404, b"none", "text/plain")


@pytest.mark.parametrize("is_chunked", [True, False])
def test_a_large_or_compressed_or_chunked_answer_is_read_to_its_end(httpserver, is_chunked):
    text = bytes(range(256)) * 2_000
    parts = [gzip.compress(text)[i : i + 1_000] for i in range(0, 300_000, 1_000)]
    body = iter([part for part in parts if part]) if is_chunked else b"".join(parts)
    httpserver.expect_request("/").respond_with_response(
        Response(body, headers={"Content-Encoding": "gzip", "Content-Type": "text/plain"})
    )

    answer = http.call("service", "GET", httpserver.url_for("/"))

    assert answer == http.Answer(200, text, "text/plain")


def test_a_bad_day_of_a_service_is_one_exception_that_shows_no_more_than_its_name(bad_upstream):
    if bad_upstream.kind == "redirecting":
        # Not followed; what to make of it is for the service's own module to say.
        assert http.call("service", "GET", f"{bad_upstream.url}/?key=s3cret").status == 302
        return

    with pytest.raises(http.Unavailable) as raised:
        http.call("service", "GET", f"{bad_upstream.url}/?key=s3cret")

    words = "timed out" if bad_upstream.status == 504 else "failed"
    assert str(raised.value) == f"service {words}"
    assert raised.value.timed_out == (bad_upstream.status == 504)


def test_no_more_than_the_limit_wait_for_services_at_once(settings):
    settings.UPSTREAM_CONCURRENCY, settings.UPSTREAM_READ_SECONDS = 2, 1.0

    def ask(url):
        with pytest.raises(http.Unavailable):
            http.call("service", "GET", url)

    with closing(BadUpstream("slow")) as upstream:
        threads = [threading.Thread(target=ask, args=(upstream.url,)) for _ in range(2)]
        for thread in threads:
            thread.start()
        time.sleep(0.5)

        with pytest.raises(http.Busy):
            http.call("service", "GET", upstream.url)
        for thread in threads:
            thread.join()
        ask(upstream.url)

    assert upstream.requests == 3


def test_places_are_given_back_after_failures(settings, bad_upstream):
    settings.UPSTREAM_CONCURRENCY = 1

    for _ in range(2):
        try:
            http.call("service", "GET", bad_upstream.url)
        except http.Unavailable:
            continue

    with http.slot(), pytest.raises(http.Busy), http.slot():
        pass
