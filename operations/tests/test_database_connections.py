"""What a server holds open to PostgreSQL."""

from concurrent.futures import ThreadPoolExecutor

import pytest
import requests
from django.db import connection

THREADS, WORKERS = 4, 2
OTHERS = 1 + WORKERS  # the scheduler's, and those of what workers do beside requests
PATHS = (
    "/api/countries",
    "/api/regions?country=nonsense",
    "/api/account",
    "/v1/device/code?state=9f0c",
    "/v1/device/none/setting",
    "/api/nothing",
)

pytestmark = pytest.mark.fleet


def test_requests_share_a_connection_a_thread_whatever_becomes_of_them(db, make_live_server):
    server = make_live_server(SELENE_THREADS=str(THREADS), SELENE_RUN_JOBS="false")
    ask_often(server)
    first = backends(server)

    ask_often(server)

    second = backends(server)
    assert first
    assert len(second) <= WORKERS * THREADS + OTHERS
    assert len(second & first) >= len(first) - OTHERS


def ask_often(server):
    def ask(path):
        return requests.get(f"{server.url}{path}", timeout=30).status_code

    with ThreadPoolExecutor(16) as pool:
        statuses = set(pool.map(ask, PATHS * 8))
    assert statuses <= {200, 400, 401, 404}


def backends(server):
    """Return the ids of the processes of PostgreSQL that serve ``server``."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT pid FROM pg_stat_activity WHERE datname = %s", [server.data_dir.name]
        )
        return {pid for (pid,) in cursor.fetchall()}
