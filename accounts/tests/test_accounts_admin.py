import pytest
from axes.models import AccessAttempt
from django.contrib import admin
from django.contrib.auth.models import Group, Permission
from django.contrib.contenttypes.models import ContentType
from django.test import Client
from django.utils import timezone

from accounts import agreements, mail, passwords, security, sessions
from accounts.models import (
    Account,
    AccountActivity,
    Agreement,
    Membership,
    PendingPayment,
    SecurityEvent,
    SecurityEventKind,
)
from accounts.tests.factories import (
    PASSWORD,
    make_account,
    make_agreement,
    make_membership,
    make_subscription,
)
from accounts.tests.pages import shown_form
from conftest import sign_in

MODELS = sorted(
    model._meta.model_name for model in admin.site._registry if model._meta.app_label == "accounts"
)
INLINES = {
    f"{name}-{count}": 0
    for name in ("sessions", "acceptances")
    for count in ("TOTAL_FORMS", "INITIAL_FORMS")
}
CHANGED = "/admin/accounts/account/{}/change/"

pytestmark = pytest.mark.django_db


@pytest.fixture
def staff():
    """Somebody who may do everything in the admin."""
    return make_account("staff@selene.test", is_staff=True, is_superuser=True)


@pytest.fixture
def staff_client(client, staff):
    """A browser signed in to the admin."""
    client.force_login(staff, backend="django.contrib.auth.backends.ModelBackend")
    return client


@pytest.fixture
def helper_client(client):
    """A browser of staff that may change accounts, but is no superuser."""
    helper = make_account("helper@selene.test", is_staff=True)
    names = ["change_account", "view_account", "delete_account"]
    helper.user_permissions.set(Permission.objects.filter(codename__in=names))
    client.force_login(helper, backend="django.contrib.auth.backends.ModelBackend")
    return client


@pytest.fixture
def everything(account):
    """At least one row of each kind that the admin shows."""
    sessions.start(account, client="Browser")
    agreements.accept(account, make_agreement())
    make_subscription(account)
    PendingPayment.objects.create(account=account)
    security.record(SecurityEventKind.LOCKED_OUT, account=account)
    AccountActivity.objects.create(day=timezone.now().date())
    mail.send("password_changed", account.email)
    Group.objects.create(name="helpers")


@pytest.mark.usefixtures("everything")
@pytest.mark.parametrize("model", MODELS)
def test_every_list_opens_and_searches(staff_client, model):
    answers = [
        staff_client.get(f"/admin/accounts/{model}/").status_code,
        staff_client.get(f"/admin/accounts/{model}/?q=owner").status_code,
    ]

    assert set(answers) <= {200, 302}


@pytest.mark.usefixtures("everything")
@pytest.mark.parametrize("model", MODELS)
def test_every_page_opens(staff_client, model):
    row = admin.site.get_model_admin(
        next(each for each in admin.site._registry if each._meta.model_name == model)
    ).model.objects.first()

    response = staff_client.get(f"/admin/accounts/{model}/{row.pk}/change/")

    assert response.status_code == 200


def test_what_was_not_edited_is_not_written(staff_client, account):
    page = staff_client.get(CHANGED.format(account.pk))
    assert page.status_code == 200
    Account.objects.filter(pk=account.pk).update(last_activity_at=timezone.now(), is_staff=False)
    form = {"email": account.email, "username": "ada", "is_active": "on"} | INLINES

    staff_client.post(CHANGED.format(account.pk), form)

    account.refresh_from_db()
    assert account.username == "ada"
    assert account.last_activity_at is not None
    assert account.check_password(PASSWORD)


def test_only_edited_columns_are_saved(staff_client, account, django_assert_max_num_queries):
    form = {"email": account.email, "username": "ada", "is_active": "on"} | INLINES

    with django_assert_max_num_queries(30) as queries:
        staff_client.post(CHANGED.format(account.pk), form)

    updates = [each["sql"] for each in queries if each["sql"].startswith('UPDATE "accounts_acc')]
    assert len(updates) == 1
    assert updates[0].split("WHERE")[0].count("=") == 1


def test_what_an_owner_changed_while_the_page_was_open_stays(staff_client, account):
    form = shown_form(staff_client.get(CHANGED.format(account.pk)))
    group = Group.objects.create(name="helpers")
    account.groups.add(group)
    Account.objects.filter(pk=account.pk).update(email="ada@selene.test", is_staff=True)

    response = staff_client.post(CHANGED.format(account.pk), form | {"username": "ada"})

    assert response.status_code == 302
    account.refresh_from_db()
    assert (account.email, account.username) == ("ada@selene.test", "ada")
    assert account.is_staff
    assert account.groups.get() == group


def test_two_accounts_may_be_without_username(staff_client, account):
    make_account()
    account.username = "ada"
    account.save(update_fields=["username"])
    form = {"email": account.email, "username": "", "is_active": "on"} | INLINES

    response = staff_client.post(CHANGED.format(account.pk), form)

    assert response.status_code == 302
    account.refresh_from_db()
    assert account.username is None


def test_a_deactivated_account_is_signed_out(staff_client, account, account_client):
    form = {"email": account.email, "username": ""} | INLINES

    staff_client.post(CHANGED.format(account.pk), form)

    account.refresh_from_db()
    assert not account.is_active
    assert account.sessions.get().ended_at is not None
    assert account_client.get("/api/account").status_code == 401


def test_another_address_is_unproven_and_on_record(staff_client, account):
    Account.objects.filter(pk=account.pk).update(email_proven_at=timezone.now())
    form = {"email": "new@selene.test", "username": "", "is_active": "on"} | INLINES

    staff_client.post(CHANGED.format(account.pk), form)

    account.refresh_from_db()
    assert (account.email, account.email_proven_at) == ("new@selene.test", None)
    assert SecurityEvent.objects.get(account=account).kind == SecurityEventKind.EMAIL_CHANGED


def test_an_address_in_use_is_refused_in_any_case(staff_client, account):
    make_account("ada@selene.test")
    form = {"email": "ADA@selene.test", "username": "", "is_active": "on"} | INLINES

    response = staff_client.post(CHANGED.format(account.pk), form)

    assert "an account with this address exists" in response.content.decode()


def test_an_account_is_created_and_counted(staff_client):
    form = {
        "email": "ada@selene.test",
        "usable_password": "true",
        "password1": PASSWORD,
        "password2": PASSWORD,
    }

    response = staff_client.post("/admin/accounts/account/add/", form)

    assert response.status_code == 302
    assert Account.objects.get(email="ada@selene.test").check_password(PASSWORD)
    assert AccountActivity.objects.get().accounts_added == 1


def test_an_account_is_deleted_as_its_owner_would(staff_client, account, everything):
    url = f"/admin/accounts/account/{account.pk}/delete/"
    assert staff_client.get(url).status_code == 200

    response = staff_client.post(url, {"post": "yes"})

    assert response.status_code == 302
    assert not Account.objects.filter(pk=account.pk).exists()
    assert AccountActivity.objects.get().accounts_deleted == 1


def test_several_accounts_are_deleted_as_their_owners_would(staff_client):
    keys = [make_account().pk for _ in range(2)]
    form = {"action": "delete_selected", "_selected_action": keys, "post": "yes"}

    staff_client.post("/admin/accounts/account/", form)

    assert Account.objects.count() == 1
    assert AccountActivity.objects.get().accounts_deleted == 2


def test_sessions_are_ended_from_the_list(staff_client, account, account_client):
    form = {"action": "end_sessions", "_selected_action": [account.pk]}

    response = staff_client.post("/admin/accounts/account/", form, follow=True)

    assert "1 sessions ended" in response.content.decode()
    assert account_client.get("/api/account").status_code == 401


def test_a_new_password_signs_its_account_out(staff_client, account, account_client):
    form = {"password1": "another password 7", "password2": "another password 7"}

    response = staff_client.post(
        f"/admin/accounts/account/{account.pk}/password/",
        form | {"usable_password": "true", "set-password": "1"},
    )

    assert response.status_code == 302
    account.refresh_from_db()
    assert account.check_password("another password 7")
    assert account_client.get("/api/account").status_code == 401
    assert SecurityEvent.objects.get(account=account).kind == SecurityEventKind.PASSWORD_CHANGED


def test_ones_own_new_password_signs_out_all_but_this_browser(staff_client, staff):
    elsewhere = sign_in(staff)
    form = {
        "old_password": PASSWORD,
        "new_password1": "another password 7",
        "new_password2": "another password 7",
    }

    response = staff_client.post("/admin/password_change/", form)

    assert response.status_code == 302
    staff.refresh_from_db()
    assert staff.check_password("another password 7")
    assert elsewhere.get("/api/account").status_code == 401
    assert staff_client.get("/admin/").status_code == 200


def test_only_superusers_touch_superusers(helper_client, staff):
    changed = helper_client.post(CHANGED.format(staff.pk), {"email": "x@selene.test"})
    given = helper_client.get(f"/admin/accounts/account/{staff.pk}/password/")
    deleted = helper_client.post(f"/admin/accounts/account/{staff.pk}/delete/", {"post": "yes"})
    listed = {"action": "delete_selected", "_selected_action": [staff.pk], "post": "yes"}
    deleted_from_list = helper_client.post("/admin/accounts/account/", listed)

    answers = [changed, given, deleted, deleted_from_list]
    assert [answer.status_code for answer in answers] == [403] * 4
    staff.refresh_from_db()
    assert staff.email == "staff@selene.test"


def test_only_superusers_give_away_rights(helper_client, account):
    form = {"email": account.email, "username": "ada", "is_active": "on"} | INLINES
    rights = {"is_staff": "on", "is_superuser": "on"}

    helper_client.post(CHANGED.format(account.pk), form | rights)

    account.refresh_from_db()
    assert (account.username, account.is_staff, account.is_superuser) == ("ada", False, False)


@pytest.mark.parametrize(
    "path",
    [
        "accounts/account/?created_at__year=99999999",
        "accounts/account/?created_at__year=0",
        "accounts/account/?_to_field=password",
        "accounts/account/?password__startswith=argon2",
        "devices/device/?created_at__year=99999999",
        "accounts/account/abc/password/",
        "autocomplete/?app_label=devices&model_name=device&field_name=city&page=abc",
    ],
)
def test_an_address_made_by_hand_is_not_found(staff_client, account, path, caplog):
    caplog.clear()

    response = staff_client.get(f"/admin/{path}")

    assert (response.status_code, response.json()) == (404, {"error": "not found"})
    assert [each for each in caplog.records if each.levelname == "ERROR"] == []


def test_there_is_no_view_of_what_has_no_such_key(staff_client):
    kinds = ContentType.objects.values_list("pk", flat=True)

    answers = {staff_client.get(f"/admin/r/{kind}/abc/").status_code for kind in kinds}

    assert answers == {404}


@pytest.mark.parametrize("action", ["delete_selected", "end_sessions"])
@pytest.mark.parametrize(
    ("query", "selected"), [("", "abc"), ("?created_at__year=99999999", ""), ("", "9" * 40)]
)
def test_an_action_on_what_cannot_be_selected_is_not_found(
    staff_client, account, action, query, selected
):
    form = {"action": action, "_selected_action": selected or account.pk, "post": "yes"}

    response = staff_client.post(f"/admin/accounts/account/{query}", form)

    assert response.status_code == 404
    assert Account.objects.filter(pk=account.pk).exists()


def test_an_action_on_a_filtered_list_works(staff_client, account, account_client):
    form = {"action": "end_sessions", "_selected_action": [account.pk]}

    staff_client.post("/admin/accounts/account/?is_staff__exact=0", form)

    assert account_client.get("/api/account").status_code == 401


def test_logins_are_limited_by_client_before_a_password_is_hashed(client, staff, limit_rate):
    limit_rate("login", "2/minute")
    form = {"username": "nobody@selene.test", "password": PASSWORD}
    for _ in range(2):
        client.post("/admin/login/", form)

    refused = client.post("/admin/login/", form | {"username": staff.email})
    elsewhere = client.post(
        "/admin/login/", form | {"username": staff.email}, REMOTE_ADDR="192.0.2.7"
    )

    assert (refused.status_code, refused.text) == (429, "too many logins, try again later")
    assert 0 < int(refused["Retry-After"]) <= 60
    assert refused["Content-Type"] == "text/plain"
    assert elsewhere.status_code == 302
    assert client.get("/admin/login/").status_code in (200, 302)


def test_logins_to_the_admin_and_the_api_count_together(client, api, staff, limit_rate):
    limit_rate("login", "1/minute")
    client.post("/admin/login/", {"username": staff.email, "password": "wrong"})

    response = api.get("/api/internal-login", headers={"Authorization": "Basic eA=="})

    assert response.status_code == 429


def test_whoever_signs_in_sees_the_back_office(client, staff):
    form = shown_form(client.get("/admin/login/")) | {"username": staff.email}

    response = client.post("/admin/login/", form | {"password": PASSWORD})

    assert (response.status_code, response["Location"]) == (302, "/admin/")


def test_a_lockout_is_ended_by_deleting_its_failures(staff_client, account, settings):
    settings.AXES_FAILURE_LIMIT = 1
    stranger = Client(REMOTE_ADDR="192.0.2.7")
    form = {"username": account.email, "password": "wrong"}
    assert stranger.post("/admin/login/", form).status_code == 429
    failures = AccessAttempt.objects.get()

    staff_client.post(f"/admin/axes/accessattempt/{failures.pk}/delete/", {"post": "yes"})

    assert not AccessAttempt.objects.exists()
    settings.AXES_FAILURE_LIMIT = 2
    assert stranger.post("/admin/login/", form).status_code == 200


@pytest.fixture
def colleague():
    """Somebody else who is staff, but no superuser."""
    return make_account("colleague@selene.test", is_staff=True)


def test_staff_do_not_touch_other_staff(helper_client, colleague):
    page = f"/admin/accounts/account/{colleague.pk}"
    password = {"password1": "another password 7", "password2": "another password 7"}

    answers = [
        helper_client.post(f"{page}/change/", {"email": "x@selene.test"} | INLINES),
        helper_client.post(f"{page}/password/", password | {"usable_password": "true"}),
        helper_client.post(f"{page}/delete/", {"post": "yes"}),
    ]

    assert [answer.status_code for answer in answers] == [403] * 3
    assert helper_client.get(f"{page}/change/").status_code == 200
    colleague.refresh_from_db()
    assert colleague.email == "colleague@selene.test"
    assert colleague.check_password(PASSWORD)


def test_staff_end_no_sessions_of_other_staff(helper_client, staff, colleague, account):
    signed_in = [sign_in(each) for each in (staff, colleague, account)]
    keys = [staff.pk, colleague.pk, account.pk]
    form = {"action": "end_sessions", "_selected_action": keys}

    response = helper_client.post("/admin/accounts/account/", form, follow=True)

    answers = [each.get("/api/account").status_code for each in signed_in]
    assert answers == [200, 200, 401]
    assert "1 sessions ended" in response.text
    assert "2 accounts of staff left alone" in response.text


def test_staff_may_change_themselves(helper_client):
    helper = Account.objects.get(email="helper@selene.test")
    form = {"email": helper.email, "username": "ada", "is_active": "on"} | INLINES

    response = helper_client.post(CHANGED.format(helper.pk), form)

    assert response.status_code == 302
    helper.refresh_from_db()
    assert (helper.username, helper.is_staff) == ("ada", True)


def test_superusers_change_staff(staff_client, colleague):
    password = {"password1": "another password 7", "password2": "another password 7"}
    url = f"/admin/accounts/account/{colleague.pk}/password/"

    staff_client.post(url, password | {"usable_password": "true", "set-password": "1"})

    colleague.refresh_from_db()
    assert colleague.check_password("another password 7")


def test_staff_who_sign_in_are_on_record(client, staff):
    form = {"username": staff.email, "password": PASSWORD}

    response = client.post("/admin/login/?next=/admin/", form, REMOTE_ADDR="192.0.2.7")

    assert response.status_code == 302
    event = SecurityEvent.objects.get()
    assert (event.kind, event.account) == (SecurityEventKind.STAFF_SIGNED_IN, staff)
    assert event.address == "192.0.2.7"


def test_a_version_that_somebody_accepted_stays_as_it_is(staff_client, account):
    accepted, other = make_agreement(version="1"), make_agreement("Privacy Policy")
    agreements.accept(account, accepted)
    form = {"type": "Terms of Use", "version": "1", "effective_on": "2026-01-01", "content": "no"}

    for agreement in accepted, other:
        staff_client.post(f"/admin/accounts/agreement/{agreement.pk}/change/", form)
        staff_client.post(f"/admin/accounts/agreement/{agreement.pk}/delete/", {"post": "yes"})

    assert list(Agreement.objects.all()) == [accepted]
    assert Agreement.objects.get().content == accepted.content


def test_a_new_version_is_published(staff_client):
    day = timezone.now().date()
    form = {"type": "Terms of Use", "version": "2", "effective_on": day, "content": "New"}

    response = staff_client.post("/admin/accounts/agreement/add/", form)

    assert response.status_code == 302
    assert Agreement.objects.get().content == "New"


def test_a_membership_gets_another_price(staff_client):
    membership = make_membership()
    form = {
        "type": membership.type,
        "rate": "2.49",
        "rate_period": "month",
        "stripe_plan": membership.stripe_plan,
    }

    staff_client.post(f"/admin/accounts/membership/{membership.pk}/change/", form)

    assert str(Membership.objects.get().rate) == "2.49"


@pytest.mark.usefixtures("everything")
@pytest.mark.parametrize("model", ["subscription", "securityevent", "accountactivity"])
def test_what_the_server_writes_is_only_shown(staff_client, model):
    assert staff_client.get(f"/admin/accounts/{model}/add/").status_code == 403


def test_sessions_of_an_account_are_shown_by_the_page(staff_client, account):
    for number in range(12):
        sessions.start(account, client=f"Browser {number:02}")

    page = staff_client.get(CHANGED.format(account.pk)).content.decode()

    assert sum(f"Browser {number:02}" in page for number in range(12)) == 10


def test_a_password_is_saved_alone(account):
    Account.objects.filter(pk=account.pk).update(username="ada")
    account.set_password("another password 7")

    passwords.save(account, address="192.0.2.1")

    account.refresh_from_db()
    assert (account.username, account.check_password("another password 7")) == ("ada", True)
    assert SecurityEvent.objects.get().address == "192.0.2.1"
