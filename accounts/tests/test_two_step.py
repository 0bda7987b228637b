import re
from datetime import timedelta

import pytest
from auditlog.models import LogEntry
from django.contrib.auth.models import Permission
from django.core.management import CommandError, call_command
from django.db import connection
from django_otp.oath import totp

from accounts import encryption, two_step
from accounts.models import RecoveryCode, SecurityEvent, TwoStep
from accounts.tests.factories import PASSWORD, make_account

pytestmark = pytest.mark.django_db
NOW = "2026-03-01T12:00:00Z"
LOGIN, PROVE, OWN = "/admin/login/", "/admin/two-step/", "/admin/two-step/own/"
BACKEND = "django.contrib.auth.backends.ModelBackend"


@pytest.fixture(autouse=True)
def _noon(time_machine):
    time_machine.move_to(NOW, tick=False)


@pytest.fixture
def staff():
    return make_account("staff@selene.test", None, is_staff=True, is_superuser=True)


@pytest.fixture
def staff_client(client, staff):
    """A browser in which the password was given."""
    client.force_login(staff, backend=BACKEND)
    return client


@pytest.fixture
def protected(staff):
    """Two-step login in force for ``staff``, and its recovery codes; no code is used up."""
    begun = two_step.begin(staff)
    codes = two_step.confirm(begun, code_of(begun))
    TwoStep.objects.update(last_step=-1)
    begun.refresh_from_db()
    return begun, codes


def code_of(row, steps=0):
    """Return the code that the app shows, or showed some ``steps`` of half a minute ago."""
    key = bytes.fromhex(encryption.decrypt(row.encrypted_key))
    return f"{totp(key, drift=steps):06}"


def kinds():
    return list(SecurityEvent.objects.order_by("happened_at").values_list("kind", flat=True))


def test_an_apps_key_is_in_the_picture_and_nowhere_else_to_be_read(staff):
    begun = two_step.begin(staff)

    picture = two_step.picture(begun)

    assert picture.startswith("<svg")
    with connection.cursor() as cursor:
        cursor.execute("SELECT encrypted_key FROM accounts_twostep")
        assert two_step.key_text(begun).replace(" ", "") not in cursor.fetchone()[0]


def test_a_page_loaded_again_shows_the_same_key_and_another_session_another(staff):
    begun = two_step.begin(staff)

    again, elsewhere = two_step.begin(staff, str(begun.pk)), two_step.begin(staff)

    assert two_step.key_text(again) == two_step.key_text(begun)
    assert two_step.key_text(elsewhere) != two_step.key_text(begun)
    assert TwoStep.objects.count() == 1


def test_a_set_up_that_no_code_confirmed_asks_nobody(staff):
    two_step.begin(staff)

    assert two_step.of(staff) is None


def test_recovery_codes_lie_in_the_database_as_digests(protected):
    _, codes = protected

    assert len(set(codes)) == 10
    assert not RecoveryCode.objects.filter(digest__in=codes).exists()


@pytest.mark.parametrize("steps", [-1, 0, 1])
def test_a_clock_may_be_half_a_minute_off(protected, steps):
    row, _ = protected

    two_step.verify(row, code_of(row, steps))

    assert "two_step_failed" not in kinds()


@pytest.mark.parametrize(
    "wrong", ["", "000000", "12345", "1234567", "１２３４５６", "abcdef", "\0", "x" * 40]
)
def test_a_wrong_code_is_refused_and_on_record(protected, wrong):
    row, _ = protected

    with pytest.raises(two_step.WrongCode):
        two_step.verify(row, wrong)

    assert kinds()[-1] == "two_step_failed"


def test_a_code_is_good_once_and_so_are_those_before_it(protected, pass_time):
    row, _ = protected
    two_step.verify(row, code_of(row))

    for steps in (0, -1):
        with pytest.raises(two_step.WrongCode):
            two_step.verify(row, code_of(row, steps))
        pass_time(timedelta(seconds=5))


def test_a_recovery_code_is_good_once_however_it_is_typed(protected, pass_time):
    row, codes = protected

    two_step.verify(row, f" {codes[0].upper().replace('-', ' ')} ")

    assert kinds()[-1] == "recovery_code_used"
    with pytest.raises(two_step.WrongCode):
        two_step.verify(row, codes[0])


def test_each_wrong_code_makes_the_next_try_wait_twice_as_long(protected, pass_time):
    row, codes = protected
    for wait in (1, 2, 4):
        with pytest.raises(two_step.WrongCode):
            two_step.verify(row, "000000")
        pass_time(timedelta(seconds=wait - 0.5))
        with pytest.raises(two_step.TooSoon):
            two_step.verify(row, codes[0])
        pass_time(timedelta(seconds=0.5))

    two_step.verify(row, codes[0])

    row.refresh_from_db()
    assert row.throttling_failure_count == 0


def test_staff_set_it_up_and_are_shown_recovery_codes_once(staff_client, staff):
    page = staff_client.get(OWN).content.decode()
    row = TwoStep.objects.get()

    shown = staff_client.post(OWN, {"code": code_of(row)}).content.decode()

    assert "<svg" in page
    assert len(re.findall(r"<li>(?:[a-z2-7]{4}-){3}[a-z2-7]{4}</li>", shown)) == 10
    assert staff_client.get("/admin/").status_code == 200
    assert "10 recovery codes left" in staff_client.get(OWN).content.decode()
    assert kinds() == ["staff_signed_in", "two_step_set_up", "staff_signed_in"]


def test_a_wrong_first_code_sets_nothing_up(staff_client, staff):
    staff_client.get(OWN)

    page = staff_client.post(OWN, {"code": "000000"})

    assert "This code is wrong" in page.content.decode()
    assert two_step.of(staff) is None


def test_a_password_alone_opens_nothing(client, staff, protected):
    staff.set_password(PASSWORD)
    staff.save()

    answer = client.post(LOGIN, {"username": staff.email, "password": PASSWORD, "next": "/admin/"})
    landed = client.get("/admin/accounts/account/", follow=True)

    assert answer["Location"] == "/admin/"
    assert landed.redirect_chain[-1][0] == f"{PROVE}?next=/admin/accounts/account/"
    assert client.post("/admin/accounts/account/add/", {}).status_code == 302
    assert client.get(OWN).status_code == 302
    assert kinds() == ["two_step_set_up"]


def test_the_code_opens_the_page_that_was_asked_for(staff_client, protected):
    row, _ = protected
    key_before = staff_client.session.session_key

    answer = staff_client.post(f"{PROVE}?next=/admin/accounts/account/", {"code": code_of(row)})

    assert answer["Location"] == "/admin/accounts/account/"
    assert staff_client.get("/admin/accounts/account/").status_code == 200
    assert staff_client.session.session_key != key_before
    assert kinds()[-1] == "staff_signed_in"


@pytest.mark.parametrize("wanted", ["https://evil.example/", "//evil.example", "javascript:1"])
def test_nobody_is_sent_elsewhere_after_the_code(staff_client, protected, wanted):
    row, _ = protected

    answer = staff_client.post(PROVE, {"code": code_of(row), "next": wanted})

    assert answer["Location"] == "/admin/"


def test_wrong_codes_lock_the_account_out_for_this_address(
    staff_client, protected, settings, pass_time
):
    settings.AXES_FAILURE_LIMIT = 3
    row, _ = protected
    answers = []
    for _ in range(3):
        answers.append(staff_client.post(PROVE, {"code": "000000"}).status_code)
        pass_time(timedelta(seconds=30))

    right = staff_client.post(PROVE, {"code": code_of(row)})

    assert answers == [200, 200, 429]
    assert right["Location"] == LOGIN
    assert "locked_out" in kinds()


def test_who_gives_up_halfway_is_signed_out(staff_client, protected):
    staff_client.post("/admin/logout/")

    assert staff_client.get(PROVE)["Location"] == LOGIN
    assert not staff_client.session.keys()


def test_where_it_is_required_nothing_opens_before_it_is_set_up(staff_client, settings):
    settings.STAFF_TWO_STEP = True

    landed = staff_client.get("/admin/", follow=True)

    assert landed.redirect_chain[-1][0] == f"{OWN}?next=/admin/"
    assert "Not now" not in landed.content.decode()
    assert staff_client.post("/admin/accounts/account/add/", {}).status_code == 302


def test_new_recovery_codes_take_a_code_and_void_the_old_ones(staff_client, protected, pass_time):
    row, old = protected
    staff_client.post(PROVE, {"code": code_of(row)})

    refused = staff_client.post(OWN, {"code": "000000"}).content.decode()
    pass_time(timedelta(seconds=30))
    staff_client.post(OWN, {"code": code_of(row)})

    assert "This code is wrong" in refused
    with pytest.raises(two_step.WrongCode):
        two_step.verify(row, old[0])


def test_it_is_turned_off_by_a_code_unless_it_is_required(
    staff_client, staff, protected, settings, pass_time
):
    row, _ = protected
    settings.STAFF_TWO_STEP = True
    staff_client.post(PROVE, {"code": code_of(row)})
    pass_time(timedelta(seconds=30))
    staff_client.post(OWN, {"code": code_of(row), "turn-off": "1"})
    is_kept = two_step.of(staff)
    settings.STAFF_TWO_STEP = False
    pass_time(timedelta(seconds=30))

    staff_client.post(OWN, {"code": code_of(row), "turn-off": "1"})

    assert is_kept
    assert two_step.of(staff) is None
    assert kinds()[-1] == "two_step_removed"


def test_who_sets_it_up_in_one_browser_is_asked_in_the_other(staff_client, protected):
    row, _ = protected
    staff_client.post(PROVE, {"code": code_of(row)})
    two_step.remove(row.user)
    anew = two_step.begin(row.user)
    two_step.confirm(anew, code_of(anew))

    landed = staff_client.get("/admin/", follow=True)

    assert landed.redirect_chain[-1][0].startswith(PROVE)


@pytest.mark.parametrize("page", [PROVE, OWN])
def test_others_find_no_page_to_prove_anything_on(client, page):
    client.force_login(make_account(), backend=BACKEND)

    assert client.get(page)["Location"] == LOGIN
    assert client.post(page, {"code": "000000"})["Location"] == LOGIN


def test_a_command_resets_it_and_may_run_twice(staff, protected, capsys):
    for _ in range(2):
        call_command("reset_two_step", "STAFF@selene.test")

    assert capsys.readouterr().out.splitlines() == [
        "two-step login of staff@selene.test removed",
        "staff@selene.test has no two-step login",
    ]
    assert two_step.of(staff) is None
    assert kinds()[-1] == "two_step_removed"


def test_the_command_says_when_there_is_no_such_account():
    with pytest.raises(CommandError, match="no account has the address nobody@selene.test"):
        call_command("reset_two_step", "nobody@selene.test")


def test_a_superuser_resets_it_for_another(staff_client, staff, pass_time):
    other = make_account("other@selene.test", None, is_staff=True)
    two_step.confirm((begun := two_step.begin(other)), code_of(begun))
    page = f"/admin/accounts/account/{other.pk}"

    shown = staff_client.get(f"{page}/change/").content.decode()
    staff_client.post(f"{page}/reset_two_step/")

    assert f"{page}/reset_two_step/" in shown
    assert two_step.of(other) is None
    assert LogEntry.objects.get().additional_data == {"did": "reset two step"}


def test_nobody_else_resets_it(client):
    helper = make_account("helper@selene.test", None, is_staff=True)
    helper.user_permissions.set(Permission.objects.filter(codename__endswith="_account"))
    two_step.confirm((begun := two_step.begin(helper)), code_of(begun))
    client.force_login(helper, backend=BACKEND)
    TwoStep.objects.update(last_step=-1)
    client.post(PROVE, {"code": code_of(begun)})

    answer = client.post(f"/admin/accounts/account/{helper.pk}/reset_two_step/")

    assert "Only superusers can." in answer.content.decode()
    assert two_step.of(helper)
