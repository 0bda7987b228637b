"""Fixtures that the tests of more than one app use."""

import os
from pathlib import Path

import pytest
from django.core.cache import cache
from rest_framework.test import APIClient

from tools.live import LiveServer
from tools.test_services import RUN_FOLDER


@pytest.fixture(autouse=True)
def _forget_cache():
    """Start each test with an empty cache: in Redis, this process's own database."""
    cache.clear()


@pytest.fixture
def api():
    """A client that speaks JSON and has no cookie or token yet."""
    client = APIClient()
    client.default_format = "json"
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
