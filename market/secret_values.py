"""Settings of type password, as one encrypted text."""

import logging

import orjson
from cryptography.fernet import InvalidToken

from accounts import encryption

logger = logging.getLogger(__name__)

Values = dict[str, object]


def encrypt(values: Values) -> str:
    """Return ``values`` encrypted; "" for none."""
    return encryption.encrypt(
        orjson.dumps(values, option=orjson.OPT_SORT_KEYS).decode() if values else ""
    )


def decrypt(token: str) -> Values:
    """Return what ``encrypt`` was given; none if the key is gone.

    A device can do without its passwords, but not without all its other settings.
    """
    try:
        return orjson.loads(encryption.decrypt(token) or "{}")
    except InvalidToken:
        logger.error("secret settings cannot be decrypted: SELENE_FIELD_KEY is not their key")
        return {}
