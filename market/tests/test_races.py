"""Writers that meet."""

from functools import partial

import pytest

from accounts import deletion
from accounts.tests.factories import make_account
from accounts.tests.threads import at_once
from devices import editing
from devices.models import Device
from devices.tests.factories import make_device
from market import (
    catalogue,
    legacy_settings,
    manifest,
    registry,
    settings_definitions,
    skill_settings,
)
from market.models import DeviceSkill, SettingsDefinition, Skill
from market.tests.factories import gids, install, meta, text, version_of

pytestmark = pytest.mark.django_db(transaction=True)


def entries(*skill_gids):
    return [manifest.Entry(gid) for gid in skill_gids]


def on(device):
    return set(device.skills.values_list("skill__skill_gid", flat=True))


def test_of_two_manifests_at_once_one_is_stored_whole():
    device = make_device()
    manifests = [entries("a|1", "b|1", "c|1"), entries("c|1", "d|1")]

    at_once(*(partial(manifest.store, device, each) for each in manifests * 2))

    assert on(device) in ({"a|1", "b|1", "c|1"}, {"c|1", "d|1"})
    assert gids() == on(device)


def test_many_devices_that_bring_the_same_new_skills_share_them():
    devices = [make_device() for _ in range(6)]
    new = [f"{number}|1" for number in range(40)]

    at_once(*(partial(manifest.store, each, entries(*new)) for each in devices))

    assert Skill.objects.count() == 40
    assert {DeviceSkill.objects.filter(device=each).count() for each in devices} == {40}


def test_thirty_definitions_of_a_device_at_once_are_all_stored():
    device = make_device()
    skill_gids = [f"{number}|1" for number in range(30)]
    manifest.store(device, entries(*skill_gids))

    at_once(
        *(
            partial(settings_definitions.store, device, gid, meta(gid, text("user", gid)))
            for gid in skill_gids
        )
    )

    assert skill_settings.of_device(device).by_skill == {gid: {"user": gid} for gid in skill_gids}


def test_one_definition_from_many_devices_at_once_is_stored_once():
    devices = [make_device() for _ in range(6)]
    sent = meta("a|1", text("user"))

    at_once(*(partial(settings_definitions.store, each, "a|1", sent) for each in devices))

    assert SettingsDefinition.objects.count() == 1
    assert DeviceSkill.objects.filter(settings__user="anon").count() == 6


def test_a_device_that_repeats_itself_at_once_is_heard_once():
    device = make_device()
    sent = meta("a|1", text("user"))
    before = version_of(device)

    at_once(*(partial(settings_definitions.store, device, "a|1", sent) for _ in range(4)))
    at_once(*(partial(manifest.store, device, entries("a|1", "b|1")) for _ in range(4)))

    assert version_of(device) == before + 2


def test_a_manifest_and_definitions_at_once_lose_neither():
    device = make_device()
    skill_gids = [f"{number}|1" for number in range(5)]

    at_once(
        partial(manifest.store, device, entries(*skill_gids)),
        *(
            partial(settings_definitions.store, device, gid, meta(gid, text("user")))
            for gid in skill_gids
        ),
    )

    assert skill_settings.of_device(device).by_skill == {
        gid: {"user": "anon"} for gid in skill_gids
    }
    assert {entry.skill_gid for entry in manifest.read(device)} == set(skill_gids)


def test_an_owner_s_change_survives_a_manifest_at_the_same_moment():
    device = make_device(name="Kitchen")
    install(device, "a|1", text("user"))
    before = version_of(device)
    edit = skill_settings.Settings({"user": "zoë"}, ["Kitchen"])

    at_once(
        partial(skill_settings.change, device.account, "a", [edit], []),
        partial(manifest.store, device, entries("a|1", "b|1")),
    )

    assert skill_settings.of_device(device).by_skill == {"a|1": {"user": "zoë"}, "b|1": None}
    assert version_of(device) == before + 2


def test_an_owner_s_change_and_a_new_definition_at_once_lose_neither():
    device = make_device(name="Kitchen")
    install(device, "a|1", text("user"))
    edit = skill_settings.Settings({"user": "zoë"}, ["Kitchen"])

    at_once(
        partial(skill_settings.change, device.account, "a", [edit], []),
        partial(settings_definitions.store, device, "a|1", meta("a|1", text("user"), text("new"))),
    )

    assert skill_settings.of_device(device).by_skill == {"a|1": {"user": "zoë", "new": "anon"}}


def test_two_owners_pages_that_change_different_settings_lose_neither():
    device = make_device(name="Kitchen")
    install(device, "a|1", text("one"), text("two"))
    edits = [skill_settings.Settings({name: "zoë"}, ["Kitchen"]) for name in ("one", "two")]

    at_once(*(partial(skill_settings.change, device.account, "a", [each], []) for each in edits))

    assert skill_settings.of_device(device).by_skill == {"a|1": {"one": "zoë", "two": "zoë"}}


def test_devices_of_one_account_that_send_values_at_once_do_not_lock_each_other_out():
    account = make_account()
    devices = [make_device(account) for _ in range(4)]
    for each in devices:
        install(each, "a|1", text("user"))

    at_once(
        *(
            partial(legacy_settings.store, each, "a|1", meta("a|1", text("user", each.name)))
            for each in devices
        )
    )

    chosen = {skill_settings.of_device(each).by_skill["a|1"]["user"] for each in devices}
    assert len(chosen) == 1
    assert chosen <= {each.name for each in devices}


def test_of_two_last_users_the_second_takes_the_skill_along():
    devices = [make_device() for _ in range(2)]
    skill_gids = [f"{number}|1" for number in range(10)]
    for each in devices:
        for gid in skill_gids[:3]:
            install(each, gid, text("user"))
        manifest.store(each, entries(*skill_gids))

    at_once(*(partial(manifest.store, each, []) for each in devices))

    assert gids() == set()
    assert SettingsDefinition.objects.count() == 0


@pytest.mark.parametrize("turn", range(5))
def test_a_skill_that_one_drops_while_another_takes_it_up_is_there_for_the_other(turn):
    leaving, coming = make_device(), make_device()
    install(leaving, "a|1", text("user"))
    sent = meta("a|1", text("user"))

    at_once(
        partial(manifest.store, leaving, []),
        partial(settings_definitions.store, coming, "a|1", sent),
        partial(manifest.store, coming, entries("a|1", "b|1")),
    )

    assert skill_settings.of_device(coming).by_skill == {"a|1": {"user": "anon"}, "b|1": None}
    assert gids() == {"a|1", "b|1"}


@pytest.mark.parametrize("turn", range(3))
def test_clearing_away_meets_devices_that_begin(turn):
    devices = [make_device() for _ in range(3)]
    registry.register([f"{number}|1" for number in range(20)])
    new = entries(*(f"{number}|1" for number in range(20)))

    at_once(registry.purge_unused, *(partial(manifest.store, each, new) for each in devices))

    assert {DeviceSkill.objects.filter(device=each).count() for each in devices} == {20}


def test_two_loads_of_a_catalogue_at_once_are_one():
    metadata = {str(number): {"skill_gid": f"{number}|1"} for number in range(30)}

    at_once(*(partial(catalogue.load, "21.02", metadata) for _ in range(3)))

    assert Skill.objects.filter(catalogue_entries__core_version="21.02").count() == 30


@pytest.mark.parametrize("turn", range(5))
@pytest.mark.parametrize("what", ["device", "account"])
def test_a_device_removed_while_it_sends_leaves_nothing(what, turn):
    device = make_device()
    remove = {
        "device": partial(editing.remove, Device.objects.filter(pk=device.pk)),
        "account": partial(deletion.delete, device.account),
    }

    at_once(
        partial(manifest.store, device, entries("a|1")),
        partial(settings_definitions.store, device, "b|1", meta("b|1", text("user"))),
        remove[what],
    )

    assert Device.objects.count() == 0
    assert DeviceSkill.objects.count() == 0
