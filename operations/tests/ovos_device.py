"""A device: the unmodified ovos-backend-client, told by lines of JSON what to do.

Run as a process of its own, since the client keeps its identity and configuration per process and
in the home folder. Each line it reads is ``[name, arguments]``; each it writes is the answer.
"""

import json
import logging
import sys
from pathlib import Path
from threading import Event
from types import SimpleNamespace

import pyee

# The client's ovos-utils wants the name that pyee dropped in version 12; playwright wants 13.
pyee.BaseEventEmitter = pyee.EventEmitter

from ovos_backend_client.api import (  # noqa: E402
    BackendType,
    DeviceApi,
    OpenWeatherMapApi,
    STTApi,
    WolframAlphaApi,
)
from ovos_backend_client.identity import IdentityManager  # noqa: E402
from ovos_backend_client.pairing import PairingManager, is_paired  # noqa: E402

url = sys.argv[1]
api = DeviceApi(url, "v1", backend_type=BackendType.PERSONAL)
paired = Event()


def start_pairing():
    """Ask for a code; in the background the client asks every second whether it was claimed."""
    manager = PairingManager(
        api_url=url, version="v1", backend_type=BackendType.PERSONAL, success_callback=paired.set
    )
    manager.poll_frequency = 1
    manager.kickoff_pairing()
    return manager.data["code"]


def finish_pairing():
    return paired.wait(60) and IdentityManager.load().uuid


def refresh():
    """Refresh as mycroft-core does, with the refresh token: this client sends the access token."""
    refresh_token = IdentityManager.get().refresh
    login = api.backend.get(
        f"{url}/v1/auth/token", headers={"Authorization": f"Bearer {refresh_token}"}
    ).json()
    IdentityManager.save(login)
    return login


def is_still_paired():
    return bool(is_paired(url=url, version="v1", backend_type=BackendType.PERSONAL))


def read(path, tag=None):
    """GET a path of the device; return status, tag and body, as a poll sees them."""
    headers = {"If-None-Match": tag.strip('"')} if tag else {}
    answer = api.backend.get(f"{api.url}/{api.uuid}{path}", headers=headers)
    body = answer.json() if answer.content else None
    return [answer.status_code, answer.headers.get("ETag"), body]


def call(name, *arguments):
    """Call a method of the client's DeviceApi."""
    answer = getattr(api, name)(*arguments)
    return answer.status_code if hasattr(answer, "status_code") else answer


def ask_service(name, method, *arguments):
    """Ask a service through the server, by the client's class for it."""
    kind = {"weather": OpenWeatherMapApi, "wolfram": WolframAlphaApi}[name]
    hashable = [tuple(each) if isinstance(each, list) else each for each in arguments]
    return getattr(kind(url, "v1", backend_type=BackendType.PERSONAL), method)(*hashable)


def hear(path):
    """Send the FLAC file at ``path`` to be understood."""
    return STTApi(url, "v1", backend_type=BackendType.PERSONAL).stt(Path(path).read_bytes())


def upload_wake_word(path, about):
    """Upload the WAV file at ``path``; the client asks a recording for it."""
    recording = SimpleNamespace(get_wav_data=Path(path).read_bytes)
    answer = api.backend.device_upload_wake_word(recording, about)
    return [answer.status_code, answer.json()]


if __name__ == "__main__":
    logging.disable()
    answers, sys.stdout = sys.stdout, sys.stderr
    for line in sys.stdin:
        name, arguments = json.loads(line)
        answers.write(json.dumps(globals()[name](*arguments)) + "\n")
        answers.flush()
