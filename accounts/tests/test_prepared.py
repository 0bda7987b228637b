import threading
from uuid import uuid4

import pytest
from django.db import connection, transaction
from django.db.models import CharField, Exists, OuterRef, UUIDField

from accounts import sessions
from accounts.models import Account, SignInSession
from accounts.prepared import Given, PreparedQuery
from accounts.tests.factories import make_account

pytestmark = pytest.mark.django_db


def sessions_with_account():
    others = SignInSession.objects.filter(account=OuterRef("account")).exclude(pk=OuterRef("pk"))
    return SignInSession.objects.select_related("account").annotate(has_others=Exists(others))


@pytest.fixture
def session(account):
    sessions.start(account, client="a browser")
    return SignInSession.objects.get()


def test_instances_are_those_of_the_queryset(session, django_assert_num_queries):
    sessions.start(make_account())
    query = PreparedQuery(
        lambda: sessions_with_account().filter(account=Given("account", UUIDField()))
    )

    with django_assert_num_queries(1):
        [found] = query(account=session.account_id)
        accounts_email = found.account.email

    expected = sessions_with_account().get(pk=session.pk)
    assert vars(found) | {"_state": None} == vars(expected) | {"_state": None}
    assert vars(found.account) | {"_state": None} == vars(expected.account) | {"_state": None}
    assert accounts_email == session.account.email
    assert found.has_others is False
    assert not found._state.adding


def test_tuples_are_those_of_the_queryset(session):
    columns = ("pk", "client", "started_at", "account__is_staff")
    query = PreparedQuery(
        lambda: SignInSession.objects.filter(client=Given("client", CharField())).values_list(
            *columns
        )
    )

    rows = query(client="a browser")

    assert rows == list(SignInSession.objects.values_list(*columns))


def test_each_asking_has_its_own_values():
    first, second = make_account(), make_account()
    query = PreparedQuery(lambda: Account.objects.filter(pk=Given("pk", UUIDField())))

    found = [query.first(pk=pk) for pk in (first.pk, second.pk, uuid4(), first.pk)]

    assert found == [first, second, None, first]


def test_a_related_row_that_is_not_there_is_none(account):
    query = PreparedQuery(
        lambda: Account.objects.select_related("email_change").filter(pk=Given("pk", UUIDField()))
    )

    found = query.first(pk=account.pk)

    with pytest.raises(Account.email_change.RelatedObjectDoesNotExist):
        _ = found.email_change


@pytest.mark.django_db(transaction=True)
def test_a_query_composed_in_one_thread_is_asked_in_another(session):
    query = PreparedQuery(lambda: sessions_with_account().filter(pk=Given("pk", UUIDField())))
    found = []

    def ask():
        found.append(query.first(pk=session.pk))
        connection.close()

    for _ in range(2):
        thread = threading.Thread(target=ask)
        thread.start()
        thread.join()

    assert [each.started_at for each in found] == [session.started_at] * 2


def test_a_value_that_is_not_given_is_a_mistake():
    query = PreparedQuery(lambda: Account.objects.filter(pk=Given("pk", UUIDField())))

    with pytest.raises(KeyError):
        query(id=uuid4())


@pytest.fixture
def of_owner():
    return PreparedQuery(
        lambda: Account.objects.filter(pk=Given("pk", UUIDField()), is_staff=False)
    )


def plans():
    with connection.cursor() as cursor:
        cursor.execute("SELECT statement, generic_plans + custom_plans FROM pg_prepared_statements")
        return [uses for statement, uses in cursor.fetchall() if "accounts_account" in statement]


@pytest.mark.fleet
@pytest.mark.django_db(transaction=True)
def test_postgresql_plans_once_a_connection(account, of_owner, django_assert_num_queries):
    connection.close()

    with django_assert_num_queries(3):
        found = [of_owner(pk=account.pk) for _ in range(3)]

    assert found == [[account]] * 3
    assert plans() == [3]


@pytest.mark.fleet
@pytest.mark.django_db(transaction=True)
def test_a_new_connection_plans_anew(account, of_owner):
    of_owner(pk=account.pk)
    connection.close()

    assert of_owner(pk=account.pk) == [account]
    assert plans() == [1]


@pytest.mark.fleet
@pytest.mark.django_db(transaction=True)
def test_a_plan_outlives_a_transaction_that_fails(account, of_owner):
    connection.close()
    with transaction.atomic():
        of_owner(pk=account.pk)
        transaction.set_rollback(True)

    assert of_owner(pk=account.pk) == [account]


@pytest.mark.fleet
@pytest.mark.django_db(transaction=True)
def test_nothing_is_planned_ahead_behind_pgbouncer(account, of_owner, monkeypatch):
    connection.close()
    monkeypatch.setitem(connection.settings_dict, "DISABLE_SERVER_SIDE_CURSORS", True)

    assert of_owner(pk=account.pk) == [account]
    assert plans() == []
