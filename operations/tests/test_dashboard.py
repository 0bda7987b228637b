from datetime import timedelta

import pytest
from django.contrib.auth.models import Permission
from django.utils import timezone

from accounts import security
from accounts.models import AccountActivity, OutgoingMail, SecurityEventKind
from accounts.tests.factories import make_account
from devices.models import SttEngineDay
from devices.tests.factories import make_device
from geography.tests.factories import make_city, make_country, make_region, make_timezone
from operations import fleet
from operations.models import ApiCallDay, JobRun, Lease
from operations.tests.test_roles import BACKEND

pytestmark = pytest.mark.django_db
PAGE = "/admin/"


@pytest.fixture
def staff():
    return make_account("staff@selene.test", None, is_staff=True, is_superuser=True)


@pytest.fixture
def staff_client(client, staff):
    client.force_login(staff, backend=BACKEND)
    return client


@pytest.fixture(autouse=True)
def _scheduler():
    Lease.objects.create(
        name=Lease.SCHEDULER, holder="x", expires_at=timezone.now() + timedelta(minutes=1)
    )


def make_numbers(number):
    """Save what there is to see of a day, each unlike those with another ``number``."""
    day = timezone.now().date() - timedelta(days=number)
    AccountActivity.objects.create(day=day, accounts=5, accounts_active=3, members=1)
    spans = {"audio_seconds": 2, "transcription_seconds": 3}
    SttEngineDay.objects.create(day=day, engine=f"x{number}", requests=4, successes=3, **spans)
    for api, status in (("device", 200), ("device", 500), ("upstream", 200)):
        ApiCallDay.objects.create(
            day=day, api=api, route=f"route/{number}", method="GET", status=status, count=10,
            total_seconds=1, highest_seconds=0.5,
        )  # fmt: skip
    country = make_country(f"X{number}")
    region = make_region(f"X{number}.1", country=country)
    city = make_city(f"city {number}", region, make_timezone(f"X/{number}", country))
    place = {"city": city, "timezone": city.timezone}
    make_device(name=f"x{number}", platform=f"platform {number}", core_version="2.1", **place)


def text_of(client, path=PAGE):
    page = client.get(path)
    assert page.status_code == 200
    return page.content.decode()


def test_a_new_installation_has_a_dashboard(staff_client):
    page = text_of(staff_client)

    assert "Nothing does: jobs succeed, mail is delivered, services answer." in page
    assert "Not counted yet" in page
    assert "Nothing in these days." in page


def test_what_needs_attention_leads_to_where_one_acts(staff_client, account):
    now = timezone.now()
    JobRun.objects.create(
        name="load_skills", day=now.date(), ended_at=now, succeeded=False, output="no <net>"
    )
    OutgoingMail.objects.create(template="x", recipient="x@x.test", next_attempt_at=None)
    security.record(SecurityEventKind.LOCKED_OUT, account=account)
    make_device(account, last_contact_at=now - timedelta(hours=3))
    ApiCallDay.objects.create(
        day=now.date(), api="upstream", route="Stripe", method="CALL", status=502, count=3
    )
    Lease.objects.update(expires_at=now - timedelta(minutes=5))
    fleet.count()

    page = text_of(staff_client)
    links = [item.link for item in staff_client.get(PAGE).context["attention"]]

    assert links == [
        "/admin/operations/jobrun/?",
        "/admin/operations/jobrun/?name__exact=load_skills",
        "/admin/accounts/outgoingmail/?sent_at__isempty=1",
        "/admin/operations/apicallday/?api__exact=upstream&q=Stripe",
        "/admin/devices/device/?status=disconnected",
        "/admin/accounts/securityevent/?kind__exact=locked_out",
    ]
    assert {staff_client.get(link).status_code for link in links} == {200}
    assert "load_skills failed: no &lt;net&gt;" in page
    assert "no scheduler runs the jobs" in page


def test_the_fleet_is_shown_as_it_was_counted_last(staff_client):
    make_numbers(0)
    fleet.count()

    page = text_of(staff_client)

    for text in (
        "1 device<",
        "platform 0",
        "2.1",
        "city 0",
        "never heard of",
        '<svg class="world"',
    ):
        assert text in page


def test_counts_that_are_old_are_said_to_be(staff_client, pass_time):
    make_numbers(0)
    fleet.count()
    pass_time(timedelta(minutes=58))
    text_of(staff_client)  # else the session ends
    pass_time(timedelta(minutes=58))

    assert "the job that counts does not run" in text_of(staff_client)


@pytest.mark.parametrize(
    ("query", "chosen", "columns"),
    [("", 30, 30), ("?days=7", 7, 7), ("?days=90", 90, 90), ("?days=365", 365, 53)],
)
def test_a_period_is_chosen_and_a_year_is_shown_by_weeks(staff_client, query, chosen, columns):
    context = staff_client.get(PAGE + query).context

    assert [each.days for each in context["periods"] if each.is_chosen] == [chosen]
    assert len(context["dashboard"]["people"][0].labels) == columns


@pytest.mark.parametrize("days", ["0", "-7", "8", "x", "1e3", "9" * 50, "٣٠"])
def test_a_period_that_is_none_is_the_usual_one(staff_client, days):
    context = staff_client.get(f"{PAGE}?days={days}").context

    assert [each.days for each in context["periods"] if each.is_chosen] == [30]


def test_numbers_are_in_tables_too(staff_client):
    make_numbers(0)

    page = text_of(staff_client)

    assert '<td class="n">5</td>' in page  # accounts
    assert '<td class="n">75.0</td>' in page  # percent understood
    assert '<td class="n">0.75</td>' in page  # seconds a request
    assert "50 %" in page  # of the calls of route/0 failed


def test_services_without_a_key_name_their_settings(staff_client, settings):
    settings.OWM_KEY = "x"
    settings.WOLFRAM_ALPHA_KEY = ""

    page = text_of(staff_client)

    assert "<code>WOLFRAM_ALPHA_KEY</code>" in page
    assert "OWM_KEY" not in page


def test_the_page_costs_the_same_with_one_row_and_with_three(
    staff_client, django_assert_num_queries
):
    make_numbers(0)
    fleet.count()
    with django_assert_num_queries(25):
        staff_client.get(PAGE)
    make_numbers(1)
    make_numbers(2)
    fleet.count()

    with django_assert_num_queries(25) as queries:
        staff_client.get(PAGE)

    assert not [each["sql"] for each in queries if 'FROM "devices_device"' in each["sql"]]


@pytest.mark.parametrize(
    ("right", "shown"),
    [
        ("view_device", {"fleet"}),
        ("view_accountactivity", {"people"}),
        ("view_sttengineday", {"speech"}),
        ("view_apicallday", {"api", "services"}),
    ],
)
def test_only_what_one_may_look_into_is_shown(client, right, shown):
    staff = make_account(None, None, is_staff=True)
    staff.user_permissions.add(Permission.objects.get(codename=right))
    client.force_login(staff, backend=BACKEND)

    assert set(client.get(PAGE).context["dashboard"]) == shown


def test_concerns_of_others_are_not_shown(client, account):
    security.record(SecurityEventKind.LOCKED_OUT, account=account)
    staff = make_account(None, None, is_staff=True)
    staff.user_permissions.add(Permission.objects.get(codename="view_device"))
    client.force_login(staff, backend=BACKEND)

    assert client.get(PAGE).context["attention"] == []


def test_the_name_of_the_installation_is_on_every_page(staff_client):
    assert "Selene" in text_of(staff_client, "/admin/devices/device/")
