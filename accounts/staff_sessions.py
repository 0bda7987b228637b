"""Who is signed in to the back office: with a password, with a code, not for too long.

These are Django's sessions, kept in the database. One ends when it is not used for
``SELENE_STAFF_SESSION_MINUTES``, with the password (Django sees to that), and with the right to use
the back office.
"""

import time

from django.contrib.auth import SESSION_KEY
from django.contrib.sessions.models import Session
from django.http import HttpRequest
from django.utils import timezone

from accounts import client, security, two_step
from accounts.models import Account, SecurityEventKind, TwoStep

USED_AT = "staff_used_at"
TWO_STEP = "staff_two_step"
BEGUN = "staff_two_step_begun"
FRESH = 60  # seconds within which a session is not written anew


def begin(request: HttpRequest, user: Account, **_: object) -> None:
    """Note that ``user`` has just given the right password; a receiver of Django's signal."""
    request.session[USED_AT] = int(time.time())
    if two_step.of(user) is None and not two_step.is_required(user):
        _note_sign_in(request, user)


def prove(request: HttpRequest, proof: TwoStep) -> None:
    """Note that the second step is done too."""
    request.session.cycle_key()
    request.session[TWO_STEP] = str(proof.pk)
    request.session.pop(BEGUN, None)
    _note_sign_in(request, proof.user)


def note_use(request: HttpRequest) -> None:
    """Let the session go on: its time runs from when it was last written."""
    now = int(time.time())
    if not 0 <= now - request.session.get(USED_AT, 0) < FRESH:
        request.session[USED_AT] = now


def is_staff(request: HttpRequest) -> bool:
    """Tell whether a staff member's password was given."""
    return bool(request.user.is_active and getattr(request.user, "is_staff", False))


def needs(request: HttpRequest) -> TwoStep | None:
    """Return whose code is asked for before the back office opens, if one is."""
    proof = _two_step_of(request)
    if proof is None or request.session.get(TWO_STEP) == str(proof.pk):
        return None
    return proof


def needs_set_up(request: HttpRequest) -> bool:
    """Tell whether the back office opens only once two-step login is set up."""
    return _two_step_of(request) is None and two_step.is_required(_account(request))


def end_all(account: Account) -> int:
    """Sign ``account`` out of the back office; return from how many browsers.

    Sessions do not tell whose they are before they are read. There are few: staff's of the last
    hour, and people under way to another platform's login.
    """
    live = Session.objects.filter(expire_date__gt=timezone.now())
    keys = [
        session.session_key
        for session in live.iterator()
        if session.get_decoded().get(SESSION_KEY) == str(account.pk)
    ]
    return Session.objects.filter(pk__in=keys).delete()[0]


def _two_step_of(request: HttpRequest) -> TwoStep | None:
    """Return the two-step login in force of who asks; looked up once a request."""
    if not hasattr(request, "_two_step"):
        request._two_step = two_step.of(_account(request))  # type: ignore[attr-defined]
    return request._two_step  # type: ignore[attr-defined]


def _account(request: HttpRequest) -> Account:
    return request.user  # type: ignore[return-value]


def _note_sign_in(request: HttpRequest, user: Account) -> None:
    security.record(
        SecurityEventKind.STAFF_SIGNED_IN, account=user, address=client.address(request)
    )
