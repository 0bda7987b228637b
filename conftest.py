"""Fixtures that the tests of more than one app use."""

import os
from pathlib import Path

import pytest
from django.core.cache import cache
from rest_framework.test import APIClient

from accounts import cookies, sessions, version_cache
from accounts.tests.factories import make_account
from devices.tests.factories import make_device, make_token
from tools.live import LiveServer
from tools.test_services import RUN_FOLDER


@pytest.fixture(autouse=True)
def _forget_cache():
    """Start each test with an empty cache: in Redis, this process's own database."""
    cache.clear()
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
    servers = []

    def make(**environment):
        run_folder, shape = Path(os.environ[RUN_FOLDER]), os.environ["SELENE_TEST_SHAPE"]
        server = LiveServer(run_folder, is_fleet=shape == "fleet", **environment)
        servers.append(server)
        server.start()
        return server

    yield make
    for server in servers:
        server.close()


@pytest.fixture
def live_server_process(make_live_server):
    """The real server, started as ``make run`` starts it; see ``tools.live.LiveServer``."""
    return make_live_server()


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
