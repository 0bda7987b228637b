from datetime import timedelta

import pytest

from accounts.tests.factories import make_account
from operations import orders
from operations.models import JobOrder, JobRun
from operations.scheduler import Scheduler
from operations.tests.test_roles import BACKEND

pytestmark = pytest.mark.django_db
RUN, LIST = "/admin/operations/jobrun/run/", "/admin/operations/jobrun/"


@pytest.fixture
def staff():
    return make_account("staff@selene.test", None, is_staff=True, is_superuser=True)


@pytest.fixture
def staff_client(client, staff):
    client.force_login(staff, backend=BACKEND)
    return client


def test_a_job_is_asked_for_once_until_it_has_run(staff, pass_time):
    order = orders.place("send_mail", staff)
    with pytest.raises(orders.AlreadyAsked):
        orders.place("send_mail", staff)
    JobOrder.objects.update(taken_at=order.asked_at)
    with pytest.raises(orders.AlreadyAsked):
        orders.place("send_mail", staff)
    pass_time(timedelta(hours=2))  # whoever took it has died

    orders.place("send_mail", staff)

    order.refresh_from_db()
    assert (order.state, order.output) == ("failed", "ended before it was done")
    assert JobOrder.objects.filter(taken_at=None).count() == 1


@pytest.mark.parametrize("name", ["", "flush", "migrate", "delete_account", "daily_report"])
def test_what_is_no_job_of_this_installation_cannot_be_asked_for(staff, name):
    with pytest.raises(orders.NoSuchJob):
        orders.place(name, staff)


def test_a_click_leaves_an_order_and_is_in_the_audit_log(staff_client):
    answer = staff_client.post(RUN, {"name": "send_mail"}, follow=True)

    order = JobOrder.objects.get()
    assert (order.name, order.asked_by.email, order.state) == (
        "send_mail",
        "staff@selene.test",
        "waiting",
    )
    assert "send_mail will run within seconds" in answer.content.decode()
    log = staff_client.get("/admin/auditlog/logentry/").content.decode()
    assert "asked for a run" in log


def test_a_second_click_and_nonsense_are_answered(staff_client):
    staff_client.post(RUN, {"name": "send_mail"})

    again = staff_client.post(RUN, {"name": "send_mail"}, follow=True).content.decode()
    nonsense = staff_client.post(RUN, {"name": "\0"}, follow=True).content.decode()

    assert "send_mail is waiting or under way" in again
    assert "There is no such job" in nonsense
    assert JobOrder.objects.count() == 1
    assert staff_client.get(RUN).status_code == 405


def test_the_list_shows_the_plan_the_last_run_and_what_was_asked(staff_client, staff):
    JobRun.objects.create(name="load_skills", day="2026-03-01", succeeded=None)
    JobOrder.objects.create(
        name="send_mail", asked_by=staff, taken_at="2026-03-01T00:00Z",
        ended_at="2026-03-01T00:00Z", succeeded=True, output="3 mails sent",
    )  # fmt: skip

    page = staff_client.get(LIST).content.decode()

    for text in ("daily at 04:00 UTC", "every 1 min", "no end yet", "3 mails sent", "Run now"):
        assert text in page


def test_the_list_costs_the_same_however_much_ran(staff_client, staff, django_assert_num_queries):
    with django_assert_num_queries(11):
        staff_client.get(LIST)
    for name in ("load_skills", "send_mail", "purge_expired"):
        JobRun.objects.create(name=name, day="2026-03-01")
        JobRun.objects.create(name=name, day="2026-03-02")
        orders.place(name, staff)

    with django_assert_num_queries(11):
        staff_client.get(LIST)


def test_old_orders_go(staff, pass_time):
    orders.place("send_mail", staff)
    pass_time(orders.KEPT + timedelta(seconds=1))
    orders.place("load_skills", staff)

    assert orders.purge() == 1


@pytest.mark.django_db(transaction=True)
def test_the_scheduler_runs_what_was_asked_for_and_says_what_came_of_it(staff):
    orders.place("send_mail", staff)
    orders.place("load_skills", staff)  # there is no catalogue to refresh
    scheduler = Scheduler()
    scheduler._jobs = []

    scheduler._tick()

    rows = JobOrder.objects.order_by("asked_at").values_list("name", "succeeded", "output")
    assert list(rows) == [
        ("send_mail", True, "0 mails sent"),
        ("load_skills", False, "no catalogue is loaded yet: --core-version says which to load"),
    ]
