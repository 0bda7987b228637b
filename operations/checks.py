"""What an installation must not be served with, beyond Django's own checks of a deployment."""

import ipaddress
from urllib.parse import urlsplit

from django.conf import settings
from django.core.checks import CheckMessage, Error, Warning, register

from operations import scheduler

SECRETS = ("SECRET_KEY", "JWT_ACCESS_SECRET", "JWT_REFRESH_SECRET", "JWT_RESET_SECRET")
VARIABLES = {"SECRET_KEY": "DJANGO_SECRET_KEY"}  # where the name differs
TAG = "operations"
SHORTEST = 32  # characters
HOME_NAMES = (".local", ".lan", ".home", ".internal", ".home.arpa")
GENERATE = "make one: python3 -c 'import secrets; print(secrets.token_urlsafe(48))'"


@register(TAG, deploy=True)
def check_secrets(**_: object) -> list[CheckMessage]:
    """Find secrets that can be guessed, or that one leak would give away with another."""
    values = {name: getattr(settings, name) for name in SECRETS}
    found: list[CheckMessage] = []
    for name, value in values.items():
        variable = VARIABLES.get(name, name)
        if len(value) < SHORTEST:
            short = f"{variable} is shorter than {SHORTEST} characters;"
            found.append(Error(short, hint=GENERATE, id="operations.E001"))
        if list(values.values()).count(value) > 1:
            repeated = f"{variable} is the same as another secret;"
            found.append(Error(repeated, hint=GENERATE, id="operations.E002"))
    return found


@register(TAG, deploy=True)
def check_shape(**_: object) -> list[CheckMessage]:
    """Find what works for a household only: without Redis each process has its own cache."""
    if settings.WORKERS > 1 and not settings.REDIS_URL:
        several = f"SELENE_WORKERS is {settings.WORKERS}, but REDIS_URL is not set:"
        hint = "several processes need it to share a cache. Set it, or have one worker."
        return [Error(several, hint=hint, id="operations.E003")]
    return []


@register(TAG, deploy=True)
def check_public_site(**_: object) -> list[CheckMessage]:
    """Find what is fine at home, but not on a site that is public enough to have https."""
    if not settings.IS_HTTPS:
        return []
    found: list[CheckMessage] = []
    if settings.SECRETS_FROM_FILE:
        kept = "ACCOUNT_BASE_URL is https, but some secret is kept in the data folder;"
        where = "set DJANGO_SECRET_KEY, the three JWT_*_SECRET and SELENE_FIELD_KEY."
        found.append(Error(kept, hint=where, id="operations.E004"))
    if "*" in settings.ALLOWED_HOSTS:
        hosts = "ACCOUNT_BASE_URL is https, but SELENE_ALLOWED_HOSTS allows any;"
        found.append(Error(hosts, hint="name the hosts you serve.", id="operations.E005"))
    if settings.DEBUG:
        debug = "SELENE_DEBUG is on, but ACCOUNT_BASE_URL is https;"
        found.append(Error(debug, hint="error pages would show secrets.", id="operations.E006"))
    if not settings.PROXIES:
        proxies = "ACCOUNT_BASE_URL is https, but SELENE_PROXIES is 0;"
        hint = "set how many proxies stand before us, or all clients seem to be one."
        found.append(Warning(proxies, hint=hint, id="operations.W002"))
    return found


@register(TAG, deploy=True)
def check_base_url(**_: object) -> list[CheckMessage]:
    """Find passwords that cross the internet in the clear."""
    host = urlsplit(settings.ACCOUNT_BASE_URL).hostname or ""
    if settings.IS_HTTPS or is_private(host):
        return []
    public = f"ACCOUNT_BASE_URL is http on the public name {host};"
    return [Warning(public, hint="passwords cross the net in the clear.", id="operations.W001")]


def is_private(host: str) -> bool:
    """Tell whether only machines nearby can know ``host``."""
    try:
        return not ipaddress.ip_address(host).is_global
    except ValueError:
        return "." not in host or host.endswith(
            (".local", ".lan", ".home", ".internal", ".home.arpa")
        )


@register(TAG, deploy=True)
def check_schedule(**_: object) -> list[CheckMessage]:
    """Find a schedule of jobs that there are not, which would silently do nothing."""
    if not (names := scheduler.misnamed()):
        return []
    wrong = f"SELENE_SCHEDULE: {', '.join(names)}: no daily job of this installation;"
    hint = "docs/operating.md lists them."
    return [Error(wrong, hint=hint, id="operations.E007")]
