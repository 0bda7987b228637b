"""Reading environment variables so that a malformed one stops the start with its name."""

import binascii
from base64 import urlsafe_b64decode
from datetime import time
from ipaddress import IPv4Network, IPv6Network, ip_network
from typing import Any
from urllib.parse import quote, urlsplit

import environ
from django.core.exceptions import ImproperlyConfigured

BOOLEANS = dict.fromkeys(environ.Env.BOOLEAN_TRUE_STRINGS, True)
BOOLEANS |= dict.fromkeys(("false", "off", "n", "no", "0", ""), False)
LOG_LEVELS = ("DEBUG", "INFO", "WARNING", "ERROR", "CRITICAL")


class Env(environ.Env):
    """django-environ, naming the variable whose value cannot be read.

    A value is what it says: django-environ's own ``get_value`` takes a password that begins with
    ``$`` for the name of another variable.
    """

    def get_value(self, var: Any, cast: Any = None, default: Any = None, **_: Any) -> Any:  # noqa: ANN401
        value = self.ENVIRON.get(var)
        if value is None:
            return default
        try:
            return self.parse_value(value, cast)
        except (ValueError, TypeError) as error:
            raise ImproperlyConfigured(f"{var}: {error}") from error

    @classmethod
    def parse_value(cls, value: Any, cast: Any) -> Any:  # noqa: ANN401
        if cast is bool:
            if value.strip().lower() not in BOOLEANS:
                raise ValueError(f"{value!r} is neither true nor false")
            return BOOLEANS[value.strip().lower()]
        if cast is list:
            return [part.strip() for part in value.split(",") if part.strip()]
        return super().parse_value(value, cast)

    def choice(self, var: str, choices: tuple[str, ...], default: str) -> str:
        """Return the value of ``var``, which must be one of ``choices``."""
        value = self.str(var, default=default)
        if value not in choices:
            raise ImproperlyConfigured(f"{var}: {value!r} is not one of {', '.join(choices)}")
        return value

    def base_url(self, var: str, default: str) -> str:
        """Return the value of ``var``, an http or https URL, without a slash at its end.

        Where the default is "", so may the value be: there is no such service.
        """
        value = self.str(var, default=default).rstrip("/")
        if not value and not default:
            return ""
        parts = urlsplit(value)
        if parts.scheme not in ("http", "https") or not parts.hostname:
            raise ImproperlyConfigured(f"{var}: {value!r} does not begin with http:// or https://")
        return value


def database_url(env: Env, default: str) -> str:
    """Return ``DATABASE_URL``, or one made of the first Selene's ``DB_*`` variables."""
    url = env.str("DATABASE_URL", default="")
    host = env.str("DB_HOST", default="")
    if url:
        return _of_scheme("DATABASE_URL", url, "postgres://", "postgresql://", "sqlite://")
    if not host:
        return default
    user, password = env.str("DB_USER", default="selene"), env.str("DB_PASSWORD", default="")
    port, name = env.int("DB_PORT", default=5432), env.str("DB_NAME", default="mycroft")
    return f"postgres://{quote(user, '')}:{quote(password, '')}@{host}:{port}/{quote(name, '')}"


def redis_url(env: Env) -> str:
    """Return ``REDIS_URL``, or one made of ``REDIS_HOST`` and ``REDIS_PORT``; "" for no Redis."""
    url, host = env.str("REDIS_URL", default=""), env.str("REDIS_HOST", default="")
    if url:
        return _of_scheme("REDIS_URL", url, "redis://", "rediss://", "unix://")
    return f"redis://{host}:{env.int('REDIS_PORT', default=6379)}/0" if host else ""


def _of_scheme(var: str, url: str, *beginnings: str) -> str:
    """Return ``url`` if it begins as it must; the error keeps the password that may be in it."""
    if not url.startswith(beginnings):
        raise ImproperlyConfigured(f"{var}: does not begin with {' or '.join(beginnings)}")
    return url


def fernet_keys(var: str, value: str) -> list[str]:
    """Return the keys in ``value``, separated by commas, each 32 bytes in URL-safe base64."""
    keys = [key.strip() for key in value.split(",")]
    for key in keys:
        try:
            is_key = len(urlsafe_b64decode(key)) == 32
        except (ValueError, binascii.Error):
            is_key = False
        if not is_key:
            raise ImproperlyConfigured(f"{var}: a key is not 32 bytes in URL-safe base64")
    return keys


def networks(var: str, values: list[str]) -> list[IPv4Network | IPv6Network]:
    """Return addresses and networks such as ``10.0.0.7`` and ``10.0.0.0/8``."""
    try:
        return [ip_network(value) for value in values]
    except ValueError as error:
        raise ImproperlyConfigured(f"{var}: {error}") from error


def schedule(var: str, entries: list[str]) -> dict[str, time | None]:
    """Return by job when it runs, of entries such as ``load_skills=05:30``; None for ``=off``."""
    times: dict[str, time | None] = {}
    for entry in entries:
        job, _, at = (part.strip() for part in entry.partition("="))
        try:
            times[job] = None if at == "off" else time.fromisoformat(at)
        except ValueError as error:
            raise ImproperlyConfigured(
                f"{var}: {entry!r} is not as job=05:30 or job=off"
            ) from error
    return times
