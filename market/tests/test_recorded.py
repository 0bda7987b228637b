"""What was recorded of the first Selene, in its order; recorded.jsonl holds requests and answers.

Where the contract leaves the first Selene's behaviour, ``better`` says what is answered instead.
"""

import json
from pathlib import Path

import pytest
from rest_framework.test import APIClient

from accounts.tests.factories import make_account
from conftest import sign_in
from devices.tests.factories import make_device, make_token
from market import skill_settings

LINES = Path(__file__).with_name("recorded.jsonl").read_text().splitlines()
RECORDED = {recorded["name"]: recorded for recorded in map(json.loads, LINES)}
RUN = "r1"
CHOSEN = {"empty_list": [1, 2], "flag": False, "half": 1.5, "num": 7, "pick": "2", "user": "zoë"}


@pytest.fixture
def household(account):
    """Two devices of one account and one of another, as in the recordings."""
    return {
        "a1": make_device(account, name="Probe One"),
        "a2": make_device(account, name="Probe Two"),
        "b1": make_device(make_account()),
    }


@pytest.fixture
def tokens(household):
    return {name: make_token(device) for name, device in household.items()}


@pytest.fixture
def replay(account, household, tokens):
    """Return a function that repeats a recorded request and compares the answer."""
    names = {"<rid>": RUN}
    names |= {f"<dev_{name}>": str(device.pk) for name, device in household.items()}
    names |= {f"<at_{name}>": token for name, token in tokens.items()}

    def run(name, tag=None):
        text = json.dumps(RECORDED[name])
        for placeholder, value in names.items():
            text = text.replace(placeholder, value)
        recorded = json.loads(text)
        request, expected = recorded["request"], better(name, recorded["body"])
        client = sign_in(account) if "Cookie" in request["headers"] else APIClient()
        headers = {"If-None-Match": tag} if tag else {}
        if "Authorization" in request["headers"]:
            headers["Authorization"] = request["headers"]["Authorization"]
        response = client.generic(
            recorded["method"],
            recorded["path"],
            json.dumps(request["body"]) if "body" in request else b"",
            content_type="application/json",
            headers=headers,
        )
        assert response.status_code == recorded["status"]
        if recorded["status"] == 401:
            assert list(response.json()) == ["error"]
        elif expected == {"uuid": "<uuid>"}:
            assert list(response.json()) == ["uuid"]
        else:
            assert (response.json() if response.content else "") == expected
        return response

    return run


def better(name, body):
    """Return ``body`` as the contract wants it: 2.5 is no 0, and settings are never null."""
    if not name.startswith("account.skill-settings.get") or not isinstance(body, list):
        return body
    for entry in body:
        entry["settingsValues"] = entry["settingsValues"] or {}
        shown = [field for each in entry["settingsDisplay"]["sections"] for field in each["fields"]]
        for field in shown:
            if field.get("name") == "half":
                field["value"] = 2.5
        if entry["settingsValues"].get("half") == 0:
            entry["settingsValues"]["half"] = 2.5
    return body


def test_manifests(replay):
    replay("device.manifest.no-token")
    replay("device.manifest.put")
    replay("device.manifest.put-again")
    replay("device.manifest.reconcile")
    replay("device.manifest.restore")
    replay("device.manifest.add-installer")


def test_settings(replay, household, tokens, account):
    replay("account.skills.none")
    replay("device.manifest.put")
    replay("device.settings-meta.no-token")
    replay("device.settings-meta.put")
    replay("device.skill-settings.other-device")
    replay("device.skill-settings.no-skills")
    replay("device.settings-meta.without-settings")
    replay("account.skill-settings.get.no-cookie")
    replay("account.skill-settings.get")
    replay("account.skill-settings.get.unknown-family")
    replay("account.skill-settings.get.no-settings")
    chosen = skill_settings.Settings(CHOSEN, ["Probe One"])
    skill_settings.change(account, f"probe-{RUN}-alpha", [chosen], [])
    sent = RECORDED["device.settings-meta.put"]["request"]["body"]
    client = APIClient(headers={"Authorization": f"Bearer {tokens['a2']}"})
    body = json.dumps(sent).replace("<rid>", RUN)
    client.put(
        f"/v1/device/{household['a2'].pk}/settingsMeta", body, content_type="application/json"
    )
    replay("device2.skill-settings.copied")
    replay("account.skill-settings.get.two-devices")


def test_settings_before_19_08(replay):
    replay("device.skill-v1.put.no-identity")
    replay("device.skill-v1.put")
    replay("device.skill-v1.put-again")
    replay("device.skill-v1.get.none")


@pytest.mark.parametrize(
    ("path", "name"),
    [
        ("skill/settings", "device.skill-settings.etag-match"),
        ("skill", "device.skill-v1.get.etag-match"),
    ],
)
def test_tags(replay, household, tokens, path, name):
    replay("device.skill-v1.put")
    client = APIClient(headers={"Authorization": f"Bearer {tokens['a1']}"})
    tag = client.get(f"/v1/device/{household['a1'].pk}/{path}").headers["ETag"]

    response = replay(name, tag=tag.strip('"'))

    assert response.headers["ETag"] == tag


def test_every_recording_is_replayed():
    text = Path(__file__).read_text()

    assert [name for name in RECORDED if f'"{name}"' not in text] == []
