"""Clearing away what has expired."""

from django.contrib.sessions.models import Session
from django.utils import timezone

from accounts import audit, email_changes, gifts, lockout, mail, security, sessions
from devices import metrics, pairing, tokens
from market import registry
from operations import jobs, orders
from sso import social


def purge() -> dict[str, int]:
    """Delete what has expired, end what was given to a day that is over; return how many."""
    return {
        "pairing sessions": pairing.purge(),
        "device tokens": tokens.purge(),
        "sign-in sessions": sessions.purge(),
        "security events": security.purge(),
        "metrics and interactions": metrics.purge(),
        "failed logins": lockout.purge(),
        "mails": mail.purge(),
        "changes of address": email_changes.purge(),
        "memberships given": gifts.end_due(),
        "federated logins begun": social.purge(),
        "browser sessions": Session.objects.filter(expire_date__lt=timezone.now()).delete()[0],
        "unused skills and definitions": registry.purge_unused(),
        "audit log": audit.purge(),
        "job runs": jobs.purge() + orders.purge(),
    }
