"""What the audit log has of pages of all apps, and how it is read."""

from datetime import timedelta

import pytest
from auditlog.models import LogEntry
from django.contrib.auth.models import Group
from django.contrib.contenttypes.models import ContentType
from django.core.management import call_command
from django.db import connection
from django.test.utils import CaptureQueriesContext

from accounts.models import Account
from accounts.tests.factories import make_account
from accounts.tests.pages import shown_form
from devices.models import Device
from devices.tests.factories import make_device, make_voice
from operations import roles
from operations.tests.test_roles import BACKEND, change

pytestmark = pytest.mark.django_db
LOG = "/admin/auditlog/logentry/"


@pytest.fixture
def staff():
    return make_account("staff@selene.test", None, is_staff=True, is_superuser=True)


@pytest.fixture
def staff_client(client, staff):
    client.force_login(staff, backend=BACKEND)
    return client


def edit(client, row, **changes):
    response = client.post(change(row), shown_form(client.get(change(row))) | changes)
    assert response.status_code == 302, response.context["errors"]


def listed(response):
    return [row.object_repr for row in response.context["cl"].result_list]


def test_what_is_changed_of_a_device_is_noted_by_names(staff_client, account):
    device = make_device(account, "Kitchen", placement="Shelf")

    edit(staff_client, device, placement="Window sill")

    entry = LogEntry.objects.get()
    assert (entry.actor_email, entry.object_repr) == ("staff@selene.test", str(device))
    assert entry.changes == {"placement": ["Shelf", "Window sill"]}


def test_what_a_device_says_of_itself_costs_nothing_for_the_log(device_client, device):
    body = {"coreVersion": "21.2.2", "platform": "picroft", "enclosureVersion": "1"}

    with CaptureQueriesContext(connection) as queries:
        device_client.patch(f"/v1/device/{device.pk}", body)
        device_client.get(f"/v1/device/{device.pk}")
        device_client.get(f"/v1/device/{device.pk}/setting")

    assert Device.objects.get().core_version == "21.2.2"
    assert not LogEntry.objects.exists()
    asked = [each["sql"] for each in queries if "auditlog" in each["sql"]]
    assert asked == []


def test_saving_a_device_asks_nothing_of_the_database_for_the_log(device):
    device.placement = "Window sill"

    with CaptureQueriesContext(connection) as queries:
        device.save(update_fields=["placement"])

    assert [each["sql"].split()[0] for each in queries] == ["UPDATE"]


def test_a_page_that_asks_first_is_noted_with_what_it_did(staff_client, account):
    staff_client.post(f"/admin/accounts/account/{account.pk}/lock/")

    entry = LogEntry.objects.get()
    assert entry.changes == {"is_active": ["True", "False"]}


def test_secrets_of_skills_are_noted_without_them(staff_client):
    form = {
        "name": "Music",
        "reference": "music",
        "client_id": "4711",
        "client_secret": "not to be read",
        "scope": "all",
        "client_authentication": "basic",
        "authorization_uri": "https://music.example/authorize",
        "token_uri": "https://music.example/token",
    }
    page = staff_client.get("/admin/market/oauthcredential/add/")
    choice = {
        name: [value for value, _ in field.choices if value][0]
        for name, field in page.context["adminform"].form.fields.items()
        if hasattr(field, "choices")
    }

    answer = staff_client.post("/admin/market/oauthcredential/add/", form | choice)

    assert answer.status_code == 302, answer.context["errors"]
    entry = LogEntry.objects.get()
    assert entry.changes["client_id"] == ["None", "4711"]
    assert entry.changes["encrypted_client_secret"][1] == "(hidden)"
    assert "not to be read" not in str(entry.__dict__)


def test_the_log_is_filtered_by_person_kind_and_day(staff_client, staff, account, pass_time):
    edit(staff_client, account, username="ada")
    voice = make_voice("Ada")
    edit(staff_client, voice, display_name="Grace")
    kind = ContentType.objects.get_for_model(Account).pk
    today = LogEntry.objects.first().timestamp.date()

    both, person, nobody, kinds, now, later, found = (
        listed(staff_client.get(LOG, query))
        for query in (
            {},
            {"actor__id__exact": str(staff.pk)},
            {"actor__id__exact": str(account.pk)},
            {"kind": str(kind)},
            {"timestamp_from": str(today), "timestamp_to": str(today)},
            {"timestamp_from": str(today + timedelta(days=1))},
            {"q": "Grace"},
        )
    )

    assert len(both) == len(person) == len(now) == 2
    assert (nobody, later) == ([], [])
    assert kinds == [account.email]
    assert len(found) == 1


@pytest.mark.parametrize("kind", ["x", "-1", "9" * 30, "٣"])
def test_a_kind_made_by_hand_does_no_harm(staff_client, kind):
    assert staff_client.get(LOG, {"kind": kind}).status_code in (200, 302, 404)


def test_an_entry_shows_what_was_and_what_is(staff_client, account):
    edit(staff_client, account, username="<ada>")
    group = Group.objects.create(name="x")
    edit(staff_client, account, groups=[str(group.pk)])

    pages = [staff_client.get(change(row)).content.decode() for row in LogEntry.objects.all()]

    assert any("&lt;ada&gt;" in page for page in pages)
    assert any(">x</td>" in page for page in pages)


def test_an_auditor_reads_it_and_finds_staff_to_filter_by(client, staff):
    roles.restore()
    auditor = make_account("auditor@selene.test", None, is_staff=True)
    auditor.groups.set(Group.objects.filter(name="auditor"))
    client.force_login(auditor, backend=BACKEND)
    find = "/admin/autocomplete/?app_label=auditlog&model_name=logentry&field_name=actor&term=staff"

    assert client.get(LOG).status_code == 200
    assert [row["text"] for row in client.get(find).json()["results"]] == ["staff@selene.test"]


def test_the_job_forgets_what_is_old(staff_client, account, settings, pass_time, capsys):
    edit(staff_client, account, username="ada")
    pass_time(settings.AUDIT_KEPT)

    call_command("purge_expired")

    assert "1 audit log" in capsys.readouterr().out
    assert not LogEntry.objects.exists()
