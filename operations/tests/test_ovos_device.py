"""A real device client against a real server: the whole of what a household does."""

import base64
import json
import os
import secrets
import subprocess
import sys
from contextlib import closing
from pathlib import Path

import pytest
import requests

from devices.tests.sounds import as_file, silence, tone
from operations.tests import stand_ins

SKILL = "selene-test-skill|21.02"
MANIFEST = {
    "blacklist": [],
    "version": 1,
    "skills": [
        {
            "name": "selene-test-skill",
            "origin": "default",
            "installation": "installed",
            "failure_message": "",
            "status": "active",
            "beta": False,
            "installed": 1600000000,
            "updated": 1600000100,
            "skill_gid": SKILL,
        }
    ],
}
DEFINITION = {
    "skill_gid": SKILL,
    "display_name": "Selene Test",
    "skillMetadata": {
        "sections": [
            {
                "name": "Main",
                "fields": [
                    {"name": "user", "type": "text", "label": "User", "value": "anon"},
                    {"name": "loud", "type": "checkbox", "label": "Loud", "value": "false"},
                ],
            }
        ]
    },
}


class OvosDevice:
    """The client in its own process and home folder."""

    def __init__(self, url, home):
        environment = os.environ | {
            "HOME": str(home),
            "XDG_CONFIG_HOME": str(home / "config"),
            "XDG_DATA_HOME": str(home / "data"),
            "XDG_CACHE_HOME": str(home / "cache"),
            "TMPDIR": str(home),
        }
        self.process = subprocess.Popen(
            [sys.executable, str(Path(__file__).with_name("ovos_device.py")), url],
            env=environment,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
        )

    def __getattr__(self, name):
        return lambda *arguments: self._ask(name, arguments)

    def _ask(self, name, arguments):
        self.process.stdin.write(json.dumps([name, arguments]) + "\n")
        self.process.stdin.flush()
        return json.loads(self.process.stdout.readline())

    def close(self):
        self.process.stdin.close()
        self.process.wait(30)
        self.process.stdout.close()


class Owner:
    """A person with a browser's cookies."""

    def __init__(self, url):
        self.url = url
        self.session = requests.Session()
        self.email = f"{secrets.token_hex(6)}@example.com"
        self.password = secrets.token_urlsafe(12)

    def sign_up(self):
        login = {"email": _base64(self.email), "password": _base64(self.password)}
        body = {"termsOfUse": True, "privacyPolicy": True, "login": login}
        assert self.post("/api/account", body).json() == "Account added successfully"
        basic = _base64(f"{self.email}:||:{self.password}")
        headers = {"Authorization": f"Basic {basic}"}
        assert self.get("/api/internal-login", headers=headers).status_code == 204

    def get(self, path, **options):
        return self.session.get(self.url + path, timeout=30, **options)

    def post(self, path, body):
        return self.session.post(self.url + path, json=body, timeout=30)

    def put(self, path, body):
        return self.session.put(self.url + path, json=body, timeout=30)

    def patch(self, path, body):
        return self.session.patch(self.url + path, json=body, timeout=30)

    def delete(self, path):
        return self.session.delete(self.url + path, timeout=30)


def _base64(text):
    return base64.b64encode(text.encode()).decode()


@pytest.fixture
def owner(running_server):
    owner = Owner(running_server.url)
    owner.sign_up()
    yield owner
    owner.session.close()


@pytest.fixture
def device(running_server, tmp_path):
    device = OvosDevice(running_server.url, tmp_path)
    yield device
    device.close()


def pair(owner, device):
    code = device.start_pairing()
    body = {
        "name": "Kitchen",
        "pairingCode": code,
        "placement": "Shelf",
        "country": "United States",
        "region": "Missouri",
        "city": "Kansas City",
        "timezone": "America/Chicago",
        "voice": "American Male",
        "wakeWord": "Hey Mycroft",
    }
    assert owner.post("/api/devices", body).status_code == 204
    return device.finish_pairing()


def test_a_household_pairs_a_device_and_changes_its_settings(owner, device):
    device_id = pair(owner, device)

    about = device.call("get")
    assert (about["uuid"], about["name"], about["description"]) == (device_id, "Kitchen", "Shelf")
    assert device.call("get_settings")["systemUnit"] == "imperial"
    assert device.call("get_location")["city"]["name"] == "Kansas City"
    assert device.call("get_subscription") == {"@type": "free"}
    assert owner.get("/api/devices").json()[0]["status"] == "Connected"

    preferences = {
        "dateFormat": "DD/MM/YYYY",
        "measurementSystem": "Metric",
        "timeFormat": "24 Hour",
    }
    _, tag, _ = device.read("/setting")
    assert device.read("/setting", tag)[0] == 304
    assert owner.post("/api/preferences", preferences).status_code == 204
    status, _, setting = device.read("/setting", tag)
    assert (status, setting["systemUnit"], setting["dateFormat"]) == (200, "metric", "DMY")


def test_skill_settings_reach_the_device_on_its_next_poll(owner, device):
    pair(owner, device)
    assert device.call("upload_skills_data", MANIFEST) == 200
    assert device.call("upload_skill_metadata", DEFINITION) == 204

    _, tag, settings = device.read("/skill/settings")
    assert settings == {SKILL: {"user": "anon", "loud": False}}
    assert [device.read("/skill/settings", tag)[0] for _ in range(3)] == [304, 304, 304]

    skills = owner.get("/api/skills").json()
    family = [skill for skill in skills if skill["hasSettings"]][0]
    path = f"/api/skills/{family['familyName']}/settings"
    entries = owner.get(path).json()
    entries[0]["settingsValues"] |= {"user": "zoë", "loud": True}
    body = {"skillIds": family["skillIds"], "skillSettings": entries}
    assert owner.put(path, body).status_code == 200

    status, tag, settings = device.read("/skill/settings", tag)
    assert (status, settings) == (200, {SKILL: {"user": "zoë", "loud": True}})
    assert device.read("/skill/settings", tag)[0] == 304


def test_a_device_refreshes_its_tokens(owner, device):
    device_id = pair(owner, device)

    login = device.refresh()

    assert login["uuid"] == device_id
    assert device.call("get")["uuid"] == device_id


def test_a_device_is_cut_off_the_moment_its_owner_removes_it(owner, device):
    device_id = pair(owner, device)
    assert device.read("/setting")[0] == 200

    assert owner.delete(f"/api/devices/{device_id}").status_code == 204

    assert [device.read(path)[0] for path in ("", "/setting", "/location")] == [401, 401, 401]


def test_a_device_stays_paired_when_the_server_is_killed_and_starts_again(
    live_server_process, tmp_path
):
    owner = Owner(live_server_process.url)
    owner.sign_up()
    device = OvosDevice(live_server_process.url, tmp_path)
    device_id = pair(owner, device)
    preferences = {
        "dateFormat": "DD/MM/YYYY",
        "measurementSystem": "Metric",
        "timeFormat": "24 Hour",
    }
    assert owner.post("/api/preferences", preferences).status_code == 204

    live_server_process.kill()
    live_server_process.start()

    assert device.call("get")["uuid"] == device_id
    assert device.call("get_settings")["systemUnit"] == "metric"
    assert owner.get("/api/account").json()["emailAddress"] == owner.email
    owner.session.close()
    device.close()


def test_skills_ask_for_weather_and_answers_through_the_server(make_live_server, tmp_path):
    with stand_ins.running() as environment:
        server = make_live_server(**environment)
        owner, device = Owner(server.url), OvosDevice(server.url, tmp_path)
        with owner.session, closing(device):
            owner.sign_up()
            pair(owner, device)

            weather = [
                device.ask_service("weather", method, [39.1, -94.6], "en-us", "metric")
                for method in ("get_weather", "get_current", "get_hourly", "get_daily")
            ]
            spoken = device.ask_service("wolfram", "spoken", "life", "metric", [39.1, -94.6])
            full = device.ask_service("wolfram", "full_results", "life", "metric", [39.1, -94.6])

    paths = ["onecall", "weather", "forecast", "forecast/daily"]
    assert [report["path"] for report in weather] == [f"/data/2.5/{path}" for path in paths]
    assert {report["snakeCaseKey"]["innerKey"] for report in weather} == {1.5}
    assert all(report["keyed"] for report in weather)
    assert spoken == "The answer is forty two"
    assert full["queryresult"]["podList"] == [{"snakeKey": 1}]


def test_a_device_is_heard_and_sends_what_woke_it(owner, device, tmp_path, running_server):
    pair(owner, device)
    owner.patch("/api/account", {"openDataset": True})
    speech, woke = tmp_path / "speech.flac", tmp_path / "woke.wav"
    speech.write_bytes(as_file(silence(0.5)))
    woke.write_bytes(as_file(tone(0.5), format="WAV"))
    about = {"name": "hey-mycroft", "engine": "0" * 32, "time": "1772323200123", "model": "0"}

    heard = device.hear(str(speech))
    answer = device.upload_wake_word(str(woke), about)

    assert heard == [None]
    assert answer == [200, "Wake word sample uploaded successfully"]
    files = [file.read_bytes() for file in (running_server.data_dir / "wake-words").glob("*/*")]
    assert woke.read_bytes() in files
