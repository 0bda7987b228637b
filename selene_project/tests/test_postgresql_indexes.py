"""Indexes that a migration adds to tables in use: see selene_project/postgresql/schema.py."""

import pytest
from django.db import connection, models
from django.test.utils import CaptureQueriesContext

from accounts.models import Account

pytestmark = [pytest.mark.fleet, pytest.mark.django_db(transaction=True)]

NAME = "account_created_for_test"
INDEX = models.Index(fields=["created_at"], name=NAME)
CONCURRENTLY = f'CREATE INDEX CONCURRENTLY "{NAME}"'


@pytest.fixture(autouse=True)
def _without_index():
    yield
    with connection.cursor() as cursor:
        cursor.execute(f"DROP INDEX IF EXISTS {NAME}")


def add_index(*, atomic):
    """Add the index as a migration does; return the statements that changed something."""
    with (
        CaptureQueriesContext(
            connection,
        ) as queries,
        connection.schema_editor(atomic=atomic) as editor,
    ):
        editor.add_index(Account, INDEX)
    found = [query["sql"].split(" ON ")[0] for query in queries]
    return [sql for sql in found if sql.startswith(("CREATE", "DROP"))]


def is_valid():
    with connection.cursor() as cursor:
        cursor.execute("SELECT indisvalid FROM pg_index WHERE indexrelid = %s::regclass", [NAME])
        return cursor.fetchone()[0]


def test_outside_of_a_transaction_nobody_waits_for_an_index():
    assert add_index(atomic=False) == [CONCURRENTLY]
    assert is_valid()


def test_in_a_transaction_it_is_built_as_ever():
    assert add_index(atomic=True) == [f'CREATE INDEX "{NAME}"']


def test_one_that_was_built_but_not_noted_is_taken_as_it_is():
    add_index(atomic=False)

    assert add_index(atomic=False) == []


def test_one_that_was_cut_off_is_built_anew():
    add_index(atomic=False)
    with connection.cursor() as cursor:
        cursor.execute(
            "UPDATE pg_index SET indisvalid = false WHERE indexrelid = %s::regclass", [NAME]
        )

    statements = add_index(atomic=False)

    assert statements == [f'DROP INDEX CONCURRENTLY IF EXISTS "{NAME}"', CONCURRENTLY]
    assert is_valid()
