"""What staff do by hand in the back office, by role: sessions, memberships, consent, recordings."""

import hashlib
from datetime import timedelta

import pytest
from auditlog.models import LogEntry
from django.contrib.auth.models import Group
from django.core.management import call_command
from django.utils import timezone

from accounts import agreements, gifts, sessions
from accounts.models import AccountActivity, PendingPayment, Subscription
from accounts.tests.factories import (
    make_account,
    make_agreement,
    make_membership,
    make_subscription,
)
from accounts.tests.pages import shown_form
from accounts.tests.stripe_stand_in import KEY, StripeStandIn
from conftest import sign_in
from devices import samples
from devices.models import SampleStatus, WakeWordSample
from devices.tests.factories import make_wake_word
from devices.tests.sounds import as_file, tone
from operations import roles

pytestmark = pytest.mark.django_db
BACKEND = "django.contrib.auth.backends.ModelBackend"
SOUND = as_file(tone(0.2), format="WAV")


@pytest.fixture
def staff(client):
    """Return a function that signs a browser in as staff with a role; "superuser" is one too."""
    roles.restore()

    def staff(role):
        person = make_account(
            f"{role}@selene.test", None, is_staff=True, is_superuser=role == "superuser"
        )
        person.groups.set(Group.objects.filter(name=role))
        client.force_login(person, backend=BACKEND)
        return client

    return staff


def of_account(account, page="change"):
    return f"/admin/accounts/account/{account.pk}/{page}/"


def of_session(session, page="change"):
    return f"/admin/accounts/signinsession/{session.pk}/{page}/"


def buttons(response):
    """Return the names of the buttons on a page."""
    entries = response.context["actions_detail"]
    return {each["title"] for entry in entries for each in entry.get("items", [entry])}


def log():
    """Return what the audit log says was done by whom."""
    rows = LogEntry.objects.exclude(additional_data=None).order_by("timestamp", "id")
    return [(row.actor_email, row.additional_data["did"]) for row in rows]


def counts():
    names = ("members", "members_added", "members_expired")
    return AccountActivity.objects.values_list(*names).first()


# Sessions


@pytest.mark.parametrize("role", ["support", "operator", "superuser"])
def test_one_session_is_ended_at_once_and_the_others_go_on(staff, account, role):
    stolen, own = sign_in(account), sign_in(account)
    session = account.sessions.order_by("started_at").first()
    client = staff(role)

    asked = client.get(of_session(session, "end"))
    answer = client.post(of_session(session, "end"))

    assert (asked.status_code, answer.status_code) == (200, 302)
    assert stolen.get("/api/account").status_code == 401
    del stolen.cookies["seleneAccess"]  # the refresh token alone
    assert stolen.get("/api/account").status_code == 401
    assert own.get("/api/account").status_code == 200
    assert log() == [(f"{role}@selene.test", f"ended this session of {account}")]


def test_a_program_with_the_access_token_is_refused_too(staff, account, api):
    tokens = sessions.start(account)
    api.credentials(HTTP_AUTHORIZATION=f"Bearer {tokens.access}")
    assert api.get("/api/account").status_code == 200

    staff("support").post(of_session(account.sessions.get(), "end"))

    assert api.get("/api/account").status_code == 401


@pytest.mark.parametrize("role", ["auditor", "none"])
def test_who_may_not_change_accounts_ends_no_session(staff, account, role):
    browser = sign_in(account)
    session = account.sessions.get()
    client = staff(role)
    listed = {"action": "end_selected", "_selected_action": [session.pk]}

    answers = [
        client.get(of_session(session, "end")).status_code,
        client.post(of_session(session, "end")).status_code,
    ]
    client.post("/admin/accounts/signinsession/", listed)

    assert answers == [403, 403]
    assert browser.get("/api/account").status_code == 200


def test_sessions_of_staff_are_superusers_to_end(staff, account):
    colleague = make_account("colleague@selene.test", is_staff=True)
    theirs, browser = sign_in(colleague), sign_in(account)
    keys = [colleague.sessions.get().pk, account.sessions.get().pk]
    client = staff("operator")

    refused = client.post(of_session(colleague.sessions.get(), "end")).status_code
    form = {"action": "end_selected", "_selected_action": keys}
    page = client.post("/admin/accounts/signinsession/", form, follow=True).text

    assert refused == 403
    assert "1 sessions ended" in page
    assert "1 sessions of staff left alone" in page
    assert theirs.get("/api/account").status_code == 200
    assert browser.get("/api/account").status_code == 401


def test_the_button_is_there_for_who_may_and_while_it_makes_sense(staff, account):
    sign_in(account)
    session = account.sessions.get()

    seen = [buttons(staff(role).get(of_session(session))) for role in ("support", "auditor")]
    sessions.end(session)
    ended = buttons(staff("operator").get(of_session(session)))

    assert seen == [{"End session"}, set()]
    assert ended == set()
    assert "It had ended already" in staff("superuser").post(of_session(session, "end")).text


# Memberships


@pytest.fixture
def yearly():
    return make_membership("Yearly Membership", rate="19.99")


@pytest.fixture
def stripe_server(httpserver, settings):
    settings.STRIPE_PRIVATE_KEY = KEY
    server = StripeStandIn(httpserver)
    settings.STRIPE_API_BASE = server.url
    return server


def test_an_operator_gives_a_membership_that_its_owner_sees(staff, account, account_client):
    monthly = make_membership()
    last = timezone.now().date() + timedelta(days=30)
    form = {"membership": monthly.pk, "until": str(last)}

    answer = staff("operator").post(of_account(account, "give_membership"), form)

    assert answer.status_code == 302
    gift = account.subscriptions.get()
    assert (gift.payment_method, gift.given_until) == ("Gift", last)
    assert account_client.get("/api/account").json()["membership"] == {
        "id": str(gift.pk),
        "type": "Monthly Membership",
        "paymentMethod": "Gift",
        "paymentAccountId": "",
        "paymentId": gift.payment_id,
        "endDate": None,
        "duration": None,
    }
    assert counts() == (1, 1, 0)
    assert ("operator@selene.test", f"Monthly Membership given until {last}") in log()


@pytest.mark.parametrize("role", ["support", "auditor", "none"])
def test_memberships_are_operators_to_give_and_to_take(staff, account, role):
    monthly = make_membership()
    client = staff(role)

    answers = {
        client.post(of_account(account, page), {"membership": monthly.pk}).status_code
        for page in ("give_membership", "change_membership", "end_membership")
    }

    assert answers == {403}
    assert not Subscription.objects.exists()


def test_who_has_a_membership_is_given_none(staff, account):
    make_subscription(account)
    form = {"membership": make_membership("Gold").pk}

    page = staff("operator").post(of_account(account, "give_membership"), form)

    assert "It has a membership already" in page.text
    assert account.subscriptions.count() == 1


def test_who_is_about_to_pay_is_given_none(staff, account):
    PendingPayment.objects.create(account=account)
    form = {"membership": make_membership().pk}

    page = staff("operator").post(of_account(account, "give_membership"), form)

    assert "It is about to pay for one" in page.text
    assert not account.subscriptions.exists()


def test_a_day_that_is_over_is_refused(staff, account):
    form = {"membership": make_membership().pk, "until": "2020-01-01"}

    page = staff("operator").post(of_account(account, "give_membership"), form)

    assert "this day is over" in page.text
    assert not account.subscriptions.exists()


def test_a_gift_becomes_another_and_ends(staff, account, yearly):
    gifts.give(account, make_membership())
    client = staff("operator")
    page = client.get(of_account(account, "change_membership"))

    client.post(of_account(account, "change_membership"), {"membership": yearly.pk})
    changed = account.subscriptions.active().get()
    client.post(of_account(account, "end_membership"))

    assert page.context["form"].initial["until"] is None
    assert changed.membership == yearly
    assert [row.ended_at is None for row in account.subscriptions.all()] == [False, False]
    assert counts() == (0, 1, 1)


def test_a_gift_gets_another_last_day_without_a_new_period(staff, account):
    monthly = make_membership()
    gifts.give(account, monthly)
    last = timezone.now().date()
    form = {"membership": monthly.pk, "until": str(last)}

    staff("operator").post(of_account(account, "change_membership"), form)

    assert account.subscriptions.get().given_until == last


def test_the_job_ends_a_gift_in_the_night_after_its_last_day(account, pass_time, capsys):
    last = timezone.now().date()
    gifts.give(account, make_membership(), until=last)
    gifts.give(make_account(), account.subscriptions.get().membership)
    call_command("purge_expired")
    on_the_day = account.subscriptions.active().exists()
    pass_time(timedelta(days=1))

    call_command("purge_expired")
    call_command("purge_expired")

    assert on_the_day
    assert not account.subscriptions.active().exists()
    assert Subscription.objects.active().count() == 1
    assert counts()[0] == 1


def test_what_is_paid_is_changed_and_cancelled_at_stripe(staff, account, yearly, stripe_server):
    monthly = make_membership(stripe_plan="monthly_premium")
    yearly.stripe_plan = "mycroft_ai_premium_annual_1999"
    yearly.save()
    paid = stripe_server.subscribe(account.pk)
    make_subscription(account, monthly, payment_id=paid)
    AccountActivity.objects.create(day=timezone.now().date(), members=1)
    client = staff("operator")
    refused = client.post(
        of_account(account, "change_membership"),
        {"membership": yearly.pk, "until": str(timezone.now().date())},
    )

    client.post(of_account(account, "change_membership"), {"membership": yearly.pk})
    changed = account.subscriptions.active().get()
    ended = client.post(of_account(account, "end_membership"))

    assert "has no last day" in refused.text
    assert (changed.membership, changed.payment_id) == (yearly, paid)
    assert ended.status_code == 302
    assert stripe_server.live == []
    assert not account.subscriptions.active().exists()
    assert counts() == (0, 0, 1)


def test_without_stripes_answer_nothing_changes_and_staff_are_told(
    staff, account, bad_upstream, settings
):
    settings.STRIPE_PRIVATE_KEY, settings.STRIPE_API_BASE = KEY, bad_upstream.url
    make_subscription(account)

    page = staff("operator").post(of_account(account, "end_membership"))

    assert page.status_code == 200
    assert "Stripe" in "".join(page.context["form"].non_field_errors())
    assert account.subscriptions.active().exists()


def test_without_a_key_staff_are_told_which_setting_is_missing(staff, account, settings):
    settings.STRIPE_PRIVATE_KEY = ""
    make_subscription(account)

    page = staff("operator").post(of_account(account, "end_membership"))

    assert "STRIPE_PRIVATE_KEY is not set" in page.text


def test_what_paypal_is_paid_for_ends_here(staff, account):
    make_subscription(account, payment_method="PayPal")
    AccountActivity.objects.create(day=timezone.now().date(), members=1)
    client = staff("operator")
    offered = buttons(client.get(of_account(account)))

    client.post(of_account(account, "end_membership"))

    assert "End the membership" in offered
    assert "Change the membership" not in offered
    assert not account.subscriptions.active().exists()


# Consent


def test_an_operator_notes_a_yes_with_how_it_was_said(staff, account, device, device_client):
    make_agreement("Open Dataset")
    path = f"/v1/device/{device.pk}/setting"
    tag = device_client.get(path)["ETag"]
    client = staff("operator")
    empty = client.post(of_account(account, "join_open_dataset"))

    answer = client.post(of_account(account, "join_open_dataset"), {"how": "letter of 3 March"})

    assert (empty.status_code, answer.status_code) == (200, 302)
    assert agreements.has_open_dataset(account)
    polled = device_client.get(path, headers={"If-None-Match": tag})
    assert polled.json()["optIn"] is True
    said = "Takes part in the Open Dataset: letter of 3 March"
    assert ("operator@selene.test", said) in log()


def test_a_yes_to_what_is_not_in_force_cannot_be_noted(staff, account):
    page = staff("operator").post(of_account(account, "join_open_dataset"), {"how": "x"})

    assert "No Open Dataset agreement is in force" in page.text


@pytest.mark.parametrize(("role", "may"), [("support", True), ("auditor", False)])
def test_support_withdraws_a_consent_but_notes_none(staff, account, role, may):
    agreement = make_agreement("Open Dataset")
    agreements.accept(account, agreement)
    client = staff(role)

    joined = client.post(of_account(make_account(), "join_open_dataset"), {"how": "x"})
    left = client.post(of_account(account, "leave_open_dataset"))

    assert joined.status_code == 403
    assert left.status_code == (302 if may else 403)
    assert agreements.has_open_dataset(account) is not may


def test_the_menu_has_what_makes_sense(staff, account):
    agreements.accept(account, make_agreement("Open Dataset"))
    make_subscription(account)

    operator = buttons(staff("operator").get(of_account(account)))
    support = buttons(staff("support").get(of_account(make_account())))

    assert {"Change the membership", "End the membership", "Leave the Open Dataset"} < operator
    assert "Export data" in operator
    assert not {"Give a membership", "Join the Open Dataset"} & operator
    assert support == {
        "Lock",
        "End sessions",
        "Lift lockout",
        "Pair a device",
        "Send password reset",
    }


def test_pairing_from_the_page_of_an_account_has_it_filled_in(staff, account):
    client = staff("support")

    page = client.get(of_account(account, "pair"), follow=True)

    assert page.redirect_chain == [(f"/admin/devices/device/add/?account={account.pk}", 302)]
    assert shown_form(page)["account"] == [str(account.pk)]
    assert staff("auditor").get(of_account(account, "pair")).status_code == 403


# What is stored of a person


@pytest.mark.parametrize(
    ("role", "status"),
    [("operator", 200), ("superuser", 200), ("support", 403), ("auditor", 403), ("none", 403)],
)
def test_all_data_of_a_person_is_operators_to_export(staff, account, role, status):
    answer = staff(role).post(of_account(account, "export"))
    body = answer.getvalue()  # which closes its file

    assert answer.status_code == status
    assert body.startswith(b"PK") == (status == 200)
    assert (log() != []) == (status == 200)


# Recorded wake words


@pytest.fixture
def sample(account, settings, tmp_path):
    settings.DATA_DIR = tmp_path
    agreements.accept(account, make_agreement("Open Dataset"))
    samples.store(account, SOUND, wake_word=make_wake_word(), model="0", recorded_at=timezone.now())
    return WakeWordSample.objects.get()


def of_sample(sample, page="change"):
    return f"/admin/devices/wakewordsample/{sample.pk}/{page}/"


def test_an_operator_listens_and_the_log_says_so(staff, sample):
    client = staff("operator")
    page = client.get(of_sample(sample))

    answer = client.get(of_sample(sample, "listen"))

    assert f'src="{of_sample(sample, "listen")}"' in page.text
    assert (answer.status_code, answer.content) == (200, SOUND)
    assert answer["Content-Type"] == "audio/wav"
    assert "no-store" in answer["Cache-Control"]
    entry = LogEntry.objects.get()
    assert (entry.actor_email, entry.object_pk) == ("operator@selene.test", str(sample.pk))
    assert entry.get_action_display() == "access"
    assert client.get(f"/admin/auditlog/logentry/{entry.pk}/change/").status_code == 200


def test_a_flac_file_is_told_from_a_wav_file(staff, sample):
    samples.path(sample.digest).write_bytes(as_file(tone(0.2), format="FLAC"))

    answer = staff("operator").get(of_sample(sample, "listen"))

    assert answer["Content-Type"] == "audio/flac"


@pytest.mark.parametrize(
    ("asked", "status", "part", "told"),
    [
        ("bytes=0-1", 206, slice(0, 2), "bytes 0-1/{}"),
        ("bytes=10-", 206, slice(10, None), "bytes 10-{last}/{}"),
        ("bytes=0-999999999", 206, slice(0, None), "bytes 0-{last}/{}"),
        ("bytes=999999999-", 200, slice(0, None), None),
        ("bytes=5-2", 200, slice(0, None), None),
        ("bytes=-5", 200, slice(0, None), None),
        ("nonsense", 200, slice(0, None), None),
    ],
)
def test_a_part_is_answered_for_players_that_take_no_whole(
    staff, sample, asked, status, part, told
):
    answer = staff("operator").get(of_sample(sample, "listen"), headers={"Range": asked})

    assert (answer.status_code, answer.content) == (status, SOUND[part])
    size = len(SOUND)
    assert answer.get("Content-Range") == (told and told.format(size, last=size - 1))


@pytest.mark.parametrize("role", ["support", "auditor", "none"])
def test_nobody_else_listens(staff, sample, role):
    client = staff(role)

    answer = client.get(of_sample(sample, "listen"))
    page = client.get(of_sample(sample))

    assert answer.status_code == 403
    assert "<audio" not in page.text
    assert not LogEntry.objects.exists()


def test_who_is_not_signed_in_gets_no_sound(client, sample):
    assert client.get(of_sample(sample, "listen")).status_code == 302


def test_what_its_owner_withdrew_is_heard_by_nobody(staff, sample):
    WakeWordSample.objects.update(status=SampleStatus.PENDING_DELETE)
    client = staff("superuser")

    assert client.get(of_sample(sample, "listen")).status_code == 404
    assert "<audio" not in client.get(of_sample(sample)).text
    assert not LogEntry.objects.exists()


def test_a_sound_whose_file_is_gone_is_not_found(staff, sample):
    samples.path(sample.digest).unlink()

    assert staff("operator").get(of_sample(sample, "listen")).status_code == 404


def test_a_sample_is_deleted_with_its_file(staff, sample):
    file = samples.path(hashlib.sha256(SOUND).hexdigest())
    client = staff("operator")
    assert file.exists()
    assert buttons(client.get(of_sample(sample))) == {"Delete now"}

    answer = client.post(of_sample(sample, "delete_now"))

    assert (answer.status_code, answer["Location"]) == (302, "/admin/devices/wakewordsample/")
    assert not WakeWordSample.objects.exists()
    assert not file.exists()
    assert log() == [("operator@selene.test", "deleted it")]


@pytest.mark.parametrize("role", ["support", "auditor"])
def test_others_delete_no_sample(staff, sample, role):
    client = staff(role)

    assert client.post(of_sample(sample, "delete_now")).status_code == 403
    assert buttons(client.get(of_sample(sample))) == set()
    assert WakeWordSample.objects.exists()


@pytest.mark.parametrize("number", [1, 3])
def test_pages_cost_the_same_however_many_rows(
    staff, account, number, django_assert_max_num_queries
):
    for _ in range(number):
        sign_in(account)
    client = staff("operator")
    client.get(of_account(account))

    with django_assert_max_num_queries(22):
        assert client.get(of_account(account)).status_code == 200
    with django_assert_max_num_queries(11):
        assert client.get(of_session(account.sessions.first())).status_code == 200


def test_a_shown_form_of_a_membership_keeps_it(staff, account):
    gifts.give(account, make_membership())
    client = staff("operator")
    page = of_account(account, "change_membership")

    answer = client.post(page, shown_form(client.get(page)))

    assert answer.status_code == 302
    assert account.subscriptions.count() == 1
