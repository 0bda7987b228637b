"""Fixtures that more than one module of these tests uses."""

import pytest

from sso.tests.platforms import Platforms, configure


@pytest.fixture
def platforms(httpserver, settings):
    """Google, Facebook and GitHub, configured; none yet knows anybody."""
    configure(settings, httpserver.url_for(""))
    return Platforms(httpserver)
