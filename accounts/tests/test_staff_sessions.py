from datetime import timedelta

import pytest
from django.contrib.sessions.models import Session
from django.db import connection
from django.test.utils import CaptureQueriesContext

from accounts import editing, passwords
from accounts.models import SecurityEvent
from accounts.tests.factories import make_account

pytestmark = pytest.mark.django_db
BACKEND = "django.contrib.auth.backends.ModelBackend"
PAGE = "/admin/accounts/account/"


@pytest.fixture
def staff():
    return make_account("staff@selene.test", is_staff=True, is_superuser=True)


@pytest.fixture
def staff_client(client, staff):
    client.force_login(staff, backend=BACKEND)
    return client


def test_a_sign_in_is_on_record(staff_client, staff):
    event = SecurityEvent.objects.get()

    assert (event.kind, event.account) == ("staff_signed_in", staff)


def test_a_session_that_is_used_goes_on_and_one_that_is_not_ends(staff_client, pass_time):
    answers = []
    for minutes in (50, 50, 70):
        pass_time(timedelta(minutes=minutes))
        answers.append(staff_client.get(PAGE).status_code)

    assert answers == [200, 200, 302]


def test_a_session_is_written_at_most_once_a_minute(staff_client, pass_time):
    pass_time(timedelta(seconds=90))
    staff_client.get(PAGE)

    with CaptureQueriesContext(connection) as queries:
        staff_client.get(PAGE)

    assert [each["sql"] for each in queries if each["sql"].startswith("UPDATE")] == []


def test_a_new_password_ends_the_sessions_in_other_browsers(staff_client, staff):
    staff.set_password("another battery staple")
    passwords.save(staff)

    assert staff_client.get(PAGE).status_code == 302


@pytest.mark.parametrize("right", ["is_staff", "is_active"])
def test_who_loses_the_right_is_signed_out_and_stays_so(staff_client, staff, right):
    setattr(staff, right, False)
    editing.save(staff, [right])
    refused = staff_client.get(PAGE).status_code
    setattr(staff, right, True)
    editing.save(staff, [right])

    again = staff_client.get(PAGE).status_code

    assert (refused, again) == (302, 302)
    assert not Session.objects.exists()


def test_other_staff_stay_signed_in_then(staff_client):
    other = make_account(is_staff=True)
    other.is_staff = False

    editing.save(other, ["is_staff"])

    assert staff_client.get(PAGE).status_code == 200
