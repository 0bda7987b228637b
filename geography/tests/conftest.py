"""Fixtures of the tests of places."""

import os
import uuid
from copy import copy
from pathlib import Path

import pytest
from django.conf import settings
from django.db import transaction

from geography import geonames
from geography.models import City
from geography.tests.factories import write_dump

SHIPPED = Path(settings.FIXTURES_DIR) / "geonames"


@pytest.fixture
def load(tmp_path, db):
    """Return a function that loads a dump with these lines of cities, and others if given."""

    def load(*cities, **others):
        return geonames.load(write_dump(tmp_path / "dump", cities, **others))

    return load


@pytest.fixture
def settle(device):
    """Return a function that lets another device stand in a city, and returns the device."""

    def settle(city):
        another = copy(device)
        another.pk = uuid.uuid4()
        another.name, another.city, another.timezone = str(another.pk), city, city.timezone
        another.save(force_insert=True)
        return another

    return settle


@pytest.fixture(scope="module")
def shipped_places(django_db_setup, django_db_blocker):
    """The geography that ships, for all tests of a module; loading it takes seconds."""
    with django_db_blocker.unblock(), transaction.atomic():
        geonames.load(SHIPPED)
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
    """What ships and then the full dump, for all tests of a module.

    Gives our ids, by GeoNames' ones, of the cities that ship, and the report of the full dump.
    """
    with django_db_blocker.unblock(), transaction.atomic():
        geonames.load(SHIPPED)
        shipped = dict(City.objects.values_list("geonames_id", "pk"))
        yield shipped, geonames.load(full_dump)
        transaction.set_rollback(True)
