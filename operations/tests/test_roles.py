from importlib import import_module

import pytest
from auditlog.models import LogEntry
from django.apps import apps
from django.contrib import admin
from django.contrib.auth.models import Group, Permission
from django.contrib.contenttypes.models import ContentType
from django.core.management import call_command

from accounts.models import Account
from accounts.tests.factories import make_account
from devices.models import Device
from devices.tests.factories import make_device
from operations import roles
from operations.models import JobOrder, JobRun

pytestmark = pytest.mark.django_db
BACKEND = "django.contrib.auth.backends.ModelBackend"
ADD_ROLES = import_module("operations.migrations.0004_add_roles")

# What each role may open, of lists that show how the roles differ
LISTS = {
    "accounts/account": {"support", "operator", "auditor"},
    "accounts/securityevent": {"support", "operator", "auditor"},
    "accounts/outgoingmail": {"support", "operator", "auditor"},
    "devices/device": {"support", "operator", "auditor"},
    "geography/city": {"support", "operator", "auditor"},
    "axes/accessattempt": {"support", "operator", "auditor"},
    "market/oauthcredential": {"operator", "auditor"},
    "operations/jobrun": {"operator", "auditor"},
    "operations/apicallday": {"operator", "auditor"},
    "auditlog/logentry": {"operator", "auditor"},
    "auth/group": {"operator", "auditor"},
}


@pytest.fixture
def sign_in_as(client):
    """Return a function that signs a browser in as staff with a role, or with none."""
    roles.restore()

    def sign_in_as(role):
        staff = make_account(f"{role}@selene.test", None, is_staff=True)
        staff.groups.set(Group.objects.filter(name=role))
        client.force_login(staff, backend=BACKEND)
        return client

    return sign_in_as


def change(row):
    return f"/admin/{row._meta.label_lower.replace('.', '/')}/{row.pk}/change/"


def rights(role):
    return set(Group.objects.get(name=role).permissions.values_list("codename", flat=True))


@pytest.mark.parametrize("role", ["support", "operator", "auditor", "none"])
def test_a_role_opens_its_lists_and_no_others(sign_in_as, role):
    client = sign_in_as(role)

    opened = {page: client.get(f"/admin/{page}/").status_code for page in LISTS}

    assert opened == {page: 200 if role in seen else 403 for page, seen in LISTS.items()}


@pytest.mark.parametrize("role", ["support", "operator", "auditor"])
def test_the_side_bar_leads_where_the_role_may_go(sign_in_as, role):
    client = sign_in_as(role)

    page = client.get("/admin/").content.decode()

    assert {name for name in LISTS if f'href="/admin/{name}/"' in page} == {
        name for name, seen in LISTS.items() if role in seen
    }


def test_staff_without_a_role_see_nothing_anywhere(sign_in_as):
    client = sign_in_as("none")
    device = make_device()

    page = client.get("/admin/").content.decode()

    lists = [f"/admin/{each._meta.label_lower.replace('.', '/')}/" for each in admin.site._registry]
    assert {client.get(path).status_code for path in [*lists, change(device)]} == {403}
    assert "You have no role yet" in page
    assert 'id="fleet"' not in page
    assert client.get("/admin/search/?s=dev").context["results"].object_list == []


def test_support_helps_with_devices_and_leaves_the_rest(sign_in_as, account):
    client, device = sign_in_as("support"), make_device(account)
    voice = device.voice

    pages = {row: client.get(change(row)).content.decode() for row in (device, account, voice)}

    assert ['name="_save"' in page for page in pages.values()] == [True, True, False]
    assert client.post(change(voice), {"display_name": "x"}).status_code == 403
    assert client.post(f"/admin/accounts/account/{account.pk}/delete/").status_code == 403
    assert client.post("/admin/operations/jobrun/run/", {"name": "send_mail"}).status_code == 403
    assert Account.objects.filter(pk=account.pk).exists()
    assert not JobOrder.objects.exists()


@pytest.mark.parametrize("role", ["support", "operator"])
def test_nobody_gives_themselves_or_others_more_rights(sign_in_as, account, role):
    client = sign_in_as(role)
    own = Account.objects.get(email=f"{role}@selene.test")
    superusers_group = {"name": role, "permissions": [Permission.objects.first().pk]}

    for row in (own, account):
        form = {"email": row.email, "is_active": "on", "is_superuser": "on", "is_staff": "on"}
        client.post(change(row), form)
    answer = client.post(change(Group.objects.get(name=role)), superusers_group)

    assert answer.status_code == 403
    assert not Account.objects.filter(is_superuser=True).exists()
    assert Account.objects.filter(is_staff=True).count() == 1


def test_only_superusers_change_staff(sign_in_as):
    client = sign_in_as("operator")
    other = make_account(None, None, is_staff=True)

    assert client.post(change(other), {"email": "x@selene.test"}).status_code == 403
    assert client.post(f"/admin/accounts/account/{other.pk}/delete/").status_code == 403


def test_an_auditor_looks_at_everything_and_changes_nothing(sign_in_as, account):
    client, device = sign_in_as("auditor"), make_device(account)

    answers = [
        client.post(change(device), {"name": "x"}).status_code,
        client.post(change(account), {"email": "x@selene.test"}).status_code,
        client.post(f"/admin/devices/device/{device.pk}/delete/").status_code,
        client.post("/admin/operations/jobrun/run/", {"name": "send_mail"}).status_code,
    ]

    assert set(answers) == {403}
    assert rights("auditor") == {each for each in rights("auditor") if each.startswith("view_")}
    assert Device.objects.get().name == device.name


def test_no_role_opens_what_two_step_login_keeps(sign_in_as):
    sign_in_as("operator")

    assert {
        name for name in rights("operator") if name.endswith(("_permission", "_session"))
    } == set()
    assert not rights("operator") & {"add_group", "change_group", "delete_group"}


def test_the_log_cannot_be_changed_by_anybody(sign_in_as, account):
    client = sign_in_as("operator")
    entry = LogEntry.objects.log_create(account, force_log=True, action=0)

    assert client.post(f"/admin/auditlog/logentry/{entry.pk}/delete/").status_code == 403
    assert client.post(change(entry), {"object_repr": "x"}).status_code == 403
    assert LogEntry.objects.filter(pk=entry.pk).exists()


def test_restoring_puts_back_what_is_missing_and_takes_nothing(capsys):
    roles.restore()
    group = Group.objects.get(name="auditor")
    group.permissions.remove(Permission.objects.get(codename="view_device"))
    group.permissions.add(Permission.objects.get(codename="add_voice"))

    for _ in range(2):
        call_command("restore_roles")

    assert capsys.readouterr().out.splitlines() == [
        "1 rights were missing",
        "0 rights were missing",
    ]
    assert {"view_device", "add_voice"} < rights("auditor")


def test_rights_that_a_new_version_brings_are_granted_and_those_taken_stay_taken():
    roles.restore()
    Group.objects.get(name="auditor").permissions.remove(
        Permission.objects.get(codename="view_device")
    )
    roles.note_known()
    kind = ContentType.objects.get_for_model(JobRun)
    Permission.objects.create(codename="view_novelty", content_type=kind, name="x")

    roles.grant_new()

    assert "view_novelty" in rights("auditor")
    assert "view_device" not in rights("auditor")


def test_a_role_that_was_deleted_stays_so_and_a_new_one_gets_all():
    Group.objects.all().delete()
    roles.note_known()
    Group.objects.create(name="auditor")

    roles.grant_new()

    assert "view_device" in rights("auditor")
    assert Group.objects.count() == 1


def test_the_migration_may_run_twice_and_back():
    Group.objects.all().delete()
    Group.objects.create(name="friends")

    ADD_ROLES.add(apps, None)
    ADD_ROLES.add(apps, None)
    made = set(Group.objects.values_list("name", flat=True))
    ADD_ROLES.remove(apps, None)

    assert made == {"friends", "support", "operator", "auditor"}
    assert [group.name for group in Group.objects.all()] == ["friends"]


def test_a_new_database_has_the_roles_with_their_rights():
    if not Group.objects.exists():
        pytest.skip("another test has emptied the database of this process")

    assert {"view_logentry", "run_job"} < rights("operator")
