"""Values that must not lie in the database as anyone can read them."""

import logging
from functools import lru_cache

import orjson
from cryptography.fernet import Fernet, InvalidToken, MultiFernet
from django.conf import settings

logger = logging.getLogger(__name__)

Values = dict[str, object]


def encrypt(text: str) -> str:
    """Return ``text`` as only the holder of the field key can read it; "" stays ""."""
    return _cipher(tuple(settings.FIELD_KEYS)).encrypt(text.encode()).decode() if text else ""


def decrypt(token: str) -> str:
    """Return what ``encrypt`` was given, under any key that is still configured.

    Raises:
        InvalidToken: made under another key, or damaged.
    """
    return _cipher(tuple(settings.FIELD_KEYS)).decrypt(token.encode()).decode() if token else ""


def encrypt_values(values: Values) -> str:
    """Return ``values`` encrypted; "" for none."""
    return encrypt(orjson.dumps(values, option=orjson.OPT_SORT_KEYS).decode() if values else "")


def decrypt_values(token: str) -> Values:
    """Return what ``encrypt_values`` was given; none if the key is gone.

    A device can do without its passwords, but not without all its other settings.
    """
    try:
        return orjson.loads(decrypt(token) or "{}")
    except InvalidToken:
        logger.error("secret settings cannot be decrypted: SELENE_FIELD_KEY is not their key")
        return {}


@lru_cache(maxsize=4)
def _cipher(keys: tuple[str, ...]) -> MultiFernet:
    return MultiFernet([Fernet(key) for key in keys])
