"""A fleet service as Pantacor's, on a real server: the devices it knows, and what it is told."""

import json
import re
from urllib.parse import parse_qs

from werkzeug import Response

TOKEN = "fleet-token"


def fleet_device(**changes):
    """Return a device as the service shows it."""
    device = {
        "id": "5f1",
        "claimed": True,
        "update_policy": "auto",
        "channel": "myc200_stable",
        "user-meta": {"pvr-sdk.authorized_keys": ""},
        "device-meta": {
            "interfaces": {
                "lo.ipv4": ["127.0.0.1"],
                "eth0.ipv6": ["fe80::1"],
                "wlan0.ipv4": ["192.168.1.7"],
            }
        },
    }
    return device | changes


class PantacorStandIn:
    """Answers below ``path`` of an httpserver; ``told`` are the changes it was asked for."""

    def __init__(self, httpserver, path="/pantacor"):
        self.url = httpserver.url_for(path)
        self.devices = {}
        self.pending = {}  # ids of deployments, by device
        self.told = []
        self.status = 200  # of all answers, to be a service that fails
        self._path = f"{path}/"
        everything = re.compile(f"{self._path}.*")
        httpserver.expect_request(everything).respond_with_handler(self._answer)

    def _answer(self, request):
        if request.headers.get("Authorization") != f"Bearer {TOKEN}":
            return Response(status=401)
        if self.status != 200:
            return Response("{}", self.status)
        kind, name, *rest = request.path.removeprefix(self._path).split("/")
        if kind == "devices" and name not in self.devices:
            return Response("{}", 404)
        if request.method == "PATCH":
            self.told.append((f"{kind}/{name}", request.get_json()))
            return Response("{}")
        if rest == ["deployments"]:
            assert parse_qs(request.query_string.decode()) == {"status": ["pending"]}
            ids = self.pending.get(name, [])
            return _json({"items": [{"id": each} for each in ids]})
        return _json(self.devices[name])


def _json(body):
    return Response(json.dumps(body), content_type="application/json")
