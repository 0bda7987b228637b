"""Fixtures that only the tests of devices use."""

import pytest

from devices import reference
from geography.tests.factories import make_city, make_country, make_region, make_timezone


@pytest.fixture
def kansas_city(db):
    return make_city(
        "Kansas City",
        make_region("US.MO", "Missouri"),
        make_timezone("America/Chicago", gmt_offset=-6.0, dst_offset=-5.0),
        latitude=39.09973,
        longitude=-94.57857,
    )


@pytest.fixture
def san_francisco(db):
    return make_city(
        "San Francisco",
        make_region("US.CA", "California"),
        make_timezone("America/Los_Angeles", gmt_offset=-8.0, dst_offset=-7.0),
        latitude=37.77493,
        longitude=-122.41942,
    )


@pytest.fixture
def vancouver(db):
    canada = make_country("CA", "Canada")
    region = make_region("CA.02", "British Columbia", canada)
    return make_city("Vancouver", region, make_timezone("America/Vancouver", canada))


@pytest.fixture
def shipped(db):
    """The voices, wake words and tags that ship with the project."""
    reference.load_shipped()
