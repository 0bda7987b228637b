"""Settings of type password and other secrets of skills, as encrypted texts."""

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
    return orjson.loads(decrypt_text(token) or "{}")


def decrypt_text(token: str) -> str:
    """Return the text that was encrypted; "" if the key is gone."""
    try:
        return encryption.decrypt(token)
    except InvalidToken:
        logger.error("a secret cannot be decrypted: SELENE_FIELD_KEY is not its key")
        return ""
