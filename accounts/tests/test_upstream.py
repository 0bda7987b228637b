"""Calling services outside, on their bad days and with many at once."""

import contextlib
import gzip
import socket
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


class Scripted:
    """A server that answers the first connection, second and so on as it was told to."""

    def __init__(self, *scripts):
        self.requests = []
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.url = f"http://127.0.0.1:{self._listener.getsockname()[1]}"
        threading.Thread(target=self._serve, args=(scripts,), daemon=True).start()

    def close(self):
        self._listener.close()

    def _serve(self, scripts):
        for script in scripts:
            with contextlib.suppress(OSError):
                connection, _ = self._listener.accept()
                with connection:
                    script(self, connection)

    def read(self, connection):
        self.requests.append(connection.recv(65_536))


ANSWER = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"


def say_ok(server, connection):
    server.read(connection)
    connection.sendall(ANSWER)


def close_instead_of_answering(server, connection):
    server.read(connection)


def send_headers_for_ever(server, connection):
    server.read(connection)
    connection.sendall(b"HTTP/1.1 200 OK\r\n")
    while True:
        connection.sendall(b"X-More: 1\r\n")
        time.sleep(0.02)


def send_a_body_without_length_for_ever(server, connection):
    server.read(connection)
    connection.sendall(b"HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n")
    while True:
        connection.sendall(b" ")
        time.sleep(0.02)


@pytest.mark.parametrize(
    "script", [send_headers_for_ever, send_a_body_without_length_for_ever], ids=["headers", "body"]
)
def test_a_service_that_never_comes_to_an_end_is_cut_off_in_time(settings, script):
    settings.UPSTREAM_READ_SECONDS = 0.3

    with closing(Scripted(script)) as server:
        begun = time.monotonic()
        with pytest.raises(http.Unavailable, match="service timed out"):
            http.call("service", "GET", server.url)

    assert time.monotonic() - begun < 1


def test_a_question_is_asked_once_more_if_the_connection_was_closed_under_it():
    with closing(Scripted(close_instead_of_answering, say_ok)) as server:
        answer = http.call("service", "GET", server.url)

    assert answer.content == b"ok"
    assert len(server.requests) == 2


@pytest.mark.parametrize(
    ("method", "scripts"),
    [
        ("GET", [close_instead_of_answering, close_instead_of_answering, say_ok]),
        ("POST", [close_instead_of_answering, say_ok]),
    ],
)
def test_no_more_than_that_is_asked_again_and_nothing_that_changes_things(method, scripts):
    with closing(Scripted(*scripts)) as server, pytest.raises(http.Unavailable, match="failed"):
        http.call("service", method, server.url)

    assert len(server.requests) == len(scripts) - 1


def test_a_cookie_of_one_answer_is_not_in_the_next_request(httpserver):
    httpserver.expect_request("/").respond_with_data(headers={"Set-Cookie": "who=someone"})

    for _ in range(2):
        http.call("service", "GET", httpserver.url_for("/"))

    assert [request.headers.get("Cookie") for request, _ in httpserver.log] == [None, None]
