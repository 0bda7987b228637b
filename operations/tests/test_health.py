import secrets
import signal
import socket
import time
from contextlib import closing

import pytest
import requests

from operations.tests.processes import run_folder
from tools import services
from tools.live import LiveServer

OK = {"status": "ok"}


@pytest.mark.django_db
def test_livez_and_readyz_say_that_all_is_well(api):
    alive, ready = api.get("/livez"), api.get("/readyz")

    assert (alive.status_code, alive.json()) == (200, OK)
    assert (ready.status_code, ready.json()) == (200, OK)
    assert "no-store" in ready["Cache-Control"]


def test_livez_asks_no_database(api):
    # Without the database mark a query would be an error.
    response = api.get("/livez")

    assert response.json() == OK


@pytest.mark.django_db
@pytest.mark.parametrize("path", ["/livez", "/readyz", "/"])
def test_health_is_only_read(api, path):
    response = api.post(path)

    assert response.status_code == 405
    assert response["Allow"] == "GET, HEAD"


@pytest.mark.fleet
@pytest.mark.django_db
def test_readyz_names_a_cache_that_is_away(api, settings, caplog):
    unused = _free_port()
    settings.CACHES = {
        "default": settings.CACHES["default"] | {"LOCATION": f"redis://127.0.0.1:{unused}/0"}
    }

    response = api.get("/readyz")

    assert response.status_code == 503
    assert response.json() == {"status": "unavailable", "down": ["cache"]}
    assert "cache does not answer: ConnectionError" in caplog.text


def _free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


@pytest.fixture(scope="module")
def postgresql():
    """A PostgreSQL that nobody else uses."""
    folder = run_folder() / f"postgresql-{secrets.token_hex(4)}"
    server = services.PostgreSQL(run_folder(), folder)
    yield server
    server.stop()


@pytest.fixture(scope="module")
def server(postgresql):
    """A fleet's server whose PostgreSQL and Redis may be stopped."""
    with closing(LiveServer(run_folder(), is_fleet=True)) as server:
        server.environment |= {"DATABASE_URL": postgresql.url(), "SELENE_WORKERS": "1"}
        server.start()
        yield server


def readyz(server):
    """Return status and body of a quick answer."""
    response = requests.get(f"{server.url}/readyz", timeout=4)
    return response.status_code, response.json()


def unavailable(*down):
    return 503, {"status": "unavailable", "down": list(down)}


def is_ready_again(server):
    return lambda: readyz(server) == (200, OK)


@pytest.mark.fleet
def test_a_stopped_redis_is_told_and_found_again(server):
    server.redis.stop()
    stopped = readyz(server)
    server.redis.start()

    assert stopped == unavailable("cache")
    services.wait_until(is_ready_again(server), what="not ready again", limit=10)


@pytest.mark.fleet
def test_a_hanging_redis_is_told_in_time(server):
    server.redis.hang()
    try:
        begin = time.monotonic()
        answer = readyz(server)
        seconds = time.monotonic() - begin
    finally:
        server.redis.wake()

    assert answer == unavailable("cache")
    assert seconds < 3
    services.wait_until(is_ready_again(server), what="not ready again", limit=10)


@pytest.mark.fleet
def test_a_hanging_database_is_told_in_time_and_the_process_stays_alive(server, postgresql):
    postgresql.signal(signal.SIGSTOP)
    try:
        answers = [readyz(server) for _ in range(3)]
        alive = requests.get(f"{server.url}/livez", timeout=2).json()
    finally:
        postgresql.signal(signal.SIGCONT)

    assert answers == [unavailable("database")] * 3
    assert alive == OK
    services.wait_until(is_ready_again(server), what="not ready again", limit=10)


@pytest.mark.fleet
def test_the_home_page_tells_what_is_down(server):
    server.redis.stop()
    page = requests.get(server.url, timeout=5)
    server.redis.start()

    assert page.status_code == 200
    assert "Not well: the cache does not answer" in page.text


@pytest.mark.fleet
def test_a_stopped_database_is_told_without_details_and_its_server_ends_cleanly(server, postgresql):
    postgresql.stop()

    services.wait_until(lambda: readyz(server) == unavailable("database"), what="still up", limit=9)
    home = requests.get(server.url, timeout=5)

    assert home.status_code == 200
    assert "Not well: the database does not answer" in home.text
    assert server.terminate() == 0


@pytest.mark.household
def test_a_household_whose_database_is_gone_is_not_ready(make_live_server):
    server = make_live_server(SELENE_RUN_JOBS="false")
    aside = server.data_dir.rename(server.data_dir.with_suffix(".aside"))

    gone = readyz(server)
    aside.rename(server.data_dir)

    assert gone == unavailable("database")
    assert readyz(server) == (200, OK)
