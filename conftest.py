"""Fixtures that the tests of more than one app use."""

import pytest
from django.core.cache import cache
from rest_framework.test import APIClient


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
