"""Fills an empty database with a fleet, and writes down the requests that its devices make.

Run as a program, with the server's environment: ``python -m tools.bench.seed FILE --accounts N``.
The file is JSON: lists of requests by name. Nothing here is of use outside a benchmark: tokens of
devices are made by the thousand and written down in plain.
"""

import argparse
import json
import random
import secrets
import uuid
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import django
from django.utils import timezone

DEVICES_EACH, SKILLS_EACH = 3, 20
BATCH = 5_000
FIELDS = 6
PLACES = 500
Request = dict[str, Any]


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("file", type=Path)
    parser.add_argument("--accounts", type=int, default=1_000)
    arguments = parser.parse_args()
    django.setup()
    arguments.file.write_text(json.dumps(_seed(arguments.accounts)))


def _seed(accounts: int) -> dict[str, list[Request]]:
    from devices.models import Device

    random.seed(1)  # the same fleet each time, but for its secrets
    people = _make_accounts(accounts)
    devices = _make_devices(people)
    _make_skills(devices)
    tokens = _make_tokens(devices)
    return {
        "device": _gets(tokens, ""),
        "setting": _gets(tokens, "/setting"),
        "location": _gets(tokens, "/location"),
        "skill settings": _gets(tokens, "/skill/settings"),
        "metric": _metrics(tokens),
        "removed": [_get("/v1/device/" + str(uuid.uuid4()), secrets.token_hex(64))],
        "pairing code": [_get(f"/v1/device/code?state={uuid.uuid4()}") for _ in range(1_000)],
        "profile": _profiles(people[:200]),
        "marketplace": [_get("/api/skills/available")],
        "geolocation": _geolocations(tokens),
        "cities": _cities(),
        "start": list(_starts(devices[:50], tokens)),
        "devices": [{"count": Device.objects.count()}],
    }


def _make_accounts(count: int) -> list[Any]:
    from accounts import agreements
    from accounts.models import Acceptance, Account, AgreementType

    rows = [Account(email=f"owner{number}@bench.test", password="!") for number in range(count)]
    people = Account.objects.bulk_create(rows, batch_size=BATCH)
    agreement, today = agreements.in_force(AgreementType.OPEN_DATASET), timezone.now().date()
    Acceptance.objects.bulk_create(
        [Acceptance(account=each, agreement=agreement, accepted_on=today) for each in people],
        batch_size=BATCH,
    )
    return people


def _make_devices(people: list[Any]) -> list[Any]:
    from devices.models import Device, Voice, WakeWord
    from geography.models import City

    voices, wake_words = list(Voice.objects.all()), list(WakeWord.objects.all())
    cities = list(City.objects.order_by("-population").select_related("timezone")[:PLACES])
    rows = []
    for account in people:
        city = random.choice(cities)
        rows += [
            Device(
                account=account,
                name=f"Device {number}",
                placement="Kitchen",
                platform="mycroft_mark_2",
                core_version="21.2.2",
                city=city,
                timezone=city.timezone,
                voice=random.choice(voices),
                wake_word=random.choice(wake_words),
                last_contact_at=timezone.now(),
            )
            for number in range(DEVICES_EACH)
        ]
    return Device.objects.bulk_create(rows, batch_size=BATCH)


def _make_skills(devices: list[Any]) -> None:
    from market import registry
    from market.models import DeviceSkill, Installation, SettingsDefinition

    gids = [f"bench-skill-{number}|21.02" for number in range(SKILLS_EACH)]
    skills = registry.register(gids)
    definitions = {
        gid: SettingsDefinition.objects.create(
            skill=skills[gid], definition=_definition(gid), digest=secrets.token_hex(32)
        )
        for gid in gids
    }
    rows = (
        DeviceSkill(
            device=device,
            skill=skills[gid],
            installation=Installation.INSTALLED,
            position=position,
            settings_definition=definitions[gid],
            settings={f"field{n}": f"value {random.randrange(100)}" for n in range(FIELDS)},
        )
        for device in devices
        for position, gid in enumerate(gids)
    )
    while batch := [row for row, _ in zip(rows, range(BATCH), strict=False)]:
        DeviceSkill.objects.bulk_create(batch)


def _definition(gid: str) -> dict[str, Any]:
    fields = [
        {"name": f"field{n}", "type": "text", "label": f"Field {n}", "value": "anon"}
        for n in range(FIELDS)
    ]
    return {
        "skill_gid": gid,
        "display_name": gid.split("|")[0],
        "skillMetadata": {"sections": [{"name": "Main", "fields": fields}]},
    }


def _make_tokens(devices: list[Any]) -> dict[str, str]:
    """Return an access token for each device, by its id."""
    from devices import tokens
    from devices.models import DeviceToken

    made = {str(device.pk): secrets.token_hex(64) for device in devices}
    now = timezone.now()
    DeviceToken.objects.bulk_create(
        [
            DeviceToken(
                device_id=device,
                access_digest=tokens.digest(token),
                refresh_digest=tokens.digest(secrets.token_hex(64)),
                used_at=now,
            )
            for device, token in made.items()
        ],
        batch_size=BATCH,
    )
    return made


def _request(method: str, path: str, token: str = "", body: object = None) -> Request:
    # As mycroft-core does, which says JSON even where it sends none.
    headers = {"Content-Type": "application/json"}
    if token:
        headers["Authorization"] = f"Bearer {token}"
    text = None if body is None else json.dumps(body)
    return {"method": method, "path": path, "headers": headers, "body": text}


def _get(path: str, token: str = "") -> Request:
    return _request("GET", path, token)


def _gets(tokens: dict[str, str], path: str) -> list[Request]:
    return [_get(f"/v1/device/{device}{path}", token) for device, token in tokens.items()]


def _metrics(tokens: dict[str, str]) -> list[Request]:
    value = {"id": "1", "system": "stt", "start_time": 1.6e9, "time": 1.6e9 + 0.7}
    return [
        _request("POST", f"/v1/device/{device}/metric/timing", token, value)
        for device, token in tokens.items()
    ]


def _profiles(people: list[Any]) -> list[Request]:
    from accounts import sessions

    return [_get("/api/account", sessions.start(account).access) for account in people]


def _geolocations(tokens: dict[str, str]) -> list[Request]:
    from urllib.parse import quote

    from geography.models import City

    cities = City.objects.order_by("-population").select_related("region__country")[:PLACES]
    places = [
        words
        for city in cities
        for words in (city.name, f"{city.name} {city.region.name} {city.region.country.name}")
    ]
    held = list(tokens.values())
    return [
        _get(f"/v1/geolocation?location={quote(place)}", held[number % len(held)])
        for number, place in enumerate(places)
    ]


def _cities() -> list[Request]:
    from geography.models import Region

    region = Region.objects.get(name="California", country__name="United States")
    return [_get(f"/api/cities?region={region.pk}")]


def _starts(devices: list[Any], tokens: dict[str, str]) -> Iterator[Request]:
    """Yield what devices ask when they start: reads, versions, the manifest, 25 definitions."""
    for device in devices:
        base, token = f"/v1/device/{device.pk}", tokens[str(device.pk)]
        for path in ("", "/setting", "/location", "/skill/settings") * 3:
            yield _get(base + path, token)
        yield _request(
            "PATCH", base, token, {"coreVersion": "21.2.2", "platform": "mycroft_mark_2"}
        )
        gids = [f"bench-skill-{number}|21.02" for number in range(SKILLS_EACH)]
        skills = [
            {"name": gid.split("|")[0], "skill_gid": gid, "installation": "installed"}
            for gid in gids
        ]
        yield _request("PUT", f"{base}/skillJson", token, {"version": 1, "skills": skills})
        for gid in (*gids, *gids[:5]):
            yield _request("PUT", f"{base}/settingsMeta", token, _definition(gid))


if __name__ == "__main__":
    main()
