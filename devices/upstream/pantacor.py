"""Pantacor's fleet API, which keeps the software of Mark IIs up to date.

Its documentation is not public. What is relied on, below ``PANTACOR_API_BASE_URL`` and with the
token in ``Authorization: Bearer``, in the words of Pantahub where it has them:

* ``GET devices/<id>``: ``{"claimed": true, "update_policy": "auto" or "manual", "channel":
  "myc200_stable", "user-meta": {"pvr-sdk.authorized_keys": <OpenSSH public key>}, "device-meta":
  {"interfaces": {"wlan0.ipv4": ["192.168.1.7"]}}}``; 404 for a device it does not know
* ``PATCH devices/<id>``, with any of ``update_policy``, ``channel`` and ``user-meta``
* ``GET devices/<id>/deployments?status=pending``: ``{"items": [{"id": <id>}]}``, the newest first
* ``PATCH deployments/<id>`` with ``{"status": "accepted"}``
"""

import logging
import re
from dataclasses import dataclass
from ipaddress import IPv4Address
from typing import Any

import orjson
from django.conf import settings

from accounts.exceptions import NotConfigured
from accounts.upstream import http
from devices.models import ReleaseChannel

SERVICE = "Pantacor"
AUTO, MANUAL = "auto", "manual"
SSH_KEY = "pvr-sdk.authorized_keys"
LIMIT_BYTES = 1_000_000
# Nothing that could leave the path it is put into
_ID = re.compile(r"[A-Za-z0-9_-]{1,100}")

logger = logging.getLogger(__name__)


class UnknownDevice(Exception):
    """Pantacor does not know the device."""


@dataclass(frozen=True)
class FleetDevice:
    """What Pantacor says of a device."""

    is_claimed: bool
    auto_update: bool
    release_channel: str
    ssh_public_key: str
    ip_address: str | None


def device(pantacor_id: str) -> FleetDevice:
    """Return what Pantacor knows of the device.

    Raises:
        UnknownDevice: nothing.
        NotConfigured, http.Unavailable, http.Busy: it could not be asked.
    """
    if not _ID.fullmatch(pantacor_id):
        raise UnknownDevice
    answer = _call("GET", f"devices/{pantacor_id}")
    if answer.status == 404:
        raise UnknownDevice
    said = _read(answer)
    return FleetDevice(
        is_claimed=said.get("claimed") is True,
        auto_update=said.get("update_policy") != MANUAL,
        release_channel=_channel(said.get("channel")),
        ssh_public_key=_text(_object(said, "user-meta").get(SSH_KEY)),
        ip_address=_address(_object(_object(said, "device-meta"), "interfaces")),
    )


def change(pantacor_id: str, **wishes: str | bool) -> None:
    """Have Pantacor do from now on what ``wishes`` say, by fields of FleetDevice.

    Raises:
        NotConfigured, http.Unavailable, http.Busy: it will not.
    """
    body: dict[str, object] = {}
    if "auto_update" in wishes:
        body["update_policy"] = AUTO if wishes["auto_update"] else MANUAL
    if "release_channel" in wishes:
        body["channel"] = wishes["release_channel"]
    if "ssh_public_key" in wishes:
        body["user-meta"] = {SSH_KEY: wishes["ssh_public_key"]}
    _check(_call("PATCH", f"devices/{_known(pantacor_id)}", json=body))


def pending_deployment(pantacor_id: str) -> str:
    """Return the id of the newest deployment that waits for a yes, or "".

    Raises:
        NotConfigured, http.Unavailable, http.Busy: it could not be asked.
    """
    path = f"devices/{_known(pantacor_id)}/deployments"
    said = _read(_call("GET", path, params={"status": "pending"}))
    items = said.get("items")
    if not isinstance(items, list):
        raise http.Unavailable(SERVICE)
    ids = [_text(item.get("id")) for item in items if isinstance(item, dict)]
    return next((each for each in ids if _ID.fullmatch(each)), "")


def accept(deployment_id: str) -> None:
    """Have Pantacor deploy what waits for a yes.

    Raises:
        NotConfigured, http.Unavailable, http.Busy: it will not.
    """
    path = f"deployments/{_known(deployment_id)}"
    _check(_call("PATCH", path, json={"status": "accepted"}))


def _call(
    method: str, path: str, *, params: dict[str, str] | None = None, json: object = None
) -> http.Answer:
    if not settings.PANTACOR_API_TOKEN:
        raise NotConfigured("PANTACOR_API_TOKEN")
    return http.call(
        SERVICE,
        method,
        f"{settings.PANTACOR_API_BASE_URL}/{path}",
        params=params,
        json=json,
        headers={"Authorization": f"Bearer {settings.PANTACOR_API_TOKEN}"},
        limit_bytes=LIMIT_BYTES,
    )


def _check(answer: http.Answer) -> None:
    if not 200 <= answer.status < 300:
        logger.warning("%s answered HTTP %d", SERVICE, answer.status)
        raise http.Unavailable(SERVICE)


def _read(answer: http.Answer) -> dict[str, Any]:
    _check(answer)
    try:
        said = orjson.loads(answer.content)
    except orjson.JSONDecodeError as error:
        raise http.Unavailable(SERVICE) from error
    if not isinstance(said, dict):
        raise http.Unavailable(SERVICE)
    return said


def _known(pantacor_id: str) -> str:
    """Return an id that was stored here; what is no id it cannot know."""
    if not _ID.fullmatch(pantacor_id):
        raise http.Unavailable(SERVICE)
    return pantacor_id


def _object(said: dict[str, Any], key: str) -> dict[str, Any]:
    value = said.get(key)
    return value if isinstance(value, dict) else {}


def _text(value: object) -> str:
    return value if isinstance(value, str) and "\x00" not in value else ""


def _channel(name: object) -> str:
    if name in ReleaseChannel.values:
        return str(name)
    logger.warning("%s named a release channel that is not known here", SERVICE)
    return ReleaseChannel.STABLE


def _address(interfaces: dict[str, Any]) -> str | None:
    """Return the first address by which a device's home can reach it."""
    for name, addresses in sorted(interfaces.items(), reverse=True):  # wlan0 before eth0
        if not name.endswith(".ipv4") or not isinstance(addresses, list):
            continue
        for address in addresses:
            try:
                found = IPv4Address(_text(address))
            except ValueError:
                continue
            if not found.is_loopback:
                return str(found)
    return None
