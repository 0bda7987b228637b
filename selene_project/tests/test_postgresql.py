"""Connections to PostgreSQL that are kept between requests."""

import pytest
from django.db import OperationalError, connection

pytestmark = [pytest.mark.fleet, pytest.mark.django_db(transaction=True)]


@pytest.fixture
def kept():
    """The connection as it waits for the next request; its value is PostgreSQL's process."""
    connection.close()
    process = ask("SELECT pg_backend_pid()")
    connection.close_if_unusable_or_obsolete()
    return process


def ask(statement, *parameters):
    with connection.cursor() as cursor:
        cursor.execute(statement, parameters)
        [answer] = cursor.fetchone()
    return answer


def end_session(process):
    """Have PostgreSQL close a connection, as it does when it is restarted."""
    other = connection.copy()
    with other.cursor() as cursor:
        cursor.execute("SELECT pg_terminate_backend(%s, 5000)", [process])
    other.close()


def last_statement(process):
    """Return the last statement that PostgreSQL got from ``process``."""
    other = connection.copy()
    with other.cursor() as cursor:
        cursor.execute("SELECT query FROM pg_stat_activity WHERE pid = %s", [process])
        [query] = cursor.fetchone()
    other.close()
    return query


def test_a_kept_connection_is_used_again_without_asking_whether_it_stands(kept):
    is_usable = connection.is_usable()

    assert is_usable
    assert last_statement(kept) == "SELECT pg_backend_pid()"
    assert ask("SELECT pg_backend_pid()") == kept


def test_a_connection_that_postgresql_has_closed_is_not_used_again(kept):
    end_session(kept)

    new = ask("SELECT pg_backend_pid()")

    assert new != kept


def test_a_connection_that_failed_in_a_request_is_not_used_in_the_next(kept):
    connection.health_check_done = True  # the request is under way
    end_session(kept)
    with pytest.raises(OperationalError):
        ask("SELECT 1")

    connection.close_if_unusable_or_obsolete()

    assert connection.connection is None
