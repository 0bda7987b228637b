"""The description of the API that /api/docs shows."""

import pytest
from django.urls import include, path
from drf_spectacular.drainage import GENERATOR_STATS
from drf_spectacular.generators import SchemaGenerator

import accounts.urls
import sso.urls

PATTERNS = [
    path("api/", include(sso.urls.account_api)),
    path("api/", include(accounts.urls.account_api)),
]

OUTSIDE = {"502", "503", "504"}


@pytest.fixture
def paths():
    GENERATOR_STATS.reset()
    return SchemaGenerator(patterns=PATTERNS).get_schema(request=None, public=True)["paths"]


@pytest.mark.usefixtures("paths")
def test_the_description_is_made_without_a_doubt():
    assert not GENERATOR_STATS


def test_every_call_with_its_answers_is_described(paths):
    described = {
        f"{method} {path}": set(operation["responses"])
        for path, methods in paths.items()
        for method, operation in methods.items()
    }

    assert described == {
        "get /api/account": {"200", "401"},
        "post /api/account": {"200", "400", "429", *OUTSIDE},
        "patch /api/account": {"204", "400", "401", "402", "429", *OUTSIDE},
        "delete /api/account": {"204", "401"},
        "get /api/agreement/{agreement_type}": {"200", "404"},
        "get /api/internal-login": {"204", "401", "429"},
        "get /api/logout": {"204", "401", "403"},
        "get /api/memberships": {"200"},
        "put /api/change-email": {"204", "400", "401", "403", "429"},
        "put /api/change-password": {"204", "400", "401", "403", "429"},
        "put /api/verify-email": {"204", "400", "401", "403"},
        "post /api/password-reset": {"200", "400", "429"},
        "post /api/validate-token": {"200", "400", "429"},
        "put /api/password-change": {"204", "400", "401", "429"},
        "get /api/github-token": {"200", "400", "429", *OUTSIDE},
        "get /api/validate-email": {"200", "400", "429", *OUTSIDE},
        "post /api/validate-federated": {"204", "400", "401", "403", "429", *OUTSIDE},
    }
