"""Saved rows for tests; what a test does not name is valid and none of its business."""

from functools import cache
from itertools import count

from django.conf import settings
from django.contrib.auth.hashers import make_password
from django.utils import timezone

from accounts.models import Account, Agreement, AgreementType, Membership, Subscription

PASSWORD = "correct horse battery"

_numbers = count(1)


def make_account(email=None, password=PASSWORD, **fields):
    """Save an account that can sign in with ``PASSWORD``."""
    email = email or f"owner{next(_numbers)}@selene.test"
    hashed = _hashed(password, settings.PASSWORD_HASHERS[0])
    return Account.objects.create(email=email, password=hashed, **fields)


@cache
def _hashed(password, hasher):
    """Hash a password once: it is slow on purpose, and most tests never sign in."""
    return make_password(password)


def make_agreement(type=AgreementType.TERMS_OF_USE, version="1", effective_on=None, **fields):
    """Publish a version of an agreement, in force from today."""
    fields.setdefault("content", f"# {type}\n\nYou agree.")
    day = effective_on or timezone.now().date()
    return Agreement.objects.create(type=type, version=version, effective_on=day, **fields)


def make_membership(type="Monthly Membership", **fields):
    """Save something to pay for."""
    defaults = {"rate": "1.99", "rate_period": "month", "stripe_plan": f"plan of {type}"}
    return Membership.objects.create(type=type, **(defaults | fields))


def make_subscription(account, membership=None, **fields):
    """Let ``account`` pay for a membership, from now."""
    defaults = {
        "membership": membership or make_membership(),
        "payment_method": "Stripe",
        "payment_account_id": "cus_1",
        "payment_id": f"sub_{next(_numbers)}",
    }
    return Subscription.objects.create(account=account, **(defaults | fields))
