"""Clearing away what has expired."""

from accounts import lockout, security, sessions
from devices import pairing, tokens
from market import registry
from operations import jobs


def purge() -> dict[str, int]:
    """Delete what has expired; return how many of what."""
    return {
        "pairing sessions": pairing.purge(),
        "device tokens": tokens.purge(),
        "sign-in sessions": sessions.purge(),
        "security events": security.purge(),
        "failed logins": lockout.purge(),
        "unused skills and definitions": registry.purge_unused(),
        "job runs": jobs.purge(),
    }
