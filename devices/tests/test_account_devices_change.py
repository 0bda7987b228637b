import pytest

from accounts.tests.factories import make_account
from accounts.tests.threads import at_once
from devices import editing, pairing
from devices.models import Device, PantacorConfig
from devices.tests.factories import make_device, make_voice, make_wake_word

MOVE = {
    "country": "United States",
    "region": "Missouri",
    "city": "Kansas City",
    "timezone": "America/Chicago",
}
CHANGE = {"name": "Probe One B", "voice": "Google Free Voice", "wakeWord": "Hey Jarvis"}
SSH_KEY = f"ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAI{'A' * 43} me@host"
RECORDED = CHANGE | MOVE | {"placement": "Bedroom"}

pytestmark = pytest.mark.usefixtures("shipped")


@pytest.fixture
def device(account, san_francisco):
    """A device that stands in San Francisco."""
    return make_device(
        account,
        name="Probe One",
        placement="Kitchen",
        city=san_francisco,
        timezone=san_francisco.timezone,
    )


def row(device):
    """Return the row as the database has it, less what every change raises."""
    values = Device.objects.values().get(pk=device.pk)
    del values["version"]
    return values


def test_a_device_is_changed_as_its_owner_says(account_client, device, kansas_city):
    response = account_client.patch(f"/api/devices/{device.pk}", RECORDED)

    assert (response.status_code, response.content) == (204, b"")
    device.refresh_from_db()
    assert (device.name, device.placement) == ("Probe One B", "Bedroom")
    assert (device.city, device.timezone) == (kansas_city, kansas_city.timezone)
    assert device.voice.display_name == "Google Free Voice"
    assert device.wake_word.name == "hey jarvis"


@pytest.mark.parametrize(
    "place", [{}, {"country": None}, dict.fromkeys(MOVE), dict.fromkeys(MOVE, "")]
)
def test_place_and_placement_stay_where_they_are_not_sent(account_client, device, place):
    before = row(device)

    response = account_client.patch(f"/api/devices/{device.pk}", CHANGE | place)

    assert response.status_code == 204
    after = row(device)
    assert after["name"] == "Probe One B"
    unchanged = ("city_id", "timezone_id", "placement")
    assert [after[name] for name in unchanged] == [before[name] for name in unchanged]


@pytest.mark.parametrize("placement", [None, ""])
def test_a_placement_can_be_cleared(account_client, device, placement):
    account_client.patch(f"/api/devices/{device.pk}", CHANGE | {"placement": placement})

    assert row(device)["placement"] == ""


def test_name_voice_and_wake_word_are_required(account_client, device):
    response = account_client.patch(f"/api/devices/{device.pk}", {"placement": "x"})

    assert response.status_code == 400
    required = ["This field is required."]
    assert response.json() == {"name": required, "voice": required, "wakeWord": required}


@pytest.mark.usefixtures("kansas_city")
@pytest.mark.parametrize(
    ("change", "reasons"),
    [
        ({"city": None}, {"city": ["This field is required."]}),
        ({"region": "California"}, {"city": ["city not found in this region"]}),
        ({"voice": "Donald Duck"}, {"voice": ["voice not found"]}),
        ({"wakeWord": 7}, {"wakeWord": ["wake word not found"]}),
        ({"name": None}, {"name": ["This field may not be null."]}),
        ({"autoUpdate": []}, {"autoUpdate": ["Must be a valid boolean."]}),
        ({"sshPublicKey": "a key"}, {"sshPublicKey": ["not an OpenSSH public key"]}),
        (
            {"sshPublicKey": f"{SSH_KEY}\n{SSH_KEY}"},
            {"sshPublicKey": ["not an OpenSSH public key"]},
        ),
    ],
)
def test_what_is_wrong_is_named_and_nothing_changes(account_client, device, change, reasons):
    before = row(device)

    response = account_client.patch(f"/api/devices/{device.pk}", RECORDED | change)

    assert response.status_code == 400
    assert response.json() == reasons
    assert row(device) == before


def test_a_name_another_device_of_the_account_has_is_refused(account_client, account, device):
    make_device(account, name="Probe One B")
    before = row(device)

    response = account_client.patch(f"/api/devices/{device.pk}", CHANGE)

    assert response.status_code == 400
    assert response.json() == {"name": ["you have a device of this name"]}
    assert row(device) == before


@pytest.mark.parametrize("body", [CHANGE, {}])
def test_someone_else_s_device_is_not_found(account_client, body):
    other = make_device()
    before = row(other)

    response = account_client.patch(f"/api/devices/{other.pk}", body)

    assert (response.status_code, response.json()) == (404, {"error": "device not found"})
    assert row(other) == before


def test_changing_a_device_needs_a_login(api, device):
    before = row(device)

    response = api.patch(f"/api/devices/{device.pk}", CHANGE)

    assert response.status_code == 401
    assert list(response.json()) == ["error"]
    assert row(device) == before


@pytest.mark.usefixtures("kansas_city")
@pytest.mark.parametrize("resource", ["", "/setting", "/location"])
def test_a_change_reaches_the_device_on_its_next_poll(
    account_client, device, device_client, resource
):
    path = f"/v1/device/{device.pk}{resource}"
    before = device_client.get(path)
    known = {"If-None-Match": before["ETag"].strip('"')}
    assert device_client.get(path, headers=known).status_code == 304

    account_client.patch(f"/api/devices/{device.pk}", RECORDED)

    after = device_client.get(path, headers=known)
    assert after.status_code == 200
    assert after.json() != before.json()


def test_a_change_that_changes_nothing_leaves_the_version(account_client, device):
    same = {"name": "Probe One", "voice": "British Male", "wakeWord": "Hey Mycroft"}

    response = account_client.patch(f"/api/devices/{device.pk}", same)

    assert response.status_code == 204
    assert Device.objects.get().version == device.version


def test_a_device_keeps_the_engine_of_its_wake_word(account_client, account):
    wake_word = make_wake_word("hey mycroft", "pocketsphinx")
    device = make_device(account, wake_word=wake_word)

    account_client.patch(f"/api/devices/{device.pk}", CHANGE | {"wakeWord": "Hey Mycroft"})

    device.refresh_from_db()
    assert device.wake_word == wake_word


@pytest.mark.parametrize(
    "wish",
    [
        {"autoUpdate": False},
        {"sshPublicKey": SSH_KEY},
        {"releaseChannel": "myc200_lts"},
        {"releaseChannel": "Beta QA"},
    ],
)
def test_pantacor_settings_do_not_change_without_pantacor(account_client, device, wish):
    PantacorConfig.objects.create(device=device, pantacor_id="5f1")
    before = row(device)

    response = account_client.patch(f"/api/devices/{device.pk}", CHANGE | wish)

    assert response.status_code == 503
    assert response.json() == {"error": "PANTACOR_API_TOKEN is not set"}
    assert row(device) == before


@pytest.mark.parametrize(
    "wish",
    [
        {"autoUpdate": True, "sshPublicKey": "", "releaseChannel": "Stable"},
        {"autoUpdate": None, "sshPublicKey": None, "releaseChannel": None},
        {"releaseChannel": "myc200_stable"},
        {"releaseChannel": ""},
    ],
)
def test_a_pantacor_device_changes_where_pantacor_need_not_be_told(account_client, device, wish):
    PantacorConfig.objects.create(device=device, pantacor_id="5f1")

    response = account_client.patch(f"/api/devices/{device.pk}", CHANGE | wish)

    assert response.status_code == 204
    assert row(device)["name"] == "Probe One B"


def test_a_device_removed_meanwhile_is_not_changed(device):
    Device.objects.all().delete()

    with pytest.raises(Device.DoesNotExist):
        editing.change(device, name="Probe One B")


@pytest.mark.django_db(transaction=True)
def test_of_two_devices_given_one_name_at_once_one_gets_it():
    account = make_account()
    devices = [make_device(account) for _ in range(2)]

    def rename(device):
        try:
            editing.change(device, name="Kitchen")
        except pairing.NameTaken:
            return False
        return True

    results = at_once(lambda: rename(devices[0]), lambda: rename(devices[1]))

    assert sorted(results) == [False, True]
    assert account.devices.filter(name="Kitchen").count() == 1


@pytest.mark.django_db(transaction=True)
def test_two_changes_at_once_are_both_kept():
    device, voice = make_device(), make_voice("Google Free Voice")

    at_once(
        lambda: editing.change(device, name="Kitchen"),
        lambda: editing.change(device, voice=voice),
    )

    device.refresh_from_db()
    assert (device.name, device.voice, device.version) == ("Kitchen", voice, 3)
