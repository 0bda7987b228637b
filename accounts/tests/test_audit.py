import pytest
from auditlog.models import LogEntry
from django.contrib.auth.models import Group, Permission
from django.db import connection
from django.test.utils import CaptureQueriesContext

from accounts import audit, editing
from accounts.models import Account
from accounts.tests.factories import make_account, make_agreement
from accounts.tests.pages import shown_form

pytestmark = pytest.mark.django_db
BACKEND = "django.contrib.auth.backends.ModelBackend"


@pytest.fixture
def staff():
    return make_account("staff@selene.test", None, is_staff=True, is_superuser=True)


@pytest.fixture
def staff_client(client, staff):
    client.force_login(staff, backend=BACKEND)
    return client


def entries():
    """Return who did what to what, the first first."""
    rows = LogEntry.objects.order_by("timestamp", "id")
    return [(row.actor_email, row.get_action_display(), row.object_repr) for row in rows]


def edit(client, row, **changes):
    """Send the change page of ``row`` back with ``changes``."""
    path = f"/admin/{row._meta.label_lower.replace('.', '/')}/{row.pk}/change/"
    response = client.post(path, shown_form(client.get(path)) | changes)
    assert response.status_code == 302, response.context["errors"]


def test_an_edit_is_noted_with_who_what_and_from_where(staff_client, account):
    edit(staff_client, account, username="ada")

    entry = LogEntry.objects.get()
    assert entry.actor_email == "staff@selene.test"
    assert entry.object_repr == account.email
    assert entry.changes == {"username": ["None", "ada"]}
    assert entry.remote_addr == "127.0.0.1"


def test_a_page_saved_as_it_was_is_not_noted(staff_client, account):
    edit(staff_client, account)

    assert entries() == []


def test_a_new_row_is_noted(staff_client):
    form = {"type": "Terms of Use", "version": "7", "effective_on": "2030-01-01", "content": "# x"}

    answer = staff_client.post("/admin/accounts/agreement/add/", form)

    assert answer.status_code == 302
    assert entries() == [("staff@selene.test", "create", "Terms of Use 7")]


def test_a_deletion_is_noted(staff_client):
    row = make_agreement()

    staff_client.post(f"/admin/accounts/agreement/{row.pk}/delete/", {"post": "yes"})

    assert entries() == [("staff@selene.test", "delete", "Terms of Use 1")]


@pytest.mark.parametrize("number", [1, 3])
def test_an_action_is_noted_for_each_row_it_was_done_to(staff_client, number):
    rows = [make_account(f"x{each}@selene.test", None) for each in range(number)]
    chosen = {"_selected_action": [str(row.pk) for row in rows], "action": "end_sessions"}

    staff_client.post("/admin/accounts/account/", chosen)

    assert entries() == [("staff@selene.test", "update", row.email) for row in rows]
    assert "End sessions" in LogEntry.objects.first().additional_data["did"]


@pytest.mark.parametrize("number", [1, 3])
def test_deleting_from_a_list_is_noted_once_it_is_confirmed(staff_client, number):
    days = [f"2030-01-0{each + 1}" for each in range(number)]
    rows = [make_agreement(version=str(n), effective_on=day) for n, day in enumerate(days)]
    chosen = {"_selected_action": [str(row.pk) for row in rows], "action": "delete_selected"}
    staff_client.post("/admin/accounts/agreement/", chosen)
    asked = entries()

    staff_client.post("/admin/accounts/agreement/", chosen | {"post": "yes"})

    assert asked == []
    assert sorted(entries()) == sorted(
        ("staff@selene.test", "delete", f"Terms of Use {each}") for each in range(number)
    )


@pytest.mark.parametrize("action", ["no_such_action", "send_again", ""])
def test_an_action_that_there_is_not_is_not_noted(staff_client, account, action):
    chosen = {"_selected_action": [str(account.pk)], "action": action}

    staff_client.post("/admin/accounts/account/", chosen)

    assert entries() == []


def test_a_password_is_noted_without_its_digest(staff_client, account):
    path = f"/admin/accounts/account/{account.pk}/password/"
    new = {"password1": "another battery staple", "password2": "another battery staple"}

    staff_client.post(path, new | {"usable_password": "true"})

    entry = LogEntry.objects.get()
    assert entry.changes == {"password": ["(hidden)", "(hidden)"]}
    assert "argon2" not in str(entry.__dict__)


def test_rights_given_to_a_group_are_noted(staff_client):
    group = Group.objects.create(name="helpers")
    right = Permission.objects.get(codename="view_account")

    edit(staff_client, group, permissions=[str(right.pk)])

    entry = LogEntry.objects.get()
    assert entry.changes == {
        "permissions": {"type": "m2m", "operation": "add", "objects": [str(right)]}
    }


def test_what_is_not_done_in_the_back_office_is_not_noted(account_client, account):
    account.username = "ada"
    editing.save(account, ["username"])

    account_client.patch("/api/account", {"username": "ada2"})

    assert entries() == []


def test_the_account_api_asks_nothing_for_the_log(account):
    account.username = "ada"

    with CaptureQueriesContext(connection) as queries:
        account.save(update_fields=["username"])

    assert len(queries) == 1


def test_what_a_command_notes_outside_of_the_back_office_is_nothing(account):
    audit.note(account, "unlocked")

    assert entries() == []


def test_old_entries_go(account, staff_client, settings, pass_time):
    edit(staff_client, account, username="ada")
    pass_time(settings.AUDIT_KEPT)
    LogEntry.objects.create(content_type_id=1, object_pk="1", object_repr="new", action=0)

    removed = audit.purge()

    assert removed == 1
    assert [row.object_repr for row in LogEntry.objects.all()] == ["new"]


def test_what_somebody_did_stays_when_the_account_is_gone(staff_client, staff, account):
    edit(staff_client, account, username="ada")

    Account.objects.filter(pk=staff.pk).delete()

    assert entries() == [("staff@selene.test", "update", account.email)]
