"""Fixtures of the tests of places."""

import os
from pathlib import Path

import pytest
from django.conf import settings
from django.db import transaction

from geography import geonames
from geography.tests.factories import write_dump


@pytest.fixture
def load(tmp_path, db):
    """Return a function that loads a dump with these lines of cities, and others if given."""

    def load(*cities, **others):
        return geonames.load(write_dump(tmp_path / "dump", cities, **others))

    return load


@pytest.fixture(scope="module")
def shipped_places(django_db_setup, django_db_blocker):
    """The geography that ships, for all tests of a module; loading it takes seconds."""
    with django_db_blocker.unblock(), transaction.atomic():
        geonames.load(Path(settings.FIXTURES_DIR) / "geonames")
        yield
        transaction.set_rollback(True)


@pytest.fixture(scope="session")
def full_dump():
    """The folder of the full dump, which is too large to ship."""
    if "SELENE_TEST_DATA" not in os.environ:
        pytest.skip("SELENE_TEST_DATA names no folder with the full GeoNames dump")
    return Path(os.environ["SELENE_TEST_DATA"])


@pytest.fixture(scope="module")
def all_places(django_db_setup, django_db_blocker, full_dump):
    """All of the full dump, for all tests of a module."""
    with django_db_blocker.unblock(), transaction.atomic():
        geonames.load(full_dump)
        yield
        transaction.set_rollback(True)
