"""Lists of what jobs load: what the last run did, and to run it from there."""

import pytest
from django.contrib.auth.models import Group
from django.utils import timezone

from accounts.tests.factories import make_account
from operations import roles
from operations.models import JobOrder, JobRun

pytestmark = pytest.mark.django_db
LISTS = {
    "geography/city": "load_geonames",
    "geography/country": "load_geonames",
    "market/skill": "load_skills",
    "market/catalogueentry": "load_skills",
}


@pytest.fixture
def sign_in_as(client):
    roles.restore()

    def sign_in_as(role):
        person = make_account(f"{role}@selene.test", None, is_staff=True)
        person.groups.set(Group.objects.filter(name=role))
        client.force_login(person, backend="django.contrib.auth.backends.ModelBackend")
        return client

    return sign_in_as


def ran(name, **fields):
    moment = timezone.now()
    JobRun.objects.create(name=name, day=moment.date(), ended_at=moment, **fields)


@pytest.mark.parametrize(("page", "job"), LISTS.items())
def test_a_list_tells_what_the_last_load_did(sign_in_as, page, job):
    ran(job, succeeded=True, output="7 <things> new")
    ran("other", succeeded=True, output="not this")

    text = sign_in_as("operator").get(f"/admin/{page}/").text

    assert "7 &lt;things&gt; new" in text
    assert "not this" not in text
    assert f'value="{job}">Refresh now</button>' in text


def test_a_load_that_failed_is_told_so(sign_in_as):
    ran("load_skills", succeeded=False, output="no such host")

    assert "It failed: no such host" in sign_in_as("auditor").get("/admin/market/skill/").text


@pytest.mark.parametrize("role", ["support", "auditor"])
def test_who_may_not_run_jobs_is_offered_none(sign_in_as, role):
    text = sign_in_as(role).get("/admin/geography/city/").text

    assert "which has not run yet" in text
    assert "Refresh now" not in text
    assert ("?name__exact=load_geonames" in text) == (role == "auditor")


def test_a_refresh_is_asked_for_from_the_list(sign_in_as):
    client = sign_in_as("operator")

    client.post("/admin/operations/jobrun/run/", {"name": "load_skills"})

    assert JobOrder.objects.get().name == "load_skills"


@pytest.mark.parametrize(
    ("query", "told"),
    [("", "There are no devices yet."), ("?q=x", "Nothing fits what you look for.")],
)
@pytest.mark.parametrize(("role", "may_add"), [("support", True), ("auditor", False)])
def test_an_empty_list_offers_what_can_be_done(sign_in_as, role, may_add, query, told):
    text = sign_in_as(role).get(f"/admin/devices/device/{query}").text

    assert told in text
    assert ("Add device" in text) == may_add
    assert ('href="?"' in text) == bool(query)


def test_how_many_rows_there_are_is_told_beside_the_title_of_some_only(sign_in_as):
    client = sign_in_as("operator")

    some, every = (client.get(f"/admin/accounts/account/{q}").text for q in ("?q=operator", ""))

    assert "1 result" in some
    assert "Show all" in some
    assert "Show all" not in every
