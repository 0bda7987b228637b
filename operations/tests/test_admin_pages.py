"""What the pages of accounts and devices get from the apps above them."""

import io
import zipfile

import orjson
import pytest
from auditlog.models import LogEntry
from django.contrib.auth.models import Permission
from django.utils import timezone

from accounts.models import OutgoingMail
from accounts.tests.factories import make_account
from operations.models import FleetCount, FleetKind

pytestmark = pytest.mark.django_db


@pytest.fixture
def staff_client(client):
    """A browser signed in to the admin."""
    staff = make_account("staff@selene.test", is_staff=True, is_superuser=True)
    client.force_login(staff, backend="django.contrib.auth.backends.ModelBackend")
    return client


def test_all_data_of_an_account_are_downloaded(staff_client, device):
    url = f"/admin/accounts/account/{device.account_id}/export/"
    asked = staff_client.get(url)

    response = staff_client.post(url)

    assert "no passwords and no tokens" in asked.text
    assert response["Content-Disposition"].startswith("attachment")
    with zipfile.ZipFile(io.BytesIO(b"".join(response.streaming_content))) as archive:
        [row] = orjson.loads(archive.read("device.json"))
    assert row["name"] == device.name
    entry = LogEntry.objects.get(object_pk=str(device.account_id))
    assert entry.additional_data == {"did": "exported all its data"}


@pytest.mark.parametrize("action", ["export", "send_password_reset"])
def test_who_may_only_look_at_accounts_gets_none_of_it(client, account, action):
    viewer = make_account(is_staff=True)
    viewer.user_permissions.set(Permission.objects.filter(codename="view_account"))
    client.force_login(viewer, backend="django.contrib.auth.backends.ModelBackend")

    response = client.post(f"/admin/accounts/account/{account.pk}/{action}/")

    assert response.status_code == 403
    assert not OutgoingMail.objects.exists()


def test_a_mail_to_reset_the_password_is_sent(staff_client, account):
    url = f"/admin/accounts/account/{account.pk}/send_password_reset/"

    response = staff_client.post(url, follow=True)

    assert "is on its way" in response.text
    mail = OutgoingMail.objects.get()
    assert (mail.recipient, mail.template) == (account.email, "password_reset")


def test_who_may_not_sign_in_gets_no_such_mail(staff_client):
    locked = make_account(is_active=False)

    page = staff_client.post(f"/admin/accounts/account/{locked.pk}/send_password_reset/")

    assert "unlock it first" in page.text
    assert not OutgoingMail.objects.exists()


def test_devices_are_filtered_by_what_was_counted_last(staff_client):
    today = timezone.now().date()
    for kind, key in [(FleetKind.PLATFORM, "picroft"), (FleetKind.CORE_VERSION, "21.2.2")]:
        FleetCount.objects.create(day=today, kind=kind, key=key, count=3)
    FleetCount.objects.create(day=today, kind=FleetKind.PLATFORM, key="(other)", count=1)

    page = staff_client.get("/admin/devices/device/")

    assert "picroft" in page.text
    assert "21.2.2" in page.text
    assert "(other)" not in page.text
