"""Two web servers with one database and one Redis, behind nginx, as a fleet has them."""

import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, closing

import psycopg2
import pytest

from operations.tests.processes import run_folder
from tools import nginx
from tools.faults.clients import Device, Household, Owner, Server
from tools.faults.load import Load
from tools.live import ROOT, LiveServer, prepared

HOST = "selene.example"
PUBLIC = {
    "ACCOUNT_BASE_URL": f"https://{HOST}",
    "SSO_BASE_URL": f"https://{HOST}",
    "SELENE_ALLOWED_HOSTS": f".{HOST},127.0.0.1",
    "SELENE_PROXIES": "1",
    "SELENE_RUN_JOBS": "false",
    "SELENE_THROTTLE_SCALE": "1",
    "SELENE_STAFF_TWO_STEP": "false",
    # More than nginx keeps idle connections, below
    "SELENE_DRAIN_SECONDS": "1.5",
    "SELENE_STOP_SECONDS": "10",
}

pytestmark = pytest.mark.fleet
needs_nginx = pytest.mark.skipif(not nginx.is_installed(), reason="nginx is not installed")


@pytest.fixture(scope="module")
def servers():
    """Two servers, each with a data folder of its own."""
    template = prepared(run_folder(), is_fleet=True)
    # In the environment, as servers that the internet reaches want them.
    lines = (run_folder() / template / "secrets.env").read_text().splitlines()
    kept = dict(line.split("=", 1) for line in lines)
    with ExitStack() as stack:
        first, second = (
            stack.enter_context(
                closing(
                    LiveServer(run_folder(), is_fleet=True, template=template, **PUBLIC, **kept)
                )
            )
            for _ in range(2)
        )
        for name in ("DATABASE_URL", "REDIS_URL"):
            second.environment[name] = first.environment[name]
        with ThreadPoolExecutor() as pool:
            list(pool.map(LiveServer.start, (first, second)))
        yield first, second


@pytest.fixture(scope="module")
def proxy(servers, tmp_path_factory):
    folder = tmp_path_factory.mktemp("nginx") / "one"
    upstreams = {"selene": [server.port for server in servers]}
    sooner = {"keepalive_timeout 4s": "keepalive_timeout 1s"}
    with closing(nginx.Nginx(folder, "selene-one-host.conf", upstreams, sooner)) as proxy:
        proxy.start()
        yield proxy


@pytest.fixture(scope="module")
def here(servers):
    return Server(servers[0].port)


@pytest.fixture(scope="module")
def there(servers):
    return Server(servers[1].port)


@pytest.fixture(scope="module")
def owner(here):
    """Somebody who signed in at the first server."""
    return Owner(here)


def test_who_signed_in_at_one_is_known_to_the_other(owner, there):
    answer = there.ask("GET", "/api/account", headers=owner.headers)

    assert (answer.status, answer.json()["emailAddress"]) == (200, owner.email)


def test_who_signed_out_at_one_is_no_longer_known_to_the_other(here, there):
    owner = Owner(here)

    owner.ask("GET", "/api/logout")

    assert there.ask("GET", "/api/account", headers=owner.headers).status == 401


def test_what_is_changed_through_one_is_seen_through_the_other_at_once(owner, there):
    household = Household(Device(owner))
    household.device.server = there

    for _ in range(40):
        household.write()
        household.poll()
        household.poll()

    results = [(sample.what, sample.result, sample.is_stale) for sample in household.samples]
    assert results == [("write", 204, False), ("poll", 200, False), ("poll", 304, False)] * 40


def test_requests_are_counted_together(here, there):
    body = {"emailAddress": "nobody@example.com"}

    statuses = [
        server.ask("POST", "/api/password-reset", body=body).status for server in [here, there] * 6
    ]

    assert statuses == [200] * 10 + [429] * 2


@needs_nginx
def test_cookies_and_answers_know_of_tls(proxy, owner):
    basic = {"Authorization": f"Basic {owner._basic}"}

    answer = proxy.ask(HOST, "/api/internal-login", headers=basic)

    cookies = answer.headers.get_all("Set-Cookie")
    assert answer.status == 204
    assert len(cookies) == 3
    assert all("Secure" in cookie for cookie in cookies)
    assert answer.headers["Strict-Transport-Security"].startswith("max-age=31536000")


def failed_login(**headers):
    return {"Authorization": "Basic bm9ib2R5QGV4YW1wbGUuY29tOnx8Ong="} | headers


def last_address(server):
    """Return where the last failed login came from, as the server recorded it."""
    connection = psycopg2.connect(
        host=str(run_folder() / "postgresql"),
        dbname=server.environment["DATABASE_URL"].split("/")[-1],
    )
    with closing(connection), connection.cursor() as cursor:
        cursor.execute("SELECT ip_address FROM axes_accessattempt ORDER BY attempt_time DESC")
        return cursor.fetchone()[0]


@needs_nginx
def test_an_address_is_believed_from_the_proxy_only(servers, proxy, here):
    forged = failed_login(**{"X-Forwarded-For": "203.0.113.9"})

    through = proxy.ask(HOST, "/api/internal-login", headers=forged)
    recorded_through = last_address(servers[0])
    # As the proxy itself would: nobody else can reach the port.
    direct = here.ask("GET", "/api/internal-login", headers=forged)

    assert (through.status, direct.status) == (401, 401)
    assert recorded_through == "127.0.0.1"
    assert last_address(servers[0]) == "203.0.113.9"


@needs_nginx
@pytest.mark.parametrize("size", [1_000_001, 1_100_000])
def test_a_body_over_the_limit_is_refused_alike_by_server_and_proxy(proxy, size):
    answer = proxy.ask(HOST, "/api/account", method="POST", body=b"a" * size)

    assert (answer.status, answer.json()) == (413, {"error": "request body too large"})


@pytest.mark.parametrize(("change", "status"), [({}, 0), ({"PORT": "1"}, 1)])
def test_docker_is_told_whether_the_server_answers(servers, change, status):
    done = subprocess.run(
        [sys.executable, "deploy/healthcheck.py"],
        cwd=ROOT,
        env=servers[0].environment | change,
        capture_output=True,
    )

    assert done.returncode == status


@needs_nginx
def test_a_rolling_restart_under_load_loses_no_request(servers, proxy):
    load = Load([Server(proxy.https_port, HOST)], 6)
    load.start()
    time.sleep(1)

    for server in servers:
        assert server.terminate() == 0
        server.start()

    load.stop()
    seen = load.seen()
    assert (seen.failed, seen.stale, seen.lost) == (0, 0, 0), seen
    assert seen.served > 100
