"""What the first Selene answered, as it was recorded, against what this server answers.

The recordings are replayed in their order. The steps between them that were not recorded are in
``BEFORE``; where the answer differs on purpose, and why, is in ``DIFFERENT``.
"""

import base64
import copy
import uuid
from contextlib import closing
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import pytest
import requests

from conftest import _new_live_server
from devices.tests.sounds import as_file, tone
from operations.tests import descriptions, stand_ins
from operations.tests.replay import Replay, read

EXCHANGES = read(Path(__file__).with_name("exchanges.jsonl"))
RUN = "b987402c"  # the run that was recorded: it is in the addresses, also inside their base64

# What is in the files of those that send some; by name where it is not this
FILES = {
    "audio": as_file(tone(0.5), format="WAV"),
    "metadata": b'{"wake_word": "hey mycroft", "engine": "x", "timestamp": "1", "model": "0"}',
}
OTHER_FILES = {
    "device.wake-word-file.field-missing": FILES | {"metadata": b'{"engine": "precise"}'},
}
# Answered by a broker of OAuth tokens, which says what it was asked and not what one would
ECHOED = {"account.skill-oauth"}
# Sent with the cookies of account b; all others with those of a
OF_B = {"account.devices.post.code-used-by-other-account", "account.membership.add-b"}


@dataclass(frozen=True)
class Difference:
    """Where the contract leaves what was recorded: ``None`` is as recorded."""

    why: str
    status: int | None = None
    body: Any = None
    at: dict[str, Any] = field(default_factory=dict)  # by the path within the recorded body
    cookies: list[dict[str, Any]] | None = None
    content_type: str | None = None

    def expected(self, recorded):
        """Return the answer that is right here."""
        body = copy.deepcopy(recorded.body) if self.body is None else self.body
        for path, value in self.at.items():
            *parents, last = (int(key) if key.isdigit() else key for key in path.split("."))
            place = body
            for key in parents:
                place = place[key]
            place[last] = value
        return replace(
            recorded,
            status=self.status or recorded.status,
            body=body,
            cookies=recorded.cookies if self.cookies is None else self.cookies,
            content_type=self.content_type or recorded.content_type,
        )


def _cookie(name, value, seconds, **others):
    attributes = {"expires": "<ts>" if seconds else "<past>", "max-age": str(seconds), "path": "/"}
    return {"name": name, "value": value, "samesite": "Lax"} | attributes | others


LOGIN_COOKIES = [
    _cookie("seleneAccess", "<jwt>", 900, httponly=True),
    _cookie("seleneRefresh", "<jwt>", 2628000, httponly=True),
    _cookie("seleneRefreshPresent", "1", 2628000),
]
COOKIES_GONE = [
    _cookie(name, "", 0) for name in ("seleneAccess", "seleneRefresh", "seleneRefreshPresent")
]
WIRE_NAMES = "an error names the fields as the request does"
PLACE_OPTIONAL = "a place may be left out as a whole"
A_LIST = "an error has a list of reasons for each field"
REQUIRED = ["This field is required."]
UNKNOWN_CODE = {"pairingCode": ["pairing code not found"]}
DIFFERENT = {
    "sso.signup.platform-unknown": Difference(
        WIRE_NAMES,
        body={
            "login": {
                "federatedPlatform": [
                    "Value (MySpace) must be one of ['Facebook', 'Google', 'GitHub']."
                ]
            }
        },
    ),
    "account.patch.membership-add-incomplete": Difference(
        f"{WIRE_NAMES}, nested like it",
        body={
            "membership": {
                "membershipType": ["new memberships require a membership type"],
                "paymentMethod": ["new memberships require a payment method"],
                "paymentToken": ["payment token required for new memberships"],
            }
        },
    ),
    "account.preferences.post.bad-choice": Difference(
        WIRE_NAMES, body={"timeFormat": ['"25 Hour" is not a valid choice.']}
    ),
    "account.devices.post.code-unknown": Difference(WIRE_NAMES, body=UNKNOWN_CODE),
    "account.devices.post.code-used-again": Difference(WIRE_NAMES, body=UNKNOWN_CODE),
    "account.devices.post.code-used-by-other-account": Difference(WIRE_NAMES, body=UNKNOWN_CODE),
    "account.devices.post.fields-missing": Difference(
        f"{WIRE_NAMES}; {PLACE_OPTIONAL}", body={"voice": REQUIRED, "wakeWord": REQUIRED}
    ),
    "account.devices.patch.fields-missing": Difference(
        f"{WIRE_NAMES}; {PLACE_OPTIONAL}", body={"voice": REQUIRED, "wakeWord": REQUIRED}
    ),
    "device.wake-word-file.no-audio": Difference(
        A_LIST, body={"audio": ["No audio file included in request"]}
    ),
    "device.wake-word-file.no-metadata": Difference(
        A_LIST, body={"metadata": ["No metadata file included in request"]}
    ),
    "device.patch.wrong-type": Difference(
        "the reason is in our words: the first Selene's show the value as Python writes it",
        body={"platform": ["Not a valid string."]},
    ),
    "device.refresh.no-token": Difference(
        "ovos-backend-client takes any JSON of this call for a login", body=""
    ),
    "device.wolfram-spoken": Difference(
        "text is no HTML", content_type="text/plain; charset=utf-8"
    ),
    "sso.login.a": Difference(
        "cookies are unreadable to scripts, but for one that tells Selene UI of the login",
        cookies=LOGIN_COOKIES,
    ),
    "sso.login.a-after-logout": Difference(
        "cookies are unreadable to scripts, but for one that tells Selene UI of the login",
        cookies=LOGIN_COOKIES,
    ),
    "sso.login.changed-password": Difference(
        "cookies are unreadable to scripts, but for one that tells Selene UI of the login",
        cookies=LOGIN_COOKIES,
    ),
    "sso.logout.a": Difference("the readable cookie goes too", cookies=COOKIES_GONE),
    "account.delete.a": Difference("the cookies go with the account", cookies=COOKIES_GONE),
    "account.cities.california": Difference(
        "the geography that ships has the larger places; geography tests the whole dump",
        at={
            "<list>": None,
            "samples": [
                {
                    "id": "<uuid>",
                    "latitude": 32.58394,
                    "longitude": -117.11308,
                    "name": "Imperial Beach",
                    "timezone": "America/Los_Angeles",
                }
            ],
        },
    ),
    "account.defaults.get.full": Difference(
        "the engine of American Male is mimic2", at={"voice.engine": "mimic2"}
    ),
    "market.status.failed-skill": Difference(
        "by skill and market id, so that Selene UI's marks show; market tests the whole",
        body="<not compared>",
    ),
    "market.detail": Difference("the skill's id is told, too", at={"id": "<disp_weather>"}),
    "account.skill-settings.get": Difference(
        "decimals keep their value",
        at={
            "0.settingsValues.half": 2.5,
            "0.settingsDisplay.sections.0.fields.4.value": 2.5,
        },
    ),
    "account.skill-settings.get.two-devices": Difference(
        "decimals keep their value", at={"0.settingsDisplay.sections.0.fields.4.value": 2.5}
    ),
    "account.skill-settings.get.no-settings": Difference(
        "values are never null, Selene UI breaks on it", at={"0.settingsValues": {}}
    ),
    "account.ssh-key.valid": Difference(
        "what was recorded is no key: behind its type there are zeros",
        body={"isValid": False},
    ),
    "device.pantacor.unclaimed": Difference(
        "an error is an object", body={"error": "Device not yet claimed by Pantacor"}
    ),
    "device.stripe-webhook.other-event": Difference(
        "an event that Stripe did not sign is refused",
        status=400,
        body={"error": "this is no event that Stripe signed just now"},
    ),
}


def _base64(text):
    return base64.b64encode(text.encode()).decode()


def _sign_in_b(replay):
    basic = _base64(f"probe-{RUN}-b@example.com:||:b-password")
    headers = {"Authorization": f"Basic {basic}"}
    replay.ask("GET", "/api/internal-login", account="b", headers=headers)


def _forge_access(replay):
    """An access token that says of itself that it needs no signature."""
    header, claims, _ = replay.logins["a"].split(";")[0].split("=")[1].split(".")
    forged = base64.urlsafe_b64encode(b'{"alg":"none","typ":"JWT"}').decode().rstrip("=")
    replay.known["jwt"] = f"{forged}.{claims}."


def _show_refresh(replay):
    replay.known["jwt"] = replay.logins["a"].split("seleneRefresh=")[1]


def _set_minimal_defaults(replay):
    body = {"voice": "British Male", "wakeWord": "Hey Mycroft"}
    replay.ask("POST", "/api/defaults", account="a", body=body)


def _claim(replay, label, account, name):
    """Let a device ask for a code and ``account`` claim it."""
    state = f"state-{label}"
    session = replay.ask("GET", f"/v1/device/code?state={state}").json()
    body = {
        "name": name,
        "pairingCode": session["code"],
        "country": "United States",
        "region": "California",
        "city": "San Francisco",
        "timezone": "America/Los_Angeles",
        "voice": "American Male",
        "wakeWord": "Hey Mycroft",
    }
    replay.ask("POST", "/api/devices", account=account, body=body)
    replay.known[f"ptoken_{label}"] = session["token"]


def _claim_a2(replay):
    _claim(replay, "a2", "a", "Probe Two")


def _pair_b1(replay):
    _claim(replay, "b1", "b", "Probe One")
    body = {"state": "state-b1", "token": "<ptoken_b1>"}
    login = replay.ask("POST", "/v1/device/activate", body=body).json()
    replay.known |= {"dev_b1": login["uuid"], "at_b1": login["accessToken"]}


def _get(path, mask):
    """Return a step: read ``path`` of the first device and keep the tag, unquoted as it would."""

    def get(replay):
        headers = {"Authorization": "Bearer <at_a1>"}
        response = replay.ask("GET", f"/v1/device/<dev_a1>{path}", headers=headers)
        replay.known[mask] = response.headers["ETag"].strip('"')

    return get


def _leave_open_dataset(replay):
    replay.ask("PATCH", "/api/account", account="a", body={"openDataset": False})


def _recorded(name):
    return next(each for each in EXCHANGES if each.name == name)


def _change_settings_and_copy(replay):
    """Change the skill's settings, then let the account's second device have it too."""
    path = f"/api/skills/probe-{RUN}-alpha/settings"
    entries = replay.ask("GET", path, account="a").json()
    values = {"empty_list": [1, 2], "flag": False, "half": 1.5, "pick": "2", "user": "zoë"}
    entries[0]["settingsValues"] |= values
    skills = replay.ask("GET", "/api/skills", account="a").json()
    [ids] = [each["skillIds"] for each in skills if each["familyName"] == f"probe-{RUN}-alpha"]
    body = {"skillIds": ids, "skillSettings": entries}
    replay.ask("PUT", path, account="a", body=body)
    headers = {"Authorization": "Bearer <at_a2>"}
    definition = _recorded("device.settings-meta.put").body
    replay.ask("PUT", "/v1/device/<dev_a2>/settingsMeta", headers=headers, body=definition)


def _become_a_member(replay):
    membership = _recorded("account.membership.add-b").body
    replay.ask("PATCH", "/api/account", account="a", body=membership)


def _remove_a2(replay):
    replay.ask("DELETE", "/api/devices/<dev_a2>", account="a")


# What happened between the recordings, by the name of the one that follows
BEFORE = {
    "account.get.alg-none": _forge_access,
    "account.get.garbage-access-good-refresh": _show_refresh,
    "account.defaults.get.minimal": _set_minimal_defaults,
    "account.devices.post.code-used-by-other-account": _sign_in_b,
    "device.activate.a2": _claim_a2,
    "device.get.other-device": _pair_b1,
    "device.get.etag-match": _get("", "etag_device"),
    "device.setting.etag-match": _get("/setting", "etag_setting"),
    "account.patch.open-dataset-expires-setting": _leave_open_dataset,
    "device.location.etag-match": _get("/location", "etag_location"),
    "device.skill-settings.etag-match": _get("/skill/settings", "etag_skill"),
    "device2.skill-settings.copied": _change_settings_and_copy,
    "device.skill-v1.get.etag-match": _get("/skill", "etag_v1"),
    "account.device-count.after-delete": _remove_a2,
    "device.voice.arm": _become_a_member,
}


@dataclass
class Outcome:
    """What came of one exchange."""

    response: requests.Response
    problems: list[str]  # against what is expected here
    changes: list[str]  # against the recording


@pytest.fixture(scope="module")
def replayed_server():
    """A server that calls stand-ins of all outside services."""
    with stand_ins.running() as environment, closing(_new_live_server(**environment)) as server:
        server.start()
        yield server


@pytest.fixture(scope="module")
def outcomes(replayed_server):
    """What came of each exchange, by name: all are sent, in the recorded order, to one server."""
    masks = {"rid": RUN, "unknown-uuid": str(uuid.uuid4())}
    masks |= {f"mail_{name}64": _base64(f"probe-{RUN}-{name}@example.com") for name in "ab"}
    replay = Replay(replayed_server.url, masks)
    return {exchange.name: _replay(replay, exchange) for exchange in EXCHANGES}


def _replay(replay, exchange):
    BEFORE.get(exchange.name, lambda replay: None)(replay)
    account = "b" if exchange.name in OF_B else "a"
    response = replay.send(exchange, account, OTHER_FILES.get(exchange.name, FILES))
    replay.keep_login(response, account)
    changes = replay.compare(response, exchange.answer)
    if exchange.name not in DIFFERENT:
        return Outcome(response, changes, changes)
    expected = DIFFERENT[exchange.name].expected(exchange.answer)
    return Outcome(response, replay.compare(response, expected), changes)


def test_each_exchange_is_answered_as_recorded_or_as_the_contract_says_instead(outcomes):
    problems = {name: each.problems for name, each in outcomes.items() if each.problems}

    assert problems == {}


def test_what_is_said_to_differ_does_differ(outcomes):
    same = [name for name in DIFFERENT if not outcomes[name].changes]

    assert same == []


def test_each_answer_is_one_that_the_description_has(outcomes):
    answers = {name: each.response for name, each in outcomes.items() if name not in ECHOED}

    problems = {name: descriptions.problem(answer) for name, answer in answers.items()}

    assert {name: problem for name, problem in problems.items() if problem} == {}


def test_each_name_that_is_listed_here_was_recorded():
    names = [exchange.name for exchange in EXCHANGES]

    assert len(set(names)) == len(names)
    assert {*DIFFERENT, *BEFORE, *OF_B} - set(names) == set()
