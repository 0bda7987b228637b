"""Pairing a device from the back office, as a household does without another page."""

import pytest

from accounts.models import Account
from accounts.tests.pages import shown_form
from devices import pairing
from devices.models import AccountDefaults, Device
from devices.tests.factories import make_device, make_voice, make_wake_word

PATH = "/admin/devices/device/add/"


@pytest.fixture
def owner(db):
    return Account.objects.create_superuser("owner@selene.test", "secret")


@pytest.fixture
def staff(client, owner):
    client.force_login(owner)
    return client


@pytest.fixture
def shown(db):
    """What a device holds that shows a code."""
    session, token = pairing.issue_code("9f0c")
    return {"code": session.code, "token": token}


@pytest.fixture
def form(owner, shown):
    return {
        "code": f" {shown['code'][:3].lower()} {shown['code'][3:]} ",
        "account": str(owner.pk),
        "name": "Kitchen",
        "placement": "Shelf",
        "wake_word": str(make_wake_word().pk),
        "voice": str(make_voice().pk),
        "city": "",
    }


def test_staff_pair_a_device_by_its_code(staff, owner, api, shown, form, kansas_city):
    response = staff.post(PATH, form | {"city": str(kansas_city.pk)})

    assert response.status_code == 302
    device = Device.objects.get()
    assert (device.account, device.name, device.placement) == (owner, "Kitchen", "Shelf")
    assert (device.city, device.timezone) == (kansas_city, kansas_city.timezone)
    activation = api.post("/v1/device/activate", {"token": shown["token"], "state": "9f0c"})
    assert activation.json()["uuid"] == str(device.pk)


def test_the_page_offers_the_account_of_who_looks_at_it(staff, owner):
    page = staff.get(PATH)

    assert page.status_code == 200
    assert page.context["adminform"].form["account"].value() == owner.pk
    assert "code" in page.context["adminform"].form.fields


@pytest.mark.parametrize("wrong", [{"code": "000000"}, {"code": ""}, {"name": ""}, {"voice": ""}])
def test_a_form_that_is_wrong_pairs_nothing_and_says_why(staff, form, wrong):
    page = staff.post(PATH, form | wrong)

    assert page.status_code == 200
    assert list(page.context["adminform"].form.errors) == list(wrong)
    assert not Device.objects.exists()


def test_a_name_that_the_account_has_used_pairs_nothing(staff, owner, form):
    make_device(owner, name="Kitchen")

    page = staff.post(PATH, form)

    assert page.status_code == 200
    assert page.context["adminform"].form.errors
    assert Device.objects.count() == 1


def test_a_limit_that_is_reached_is_told(staff, owner, form, settings):
    settings.MAX_DEVICES = 0

    page = staff.post(PATH, form, follow=True)

    assert "an account can have 0 devices" in page.content.decode()
    assert not Device.objects.exists()


def test_the_page_of_a_paired_device_has_no_code(staff, owner):
    device = make_device(owner)

    page = staff.get(f"/admin/devices/device/{device.pk}/change/")

    assert page.status_code == 200
    assert "code" not in page.context["adminform"].form.fields


def test_what_an_account_starts_devices_with_is_filled_in(staff, account):
    voice, word = make_voice("Other", "mimic2", "x"), make_wake_word("hey ezra")
    AccountDefaults.objects.create(account=account, voice=voice, wake_word=word)

    form = shown_form(staff.get(f"/admin/devices/device/add/?account={account.pk}"))

    filled = [form[name] for name in ("account", "voice", "wake_word")]
    assert filled == [[str(row.pk)] for row in (account, voice, word)]
    assert staff.get("/admin/devices/device/add/?account=abc").status_code == 404
