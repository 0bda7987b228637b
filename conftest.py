"""Fixtures that the tests of more than one app use."""

import os
import secrets
from contextlib import ExitStack, closing
from pathlib import Path

import pytest
from django.core.cache import cache, caches
from django.utils import timezone
from rest_framework.test import APIClient
from rest_framework.throttling import ScopedRateThrottle

from accounts import cookies, sessions, version_cache
from accounts.tests.factories import make_account
from devices.tests.factories import make_device, make_token
from tools import bad_upstreams, services
from tools.live import LiveServer, prepared
from tools.test_services import RUN_FOLDER


def pytest_configure(config):
    config.addinivalue_line("markers", "fleet: about Redis or PostgreSQL, not a household's server")
    config.addinivalue_line("markers", "household: about SQLite or the cache in the process")


def pytest_collection_modifyitems(config, items):
    """Leave out (not skip: nothing is missing) the tests that are about the other shape."""
    other = {"household": "fleet", "fleet": "household"}[os.environ["SELENE_TEST_SHAPE"]]
    deselected = [item for item in items if item.get_closest_marker(other)]
    if deselected:
        config.hook.pytest_deselected(items=deselected)
        items[:] = [item for item in items if item not in deselected]


@pytest.fixture(autouse=True)
def _forget_cache():
    """Start each test with an empty cache: in Redis, this process's own database."""
    cache.clear()
    caches["replies"].clear()
    version_cache.forget_failures()


@pytest.fixture
def api():
    """A client that speaks JSON and has no cookie or token yet."""
    client = APIClient()
    client.default_format = "json"
    return client


def sign_in(account):
    """Return a client signed in as ``account``."""
    tokens = sessions.start(account)
    client = APIClient()
    client.default_format = "json"
    client.cookies[cookies.ACCESS] = tokens.access
    client.cookies[cookies.REFRESH] = tokens.refresh
    return client


@pytest.fixture
def make_live_server():
    """Return a function that starts the real server as a process, in the shape of this run.

    Its keyword arguments are environment variables: ``make_live_server(SELENE_APIS="device")``.
    """
    with ExitStack() as servers:

        def make(**environment):
            server = servers.enter_context(closing(_new_live_server(**environment)))
            server.start()
            return server

        yield make


@pytest.fixture
def live_server_process(make_live_server):
    """A server of one's own, to kill and restart; see ``tools.live.LiveServer``."""
    return make_live_server()


@pytest.fixture(scope="session")
def running_server():
    """A server that stays up: for tests that do not mind what others left in its database."""
    with closing(_new_live_server()) as server:
        server.start()
        yield server


def _new_live_server(**environment):
    run_folder, is_fleet = Path(os.environ[RUN_FOLDER]), os.environ["SELENE_TEST_SHAPE"] == "fleet"
    template = prepared(run_folder, is_fleet=is_fleet)
    return LiveServer(run_folder, is_fleet=is_fleet, template=template, **environment)


@pytest.fixture
def account(db):
    """A saved account."""
    return make_account()


@pytest.fixture
def account_client(account):
    """A client signed in as ``account``, by the cookies a browser would hold."""
    return sign_in(account)


@pytest.fixture
def device(account):
    """A device of ``account``."""
    return make_device(account)


@pytest.fixture
def device_client(device):
    """A client with the access token of ``device``."""
    client = APIClient()
    client.default_format = "json"
    client.credentials(HTTP_AUTHORIZATION=f"Bearer {make_token(device)}")
    return client


@pytest.fixture
def own_redis(settings):
    """A Redis that nobody else uses, to stop, hang and restart; the settings point to it."""
    run_folder = Path(os.environ[RUN_FOLDER])
    server = services.Redis(run_folder, run_folder / f"redis-{secrets.token_hex(4)}")
    settings.REDIS_URL = server.url()
    yield server
    server.stop()


@pytest.fixture(params=bad_upstreams.KINDS)
def bad_upstream(request, settings):
    """A service on a bad day, of every kind in turn; see ``tools.bad_upstreams``.

    It has ``url``, and ``status``: what a client is told of it.
    """
    settings.UPSTREAM_READ_SECONDS = 0.5
    with closing(bad_upstreams.BadUpstream(request.param)) as upstream:
        yield upstream


@pytest.fixture
def pass_time(time_machine):
    """Return a function that lets a span of time pass."""

    def pass_time(span):
        time_machine.move_to(timezone.now() + span)

    return pass_time


@pytest.fixture
def limit_rate(monkeypatch):
    """Return a function that sets the rate of a throttle scope, as in ``("login", "2/minute")``.

    REST framework reads the rates once, so overriding the setting would come too late.
    """

    def limit_rate(scope, rate):
        monkeypatch.setitem(ScopedRateThrottle.THROTTLE_RATES, scope, rate)

    return limit_rate
