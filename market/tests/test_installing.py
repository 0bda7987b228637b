"""PUT /api/skills/install and GET /api/skills/status: from a click to a device's manifest."""

import uuid
from datetime import timedelta
from functools import partial

import pytest

from accounts.tests.factories import make_account
from accounts.tests.threads import at_once
from conftest import sign_in
from devices.tests.factories import make_device
from market import installing, manifest, settings_definitions, skill_settings
from market.models import InstallRequest, Request, Skill
from market.tests.factories import (
    entry,
    install,
    make_catalogue_entry,
    manifest_of,
    meta,
    text,
    version_of,
)

INSTALLER = "mycroft-installer|21.02"
NO_INSTALLER = {
    "error": "none of your devices has the Installer skill: skills can be installed from here as "
    "soon as a device that has it is paired and switched on"
}
NOTHING = {"installStatuses": {}, "failureReasons": {}}


def definition(**parts):
    """Return the installer's definition as its 21.02 sends it."""
    hidden = {"type": "disabled-text-field", "hide": "true"}
    lists = [text(name, "[]", **hidden) for name in ("to_install", "to_remove")]
    return meta(INSTALLER, text("installer_link", ""), *lists, display_name="Installer", **parts)


def give_installer(device):
    install(device, INSTALLER)
    settings_definitions.store(device, INSTALLER, definition())
    return device


def lists(device):
    values = skill_settings.of_device(device).by_skill[INSTALLER]
    return {name: values[name] for name in ("to_install", "to_remove")}


def names(*skills):
    return [{"name": skill} for skill in skills]


@pytest.fixture
def device(account):
    return give_installer(make_device(account))


@pytest.fixture
def timer(db):
    return make_catalogue_entry("timer|21.02", display_name="Timer")


@pytest.fixture
def click(account_client):
    """Return a function that sends what Selene UI sends for a click."""

    def click(entry, section="to_install", client=account_client):
        key = "skillDisplayId" if section == "to_install" else "skill_name"
        body = {"section": section, key: str(entry.pk)}
        return client.put("/api/skills/install", body)

    return click


@pytest.fixture
def state(account_client):
    """Return a function that says how a skill of the marketplace is shown."""

    def state(entry):
        response = account_client.get("/api/skills/status")
        assert response.status_code == 200
        return response.json()["installStatuses"].get(str(entry.pk))

    return state


def test_from_a_click_to_the_manifest_and_back(device, device_client, timer, click, state):
    polled = f"/v1/device/{device.pk}/skill/settings"
    before = device_client.get(polled)
    on_device = [entry(INSTALLER), entry("timer|21.02", origin="marketplace")]

    clicked = click(timer)
    while_it_waits = state(timer)
    after = device_client.get(polled, headers={"If-None-Match": before.headers["ETag"]})
    under_way = manifest_of(on_device[0], on_device[1] | {"installation": "installing"})
    device_client.put(f"/v1/device/{device.pk}/skillJson", under_way)
    while_it_comes = state(timer)
    device_client.put(f"/v1/device/{device.pk}/skillJson", manifest_of(*on_device))

    assert (clicked.status_code, clicked.content) == (204, b"")
    assert after.status_code == 200
    assert after.json()[INSTALLER] == {
        "installer_link": "",
        "to_install": [{"name": "timer"}],
        "to_remove": [],
    }
    assert [while_it_waits, while_it_comes] == ["installing", "installing"]
    assert state(timer) == "installed"
    assert lists(device) == {"to_install": [], "to_remove": []}


def test_from_the_click_that_removes_to_the_manifest(device, device_client, timer, click, state):
    install(device, "timer|21.02")
    before = state(timer)

    clicked = click(timer, "to_remove")
    while_it_waits, asked = state(timer), lists(device)
    device_client.put(f"/v1/device/{device.pk}/skillJson", manifest_of(entry(INSTALLER)))

    assert (clicked.status_code, clicked.content) == (204, b"")
    assert asked == {"to_install": [], "to_remove": names("timer")}
    assert (before, while_it_waits, state(timer)) == ("installed", "uninstalling", None)
    assert lists(device) == {"to_install": [], "to_remove": []}


def test_a_failure_is_shown_with_its_reason_and_not_tried_again(
    device, device_client, account_client, timer, click
):
    click(timer)
    failed = entry("timer|21.02", installation="failed", failure_message="pip error")
    device_client.put(f"/v1/device/{device.pk}/skillJson", manifest_of(entry(INSTALLER), failed))
    installer, skill = (Skill.objects.get(skill_gid=gid).pk for gid in (INSTALLER, "timer|21.02"))

    response = account_client.get("/api/skills/status")

    assert response.json() == {
        "installStatuses": {
            str(installer): "installed",
            str(skill): "failed",
            str(timer.pk): "failed",
        },
        "failureReasons": {str(skill): "pip error", str(timer.pk): "pip error"},
    }
    assert lists(device) == {"to_install": [], "to_remove": []}


def test_every_device_with_the_installer_is_asked(device, timer, click):
    other = give_installer(make_device(device.account))
    without = make_device(device.account)
    strangers = give_installer(make_device())
    before = {each: version_of(each) for each in (device, other, without, strangers)}

    click(timer)

    assert lists(device) == lists(other) == {"to_install": names("timer"), "to_remove": []}
    assert lists(strangers) == {"to_install": [], "to_remove": []}
    assert {each for each in before if version_of(each) != before[each]} == {device, other}


def test_what_is_asked_twice_is_on_the_list_once(device, timer, click):
    click(timer)
    before = version_of(device)

    response = click(timer)

    assert response.status_code == 204
    assert lists(device) == {"to_install": names("timer"), "to_remove": []}
    assert version_of(device) == before


def test_a_change_of_mind_moves_the_skill_to_the_other_list(device, timer, click, state):
    other = make_catalogue_entry("weather|21.02")
    click(other)
    click(timer)

    click(timer, "to_remove")
    removing, removed = lists(device), state(timer)
    click(timer)

    assert removing == {"to_install": names("weather"), "to_remove": names("timer")}
    assert removed == "uninstalling"
    assert lists(device) == {"to_install": names("weather", "timer"), "to_remove": []}
    assert state(timer) == "installing"


@pytest.mark.parametrize("key", ["skillDisplayId", "skill_name"])
@pytest.mark.parametrize("section", ["to_install", "to_remove"])
def test_the_market_id_may_come_under_either_name(account_client, device, timer, section, key):
    other = "skill_name" if key == "skillDisplayId" else "skillDisplayId"
    body = {"section": section, key: str(timer.pk), other: None}

    response = account_client.put("/api/skills/install", body)

    assert response.status_code == 204
    assert lists(device)[section] == names("timer")


def test_without_an_installer_a_person_is_told_what_to_do(account_client, account, timer, click):
    make_device(account)

    response = click(timer)

    assert response.status_code == 400
    assert response.json() == NO_INSTALLER
    assert account_client.get("/api/skills/status").json() == NOTHING


def test_an_installer_whose_definition_is_still_to_come_is_asked_too(account, timer, click):
    device = make_device(account)
    install(device, INSTALLER)
    click(timer)
    settings_definitions.store(device, INSTALLER, definition())

    assert skill_settings.of_device(device).by_skill[INSTALLER] == {
        "installer_link": "",
        "to_install": names("timer"),
        "to_remove": [],
    }


def test_an_installer_is_known_by_the_name_it_shows(account, timer, click):
    device = make_device(account)
    fields = [text("to_install", "[]"), text("to_remove", "[]")]
    install(device, "my-own|1")
    settings_definitions.store(
        device, "my-own|1", meta("my-own|1", *fields, display_name="Installer")
    )

    response = click(timer)

    assert response.status_code == 204
    assert skill_settings.of_device(device).by_skill["my-own|1"]["to_install"] == names("timer")


@pytest.mark.parametrize("odd", ["[", "x", 5, {"a": 1}, [["a"], 5, None, {"a": 1}], None])
def test_a_list_that_is_none_is_begun_anew(device, timer, click, odd):
    row = device.skills.get(skill__skill_gid=INSTALLER)
    row.settings |= {"to_install": odd}
    row.save(update_fields=["settings"])

    response = click(timer)

    assert response.status_code == 204
    assert lists(device) == {"to_install": names("timer"), "to_remove": []}


def test_a_list_of_json_text_is_read(device, timer, click):
    row = device.skills.get(skill__skill_gid=INSTALLER)
    row.settings |= {"to_install": '[{"name": "weather"}, "news"]'}
    row.save(update_fields=["settings"])

    click(timer)

    assert lists(device)["to_install"] == names("weather", "news", "timer")


def test_a_full_list_is_refused_with_a_reason(device, timer, click):
    row = device.skills.get(skill__skill_gid=INSTALLER)
    row.settings |= {"to_install": names(*(f"{number:0300}" for number in range(210)))}
    row.save(update_fields=["settings"])

    response = click(timer)

    assert response.status_code == 400
    assert list(response.json()) == ["error"]
    assert not InstallRequest.objects.exists()


@pytest.mark.parametrize(
    ("body", "errors"),
    [
        ({}, {"section": ["This field is required."]}),
        (
            {"section": "to_install"},
            {"skillDisplayId": ["This field is required."]},
        ),
        (
            {"section": "to_install", "skillDisplayId": None},
            {"skillDisplayId": ["This field is required."]},
        ),
        (
            {"section": "to_buy", "skillDisplayId": str(uuid.UUID(int=1))},
            {"section": ['"to_buy" is not a valid choice.']},
        ),
        (
            {"section": ["to_install"], "skillDisplayId": "timer"},
            {
                "section": ["\"['to_install']\" is not a valid choice."],
                "skillDisplayId": ["Must be a valid UUID."],
            },
        ),
        (
            {"section": "to_remove", "skill_name": {"a": 1}},
            {"skill_name": ["Must be a valid UUID."]},
        ),
        (
            {"section": "to_install", "skillDisplayId": str(uuid.UUID(int=1))},
            {"skillDisplayId": ["skill not found"]},
        ),
        (
            {"section": "to_remove", "skill_name": str(uuid.UUID(int=1))},
            {"skill_name": ["skill not found"]},
        ),
        ([], {"error": "Invalid data. Expected a dictionary, but got list."}),
    ],
)
def test_what_makes_no_sense_is_refused_by_field(account_client, device, body, errors):
    before = version_of(device)

    response = account_client.put("/api/skills/install", body)

    assert response.status_code == 400
    assert response.json() == errors
    assert version_of(device) == before


def test_nobody_installs_without_a_login(api, device, timer, click):
    response = click(timer, client=api)

    assert response.status_code == 401
    assert response.json() == {"error": "no authentication tokens found"}
    assert lists(device) == {"to_install": [], "to_remove": []}


def test_nobody_installs_on_another_s_device(device, timer, click):
    stranger = make_account()

    response = click(timer, client=sign_in(stranger))

    assert response.status_code == 400
    assert response.json() == NO_INSTALLER
    assert lists(device) == {"to_install": [], "to_remove": []}


@pytest.mark.parametrize("cookie", [None, "worthless"])
def test_whoever_is_not_logged_in_has_no_status(api, device, cookie):
    if cookie:
        api.cookies["seleneAccess"] = cookie

    response = api.get("/api/skills/status")

    assert (response.status_code, response.content) == (204, b"")


def test_an_account_without_devices_has_an_empty_status(account_client):
    response = account_client.get("/api/skills/status")

    assert response.status_code == 200
    assert response.json() == NOTHING


@pytest.mark.parametrize(
    ("on_devices", "shown"),
    [
        (["installed", "installed", "installed"], "installed"),
        (["installed", "uninstalling", "installed"], "uninstalling"),
        (["installed", "uninstalling", "installing"], "installing"),
        (["installing", "uninstalling", "failed"], "failed"),
    ],
)
def test_a_skill_is_shown_once_over_all_devices(account, account_client, timer, on_devices, shown):
    for number, installation in enumerate(on_devices):
        skill = manifest.Entry("timer|21.02", installation=installation, failure_message="why")
        manifest.store(make_device(account, name=str(number)), [skill])

    response = account_client.get("/api/skills/status")

    keys = [str(timer.skill_id), str(timer.pk)]
    assert response.json() == {
        "installStatuses": dict.fromkeys(keys, shown),
        "failureReasons": dict.fromkeys(keys, "why") if shown == "failed" else {},
    }


def test_a_skill_of_another_branch_is_the_same_in_the_marketplace(account, timer, state):
    manifest.store(make_device(account), [manifest.Entry("timer|20.08")])

    assert state(timer) == "installed"


def test_another_s_skills_are_not_in_the_status(account_client, device, timer, click):
    stranger = make_account()
    give_installer(make_device(stranger))
    click(timer, client=sign_in(stranger))

    response = account_client.get("/api/skills/status")

    assert str(timer.pk) not in response.json()["installStatuses"]


@pytest.mark.parametrize("count", [1, 3])
def test_the_status_costs_the_same_for_many(
    account, account_client, django_assert_num_queries, count
):
    for number in range(count):
        make_catalogue_entry(f"{number}|21.02")
        install(make_device(account), f"{number}|21.02")
    account_client.get("/api/skills/status")

    # The login, the skills on devices, what is asked for, the catalogue's revision
    with django_assert_num_queries(4):
        response = account_client.get("/api/skills/status")

    assert len(response.json()["installStatuses"]) == 2 * count


def test_what_no_device_tells_of_is_not_shown_for_ever(device, timer, click, pass_time):
    click(timer)

    pass_time(timedelta(days=1, minutes=1))

    assert "timer" not in installing.statuses(device.account)


def test_a_manifest_about_other_skills_settles_nothing(device, timer, click, state):
    click(timer)

    manifest.store(device, [manifest.Entry(INSTALLER), manifest.Entry("news|1")])

    assert state(timer) == "installing"
    assert lists(device) == {"to_install": names("timer"), "to_remove": []}


def test_one_device_s_word_is_enough_but_the_other_still_installs(device, timer, click, state):
    other = give_installer(make_device(device.account))
    click(timer)

    manifest.store(device, [manifest.Entry(INSTALLER), manifest.Entry("timer|21.02")])

    assert state(timer) == "installed"
    assert lists(device)["to_install"] == []
    assert lists(other)["to_install"] == names("timer")


def test_a_skill_installed_by_voice_is_not_removed_by_what_was_asked_before(device, timer, click):
    click(timer, "to_remove")

    by_voice = manifest.Entry("timer|21.02", origin="voice")
    manifest.store(device, [manifest.Entry(INSTALLER), by_voice])

    assert lists(device) == {"to_install": [], "to_remove": []}


def test_a_skill_that_just_came_is_still_removed_if_that_was_asked_last(device, timer, click):
    click(timer)
    click(timer, "to_remove")

    from_here = manifest.Entry("timer|21.02", origin="marketplace")
    manifest.store(device, [manifest.Entry(INSTALLER), from_here])

    assert lists(device) == {"to_install": [], "to_remove": names("timer")}


def test_a_skill_that_a_device_deletes_is_removed(device, device_client, timer, click, state):
    install(device, "timer|21.02")
    click(timer, "to_remove")

    device_client.delete(f"/v1/device/{device.pk}/skill/timer|21.02")

    assert state(timer) is None
    assert lists(device) == {"to_install": [], "to_remove": []}


@pytest.mark.django_db(transaction=True)
def test_clicks_at_once_all_land():
    account = make_account()
    devices = [give_installer(make_device(account)) for _ in range(2)]
    entries = [make_catalogue_entry(f"{number}|1", core_version="21.02") for number in range(4)]

    at_once(*(partial(installing.ask, account, each.pk, Request.INSTALL) for each in entries))

    for device in devices:
        assert sorted(each["name"] for each in lists(device)["to_install"]) == list("0123")
        assert lists(device)["to_remove"] == []
    assert InstallRequest.objects.count() == 4


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("turn", range(3))
def test_a_click_and_a_manifest_at_once_lose_neither(turn):
    account = make_account()
    device = give_installer(make_device(account))
    timer, news = (make_catalogue_entry(f"{name}|1") for name in ("timer", "news"))
    installing.ask(account, timer.pk, Request.INSTALL)
    there = [manifest.Entry(INSTALLER), manifest.Entry("timer|1")]

    at_once(
        partial(installing.ask, account, news.pk, Request.INSTALL),
        partial(manifest.store, device, there),
    )

    assert lists(device) == {"to_install": names("news"), "to_remove": []}
    assert list(InstallRequest.objects.values_list("family_name", flat=True)) == ["news"]
