"""Saved skills, and what devices send about them; what is not given is nothing to lean on."""

import json
import uuid
from datetime import timedelta
from itertools import count

from django.utils import timezone

from accounts import encryption
from devices.models import Device
from market import manifest, settings_definitions
from market.models import (
    Catalogue,
    CatalogueEntry,
    DeviceSkill,
    OAuthCredential,
    OAuthToken,
    Skill,
)
from market.registry import register

_numbers = count(1)


def make_skill(skill_gid=None):
    gid = skill_gid or f"skill-{next(_numbers)}|21.02"
    return register([gid])[gid]


def make_catalogue_entry(skill_gid=None, core_version="21.02", **display_data):
    skill = make_skill(skill_gid)
    Catalogue.objects.update_or_create(
        core_version=core_version, defaults={"revision": uuid.uuid4()}
    )
    return CatalogueEntry.objects.create(
        skill=skill,
        core_version=core_version,
        display_data={"skill_gid": skill.skill_gid, "name": skill.family_name} | display_data,
    )


def entry(skill_gid, **fields):
    """Return a skill as a device's manifest has it."""
    return {
        "name": skill_gid.split("|")[0],
        "origin": "default",
        "installation": "installed",
        "failure_message": "",
        "status": "active",
        "beta": False,
        "installed": 1600000000,
        "updated": 1600000100,
        "skill_gid": skill_gid,
    } | fields


def manifest_of(*entries):
    return {"blacklist": [], "version": 1, "skills": list(entries)}


def text(name, value="anon", **parts):
    """Return a field of a settings definition."""
    return {"name": name, "type": "text", "label": name, "value": value} | parts


def meta(skill_gid, *fields, **parts):
    """Return a settings definition as a device sends it."""
    sections = [{"name": "Main", "fields": list(fields)}]
    return {
        "skill_gid": skill_gid,
        "display_name": "Timer",
        "skillMetadata": {"sections": sections},
    } | parts


def install(device, skill_gid, *fields, **values):
    """Put a skill with settings ``fields`` on ``device``, with ``values`` for some of them."""
    known = [row for row in manifest.read(device) if row.skill_gid != skill_gid]
    manifest.store(device, [*known, manifest.Entry(skill_gid)])
    if fields:
        settings_definitions.store(device, skill_gid, meta(skill_gid, *fields))
    device_skill = DeviceSkill.objects.get(device=device, skill__skill_gid=skill_gid)
    if values:
        device_skill.settings = (device_skill.settings or {}) | values
        device_skill.save(update_fields=["settings"])
    return device_skill


def version_of(device):
    return Device.objects.values_list("version", flat=True).get(pk=device.pk)


def gids():
    return set(Skill.objects.values_list("skill_gid", flat=True))


def make_credential(name="Spotify", secret="a secret", **fields):
    """Register an application with a provider."""
    uris = {
        "authorization_uri": "https://provider.test/authorize",
        "token_uri": "https://provider.test/token",
    }
    return OAuthCredential.objects.create(
        name=name,
        client_id="a client",
        encrypted_client_secret=encryption.encrypt(secret),
        **(uris | fields),
    )


def make_oauth_token(account, credential, expires_in=None, **answer):
    """Let ``account`` be connected, with what the provider answered."""
    answer = {"access_token": "at-1", "refresh_token": "rt-1", "token_type": "Bearer"} | answer
    expires_at = None if expires_in is None else timezone.now() + timedelta(seconds=expires_in)
    return OAuthToken.objects.create(
        account=account,
        credential=credential,
        encrypted_token=encryption.encrypt(json.dumps(answer)),
        expires_at=expires_at,
    )
