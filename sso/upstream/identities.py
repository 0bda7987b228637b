"""What Google, Facebook and GitHub say of a person, and what their answers have in common."""

import logging
import re
from dataclasses import dataclass
from typing import Any

import orjson
from django.conf import settings

from accounts import email_addresses
from accounts.exceptions import NotConfigured
from accounts.upstream import http

# An answer is a few hundred bytes; GitHub lists every address of a person.
LIMIT_BYTES = 200_000
SUBJECT = re.compile(r"[\w.:-]{1,255}", re.ASCII)
# Sent on in headers; the longest are Google's ID tokens, of about 1,500 characters.
TOKEN = re.compile(r"[\x21-\x7e]{1,4096}")

logger = logging.getLogger(__name__)


class Refused(Exception):
    """The platform, or this server, does not take the token; the text says why."""


@dataclass(frozen=True)
class Identity:
    """A person as a platform knows it: the pair of ``provider`` and ``subject`` never changes."""

    provider: str
    subject: str
    email: str | None  # None: the platform vouches for none


def require(*names: str) -> None:
    """Raise NotConfigured for the first of the settings ``names`` that is empty."""
    for name in names:
        if not getattr(settings, name):
            raise NotConfigured(name)


def require_token(token: str) -> None:
    """Raise Refused for what is no token of any platform, before it gets into a request."""
    if not TOKEN.fullmatch(token):
        raise Refused("not a token")


def identify(provider: str, subject: object, email: object) -> Identity:
    """Return who ``subject`` is; ``email`` is an address the platform has verified, or None.

    Raises:
        Refused: the token is nobody's, as one of an app itself.
    """
    name = str(subject) if isinstance(subject, (str, int)) else ""
    if not SUBJECT.fullmatch(name):
        raise Refused("token is not of a person")
    return Identity(provider, name, _address(email))


def _address(email: object) -> str | None:
    try:
        address = email_addresses.normalise(email) if isinstance(email, str) else None
    except email_addresses.NotAnAddress:
        return None
    # The column's length.
    return address if address and len(address) <= 254 else None


def read(platform: str, answer: http.Answer) -> Any:  # noqa: ANN401 - whatever JSON it is
    """Return the JSON of a successful ``answer``.

    Raises:
        Unavailable: it is no success, or no JSON.
    """
    if answer.status != 200:
        # Perhaps a secret of ours that is wrong, which only the operator can mend.
        logger.warning("%s answered %d", platform, answer.status)
        raise http.Unavailable(platform)
    try:
        return orjson.loads(answer.content)
    except orjson.JSONDecodeError as error:
        raise http.Unavailable(platform) from error


def read_object(platform: str, answer: http.Answer) -> dict[str, Any]:
    """Return the JSON object of a successful ``answer``.

    Raises:
        Unavailable: it is anything else.
    """
    value = read(platform, answer)
    if not isinstance(value, dict):
        raise http.Unavailable(platform)
    return value
