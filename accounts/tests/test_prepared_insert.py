import pytest
from django.db import IntegrityError, transaction

from accounts.models import Account, SignInSession
from accounts.prepared_insert import PreparedInsert
from accounts.tests.factories import make_account

pytestmark = pytest.mark.django_db
add = PreparedInsert(SignInSession)


def test_a_row_is_what_saving_it_would_have_made(account, django_assert_num_queries):
    row = SignInSession(account=account, refresh_digest="a" * 64, client="100 %s", address="::1")

    with django_assert_num_queries(1):
        add(row)

    stored = SignInSession.objects.get()
    names = [field.attname for field in SignInSession._meta.concrete_fields]
    assert [getattr(stored, name) for name in names] == [getattr(row, name) for name in names]
    assert stored == row


def test_what_was_added_can_be_changed_and_saved(account):
    row = SignInSession(account=account, refresh_digest="a" * 64)
    add(row)

    row.client = "another"
    row.save()

    assert SignInSession.objects.get().client == "another"


def test_a_constraint_speaks_as_it_does_when_saving(account):
    row = SignInSession(account=account, refresh_digest="a" * 64)
    add(row)

    with pytest.raises(IntegrityError), transaction.atomic():
        add(row)

    assert SignInSession.objects.count() == 1


def test_each_row_has_its_own_values():
    people = [make_account() for _ in range(3)]

    for each in people:
        add(SignInSession(account=each, refresh_digest="a" * 64))

    assert set(Account.objects.filter(sessions__isnull=False)) == set(people)
