"""What operators do with one account in the back office."""

from datetime import timedelta

import pytest
from axes.models import AccessAttempt
from django.contrib.auth.models import Permission
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from accounts import agreements, search, security, sessions
from accounts.admin_mixins import CountsSoFar, LongList
from accounts.models import Account, Agreement, SecurityEventKind
from accounts.tests.factories import make_account, make_agreement, make_subscription
from accounts.tests.pages import shown_form

pytestmark = pytest.mark.django_db


@pytest.fixture
def staff():
    return make_account("staff@selene.test", is_staff=True, is_superuser=True)


@pytest.fixture
def staff_client(client, staff):
    """A browser signed in to the admin."""
    client.force_login(staff, backend="django.contrib.auth.backends.ModelBackend")
    return client


@pytest.fixture
def viewer_client(client):
    """A browser of staff that may look at accounts, and at nothing else."""
    viewer = make_account("viewer@selene.test", is_staff=True)
    viewer.user_permissions.set(Permission.objects.filter(codename="view_account"))
    client.force_login(viewer, backend="django.contrib.auth.backends.ModelBackend")
    return client


def page_of(account, action="change"):
    return f"/admin/accounts/account/{account.pk}/{action}/"


def emails(response):
    return [row.email for row in response.context["cl"].result_list]


@pytest.mark.parametrize("term", ["ADA", "ada@sel", "lovelace", " ada@selene.test "])
def test_an_account_is_found_by_how_its_names_begin(staff_client, term):
    make_account("Ada@selene.test", username="lovelace")
    make_account("grace@selene.test")

    response = staff_client.get("/admin/accounts/account/", {"q": term})

    assert emails(response) == ["Ada@selene.test"]


def test_an_account_is_found_by_its_id(staff_client, account):
    response = staff_client.get("/admin/accounts/account/", {"q": str(account.pk)})

    assert emails(response) == [account.email]


def test_a_search_finds_no_more_than_somebody_reads(staff_client, monkeypatch):
    monkeypatch.setattr(search, "LIMIT", 2)
    for number in range(3):
        make_account(f"ada{number}@selene.test")

    response = staff_client.get("/admin/accounts/account/", {"q": "ada"})

    assert len(emails(response)) == 2


def test_what_stands_for_anything_in_a_pattern_stands_for_itself(staff_client):
    make_account("ada@selene.test")

    assert emails(staff_client.get("/admin/accounts/account/", {"q": "%"})) == []


def test_a_long_list_is_counted_only_so_far(staff_client, monkeypatch):
    monkeypatch.setattr(CountsSoFar, "MOST", 3)
    for _ in range(4):
        make_account()

    page = staff_client.get("/admin/accounts/account/")

    assert page.context["cl"].result_count == 3
    assert "or more" in page.text


def test_too_many_rows_at_once_are_refused(staff_client, monkeypatch):
    monkeypatch.setattr(LongList, "MOST_SELECTED", 2)
    for _ in range(3):
        make_account()
    form = {"action": "delete_selected", "select_across": "1", "post": "yes"}
    form["_selected_action"] = [Account.objects.first().pk]

    response = staff_client.post("/admin/accounts/account/", form, follow=True)

    assert "at most 2 rows" in response.text
    assert Account.objects.count() == 4


def test_the_page_shows_what_belongs_to_the_account(staff_client, account):
    agreements.accept(account, make_agreement())
    make_subscription(account)
    sessions.start(account, client="Firefox")
    security.record(SecurityEventKind.PASSWORD_CHANGED, account=account)

    page = staff_client.get(page_of(account))

    shown = {panel["title"]: panel["count"] for panel in page.context["panels"]}
    expected = {"Subscriptions", "Accepted agreements", "Sessions", "Security events"}
    assert {title: shown[title] for title in expected} == dict.fromkeys(expected, 1)
    for text in ("Firefox", "Password changed", "Monthly Membership", "Terms of Use 1"):
        assert text in page.text
    assert f"/admin/accounts/securityevent/?account__id__exact={account.pk}" in page.text


def test_the_lists_that_panels_lead_to_have_the_account_s_rows_alone(staff_client, account):
    for each in (account, make_account()):
        sessions.start(each)

    page = staff_client.get(f"/admin/accounts/signinsession/?account__id__exact={account.pk}")

    assert [row.account for row in page.context["cl"].result_list] == [account]


def test_the_page_costs_the_same_with_one_row_of_a_kind_and_with_three(staff_client, account):
    def add():
        sessions.start(account)
        security.record(SecurityEventKind.PASSWORD_CHANGED, account=account)
        number = account.sessions.count()
        day = timezone.now().date() - timedelta(days=number)
        agreements.accept(account, make_agreement(version=str(number), effective_on=day))

    add()
    staff_client.get(page_of(account))
    with CaptureQueriesContext(connection) as one:
        staff_client.get(page_of(account))
    add()
    add()

    with CaptureQueriesContext(connection) as three:
        staff_client.get(page_of(account))

    assert len(three) == len(one)
    assert len(three) < 30


def test_who_may_only_look_at_accounts_sees_no_sessions_and_no_buttons(viewer_client, account):
    page = viewer_client.get(page_of(account))

    assert page.status_code == 200
    assert page.context["panels"] == []
    assert page.context["actions_detail"] == []


@pytest.mark.parametrize("action", ["lock", "unlock", "end_all_sessions", "lift_lockout"])
def test_who_may_only_look_at_accounts_does_nothing_to_them(viewer_client, account, action):
    assert viewer_client.get(page_of(account, action)).status_code == 403
    assert viewer_client.post(page_of(account, action)).status_code == 403


def test_helpers_lock_no_colleague(client, staff):
    helper = make_account("helper@selene.test", is_staff=True)
    helper.user_permissions.set(Permission.objects.filter(codename="change_account"))
    client.force_login(helper, backend="django.contrib.auth.backends.ModelBackend")

    assert client.post(page_of(staff, "lock")).status_code == 403
    staff.refresh_from_db()
    assert staff.is_active


def test_to_ask_changes_nothing(staff_client, account, account_client):
    page = staff_client.get(page_of(account, "lock"))

    assert page.status_code == 200
    assert "Its devices go on as they are" in page.text
    account.refresh_from_db()
    assert account.is_active


def test_a_locked_account_is_signed_out_and_its_devices_go_on(
    staff_client, account, account_client, device, device_client
):
    response = staff_client.post(page_of(account, "lock"), follow=True)

    assert "Locked" in response.text
    assert account_client.get("/api/account").status_code == 401
    assert device_client.get(f"/v1/device/{device.pk}").status_code == 200


def test_an_account_is_unlocked(staff_client, account):
    Account.objects.filter(pk=account.pk).update(is_active=False)
    [menu] = staff_client.get(page_of(account)).context["actions_detail"]

    staff_client.post(page_of(account, "unlock"))

    account.refresh_from_db()
    assert account.is_active
    assert {"Unlock"} == {each["title"] for each in menu["items"]} & {"Lock", "Unlock"}


def test_nobody_locks_themselves_out(staff_client, staff):
    page = staff_client.post(page_of(staff, "lock"))

    assert "This is your own account." in page.text
    staff.refresh_from_db()
    assert staff.is_active


def test_sessions_are_ended_from_the_page(staff_client, account, account_client):
    response = staff_client.post(page_of(account, "end_all_sessions"), follow=True)

    assert "1 sessions ended" in response.text
    assert account_client.get("/api/account").status_code == 401


def test_a_lockout_is_lifted(staff_client, account):
    for address in ("192.0.2.1", "192.0.2.2"):
        AccessAttempt.objects.create(
            username=account.email, ip_address=address, failures_since_start=10
        )
    AccessAttempt.objects.create(username="else", ip_address=address, failures_since_start=10)

    staff_client.post(page_of(account, "lift_lockout"))

    assert AccessAttempt.objects.get().username == "else"


def test_there_is_nothing_to_ask_about_an_account_that_is_gone(staff_client, account):
    account.delete()

    assert staff_client.get(page_of(account, "lock")).status_code == 404
    assert staff_client.get("/admin/accounts/account/abc/lock/").status_code == 404


TEXT = "# Terms\n\nYou agree.\n\n<script>alert(1)</script>"


@pytest.fixture
def new_version():
    day = timezone.now().date() + timedelta(days=7)
    return {"type": "Terms of Use", "version": "2", "effective_on": str(day), "content": TEXT}


def test_a_preview_shows_text_and_differences_and_publishes_nothing(staff_client, new_version):
    make_agreement(content="# Terms\n\nYou agree to all.")

    page = staff_client.post("/admin/accounts/agreement/add/", new_version | {"_preview": ""})

    assert page.status_code == 200
    assert Agreement.objects.count() == 1
    assert page.context["preview"] == "<h1>Terms</h1>\n<p>You agree.</p>\n"
    assert page.context["differences"] == [
        ("skipped", ""),
        ("same", "# Terms"),
        ("same", ""),
        ("removed", "You agree to all."),
        ("added", "You agree."),
        ("added", ""),
        ("added", "<script>alert(1)</script>"),
    ]
    assert "<script>alert(1)" not in page.text
    assert shown_form(page)["content"] == [TEXT]


def test_a_version_is_published_on_its_day(staff_client, new_version):
    old = make_agreement()

    response = staff_client.post("/admin/accounts/agreement/add/", new_version)

    assert response.status_code == 302
    published = Agreement.objects.get(version="2")
    assert str(published.effective_on) == new_version["effective_on"]
    assert agreements.in_force("Terms of Use") == old


@pytest.mark.parametrize(
    ("wrong", "reason"),
    [
        ({"effective_on": "2020-01-01"}, "this day is over"),
        ({"version": "1"}, "already exists"),
        ({"content": ""}, "required"),
    ],
)
def test_a_version_that_cannot_be_is_refused_with_the_reason(
    staff_client, new_version, wrong, reason
):
    make_agreement()

    for button in ({}, {"_preview": ""}):
        page = staff_client.post("/admin/accounts/agreement/add/", new_version | wrong | button)
        assert page.status_code == 200
        assert reason in page.text

    assert Agreement.objects.count() == 1


def test_a_published_version_is_shown_with_what_it_changed_and_stays(staff_client):
    yesterday = timezone.now().date() - timedelta(days=1)
    make_agreement(content="Old", effective_on=yesterday)
    new = make_agreement(version="2", content="New")
    url = f"/admin/accounts/agreement/{new.pk}/change/"

    page = staff_client.get(url)
    refused = staff_client.post(url, {"content": "Other"})

    assert page.context["differences"][1:] == [("removed", "Old"), ("added", "New")]
    assert refused.status_code == 403
    assert Agreement.objects.get(version="2").content == "New"


def test_the_list_of_agreements_tells_which_are_in_force(staff_client):
    today = timezone.now().date()
    for days in (-1, 0, 1):
        make_agreement(version=str(days), effective_on=today + timedelta(days=days))

    page = staff_client.get("/admin/accounts/agreement/")

    assert page.text.count("in force") >= 1
    states = [page.context["cl"].model_admin.state(row) for row in page.context["cl"].result_list]
    assert states == ["from that day on", "in force", "replaced"]


@pytest.mark.parametrize("term", ["192.0.2.7", "owner@sel", "account", "device"])
def test_security_events_are_found_by_address_account_and_device(staff_client, device, term):
    owner = make_account("owner@selene.test")
    kind = SecurityEventKind.DEVICE_REFRESH_REUSED
    security.record(kind, account=owner, device_id=device.pk, address="192.0.2.7")
    security.record(kind, account=make_account())
    term = {"account": owner.pk, "device": device.pk}.get(term, term)

    page = staff_client.get("/admin/accounts/securityevent/", {"q": str(term)})

    assert [row.account for row in page.context["cl"].result_list] == [owner]
