"""skill-metadata.json: what the marketplace shows of each skill of one core version.

From the branch of that name of https://github.com/MycroftAI/mycroft-skills-data, or from a file: an
object of skills by name.
"""

import re
import time
from pathlib import Path

import orjson
import requests
from django.conf import settings

FILE = "skill-metadata.json"
CORE_VERSION = re.compile(r"[0-9]{1,4}\.[0-9]{1,4}")
CONNECT_SECONDS, READ_SECONDS, TOTAL_SECONDS = 5, 15, 60
LIMIT_BYTES = 20_000_000
CHUNK = 65_536

_session = requests.Session()


class Unusable(Exception):
    """There is no catalogue to be had, or it makes no sense; the text says why."""


def download(core_version: str) -> dict[str, object]:
    """Return the metadata of ``core_version`` from ``SELENE_SKILLS_URL``."""
    if not CORE_VERSION.fullmatch(core_version):
        raise Unusable(f"{core_version!r} is not a core version such as 21.02")
    try:
        return _parse(_fetch(f"{settings.SKILLS_URL}/{core_version}/{FILE}"))
    except requests.RequestException as error:
        raise Unusable(f"catalogue of {core_version} not available: {error}") from error


def read(path: Path) -> dict[str, object]:
    """Return the metadata in the file at ``path``."""
    try:
        return _parse(path.read_bytes())
    except OSError as error:
        raise Unusable(f"{path}: {error.strerror}") from error


def _fetch(url: str) -> bytes:
    deadline = time.monotonic() + TOTAL_SECONDS
    content = bytearray()
    with _session.get(url, stream=True, timeout=(CONNECT_SECONDS, READ_SECONDS)) as response:
        response.raise_for_status()
        for chunk in response.iter_content(CHUNK):
            content += chunk
            if len(content) > LIMIT_BYTES:
                raise Unusable(f"catalogue is over {LIMIT_BYTES} bytes")
            if time.monotonic() > deadline:
                raise Unusable(f"catalogue took more than {TOTAL_SECONDS} s")
    return bytes(content)


def _parse(content: bytes) -> dict[str, object]:
    try:
        metadata = orjson.loads(content)
    except orjson.JSONDecodeError as error:
        raise Unusable(f"catalogue is not valid JSON: {error}") from error
    if not isinstance(metadata, dict) or not metadata:
        raise Unusable("catalogue is not a JSON object of skills")
    return metadata
