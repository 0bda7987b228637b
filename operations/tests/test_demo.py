import pytest
from django.core.management import CommandError, call_command

from accounts.models import Account, AccountActivity
from accounts.tests.factories import make_account
from accounts.tests.threads import at_once
from devices.models import Device
from devices.tests.factories import make_voice, make_wake_word
from geography.tests.factories import make_city
from market.models import DeviceSkill
from market.tests.factories import make_catalogue_entry
from operations import demo, figures
from operations.demo import ACCOUNT, DEVICE, Made, key
from operations.models import ApiCallDay

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def _small_world(monkeypatch):
    make_voice()
    make_wake_word()
    make_city()
    for number in range(3):
        make_catalogue_entry(f"skill-{number}|21.02")
    monkeypatch.setattr(demo, "SKILLED", 5)


def test_accounts_and_devices_are_made_up(capsys):
    call_command("seed_demo", "--accounts", "4", "--devices", "20")

    assert capsys.readouterr().out == "added 4 accounts, 20 devices and 12 skills on them\n"
    assert Account.objects.get(pk=key(ACCOUNT, 3)).email == "person3@demo.example"
    assert not Account.objects.first().has_usable_password()
    device = Device.objects.get(pk=key(DEVICE, 19))
    assert device.account.email.endswith("@demo.example")
    assert (device.city.name, device.timezone.name) == ("Kansas City", "America/Chicago")
    assert DeviceSkill.objects.filter(settings__units="metric").count() == 12
    assert figures.fleet().total == 20


def test_the_days_before_have_figures():
    demo.seed(100, 300)

    today = AccountActivity.objects.first().day
    assert len(figures.accounts(today.replace(year=today.year - 1), today)) >= 365
    assert figures.memberships(today).accounts == 100
    assert ApiCallDay.objects.filter(route="v1/device/code").exists()
    assert len(figures.fleet_days(today.replace(year=today.year - 1), today)) == 91


def test_a_second_run_adds_what_is_missing():
    demo.seed(4, 20)
    Device.objects.filter(pk=key(DEVICE, 7)).delete()

    again = demo.seed(4, 20)
    more = demo.seed(6, 25)

    assert again == Made(0, 1, 3)
    assert more == Made(2, 5, 3)
    assert (Account.objects.count(), Device.objects.count()) == (6, 25)


@pytest.mark.django_db(transaction=True)
def test_two_runs_at_once_make_no_device_twice():
    def seed():
        try:
            return demo.seed(3, 10)
        except Exception as error:  # the other was quicker
            return type(error).__name__

    outcomes = at_once(seed, seed)

    assert Device.objects.count() == 10
    assert any(isinstance(outcome, Made) for outcome in outcomes)


def test_people_s_accounts_are_not_mixed_with_made_up_ones():
    make_account()

    with pytest.raises(CommandError, match="the database has accounts of people"):
        call_command("seed_demo", "--accounts", "1", "--devices", "1")

    assert Device.objects.count() == 0
    call_command("seed_demo", "--accounts", "1", "--devices", "1", "--force")
    assert Device.objects.count() == 1


def test_an_owner_is_no_real_account():
    Account.objects.create_superuser("owner@example.com", "a password of the owner")

    assert demo.seed(1, 1).devices == 1


def test_no_accounts_means_no_devices():
    assert demo.seed(0, 5) == Made(0, 0, 0)


def test_a_negative_number_is_told():
    with pytest.raises(CommandError, match="must not be negative"):
        call_command("seed_demo", "--devices", "-1")


def test_a_run_that_is_cut_off_is_continued_by_the_next(monkeypatch):
    monkeypatch.setattr("operations.bulk.BATCH", 5)
    demo.seed(4, 0)

    def cut_off(step, share):
        if step == "devices" and share >= 0.5:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        demo.seed(4, 20, tell=cut_off)
    there = Device.objects.count()

    rest = demo.seed(4, 20)

    assert 0 < there < 20
    assert rest.devices == 20 - there
    assert Device.objects.count() == 20
