"""Values that must not lie in the database as anyone can read them."""

from functools import lru_cache

from cryptography.fernet import Fernet, MultiFernet
from django.conf import settings


def encrypt(text: str) -> str:
    """Return ``text`` as only the holder of the field key can read it; "" stays ""."""
    return _cipher(tuple(settings.FIELD_KEYS)).encrypt(text.encode()).decode() if text else ""


def decrypt(token: str) -> str:
    """Return what ``encrypt`` was given, under any key that is still configured.

    Raises:
        InvalidToken: made under another key, or damaged.
    """
    return _cipher(tuple(settings.FIELD_KEYS)).decrypt(token.encode()).decode() if token else ""


@lru_cache(maxsize=4)
def _cipher(keys: tuple[str, ...]) -> MultiFernet:
    return MultiFernet([Fernet(key) for key in keys])
