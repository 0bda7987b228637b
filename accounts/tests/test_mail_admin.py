"""Outgoing mail in the back office."""

import pytest
from django.contrib.auth.models import Permission

from accounts import mail
from accounts.models import OutgoingMail
from accounts.tests.factories import make_account

LIST = "/admin/accounts/outgoingmail/"
URL = "http://localhost:8000/change-password?token=secret"

pytestmark = pytest.mark.django_db


@pytest.fixture
def given_up():
    """A mail that no server took for a day."""
    mail.send("password_reset", "ada@example.com", url=URL)
    OutgoingMail.objects.update(
        attempts=mail.ATTEMPTS, next_attempt_at=None, last_error="mail server timed out"
    )
    return OutgoingMail.objects.get()


@pytest.fixture
def staff_client(client):
    """Return a function that signs somebody in who has the named rights, or all."""

    def staff_client(*rights):
        staff = make_account(is_staff=True, is_superuser=not rights)
        staff.user_permissions.set(Permission.objects.filter(codename__in=rights))
        client.force_login(staff, backend="django.contrib.auth.backends.ModelBackend")
        return client

    return staff_client


def send_again(client, row):
    form = {"action": "send_again", "_selected_action": [str(row.pk)]}
    return client.post(LIST, form, follow=True)


def test_a_failure_stays_visible(staff_client, given_up):
    page = staff_client().get(LIST).content.decode()

    assert "given up" in page
    assert "mail server timed out" in page


def test_what_a_mail_says_is_not_shown(staff_client, given_up):
    page = staff_client().get(f"{LIST}{given_up.pk}/change/").content.decode()

    assert "ada@example.com" in page
    assert "secret" not in page
    assert given_up.text not in page
    assert given_up.html not in page


def test_what_was_given_up_can_be_sent_again(staff_client, given_up):
    page = send_again(staff_client(), given_up).content.decode()

    given_up.refresh_from_db()
    assert "1 mails will be sent within a minute" in page
    assert (given_up.state, given_up.attempts) == ("waiting", 0)


def test_who_may_only_look_sends_nothing_again(staff_client, given_up):
    client = staff_client("view_outgoingmail")

    send_again(client, given_up)

    given_up.refresh_from_db()
    assert client.get(LIST).status_code == 200
    assert given_up.state == "given up"


@pytest.mark.parametrize("path", ["add/", "{}/delete/"])
def test_mail_is_neither_written_nor_deleted_by_hand(staff_client, given_up, path):
    response = staff_client().post(LIST + path.format(given_up.pk), {"post": "yes"})

    assert response.status_code == 403
    assert OutgoingMail.objects.get() == given_up
