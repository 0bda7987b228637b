from datetime import date

import pytest
from django.utils import timezone

from accounts.models import Account
from operations.models import ApiCallDay, JobRun, Lease

pytestmark = pytest.mark.django_db


@pytest.fixture
def admin(client):
    owner = Account.objects.create_superuser("owner@example.com", "a password of the owner")
    client.force_login(owner, backend="django.contrib.auth.backends.ModelBackend")
    return client


@pytest.fixture
def rows():
    now = timezone.now()
    return {
        "jobrun": JobRun.objects.create(
            name="load_skills", day=now.date(), ended_at=now, succeeded=False, output="no internet"
        ),
        "apicallday": ApiCallDay.objects.create(
            day=date(2026, 3, 1), api="device", route="v1/device/<id>", method="GET", status=304,
            count=4, total_seconds=2.0, highest_seconds=1.5,
        ),
        "lease": Lease.objects.create(name="scheduler", holder="kitchen, 4711"),
    }  # fmt: skip


@pytest.mark.parametrize(
    ("model", "shown"),
    [("jobrun", "no internet"), ("apicallday", "v1/device/&lt;id&gt;"), ("lease", "kitchen, 4711")],
)
def test_rows_are_listed_and_shown_but_cannot_be_changed(admin, rows, model, shown):
    base = f"/admin/operations/{model}/"

    listed, one = admin.get(base), admin.get(f"{base}{rows[model].pk}/change/")
    added, removed = admin.get(f"{base}add/"), admin.post(f"{base}{rows[model].pk}/delete/")

    assert (listed.status_code, one.status_code) == (200, 200)
    assert shown in listed.content.decode()
    assert 'name="_save"' not in one.content.decode()
    assert (added.status_code, removed.status_code) == (403, 403)
    assert type(rows[model]).objects.filter(pk=rows[model].pk).exists()


def test_the_mean_of_a_routes_calls_is_shown(admin, rows):
    page = admin.get("/admin/operations/apicallday/").content.decode()

    assert ">0.5<" in page.replace(" ", "").replace("\n", "")
