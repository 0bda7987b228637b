"""Failed logins: counted by django-axes, per name and client address together, and answered here.

The settings ``AXES_USERNAME_CALLABLE`` and ``AXES_LOCKOUT_CALLABLE`` name the first two functions.
"""

from datetime import timedelta

from axes.models import AccessAttempt
from django.conf import settings
from django.db import transaction
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.utils import timezone

from accounts import client, security
from accounts.models import Account, SecurityEvent, SecurityEventKind

NAME_LENGTH = 255  # of axes' column
MESSAGE = "too many failed logins, try again later"


def name_tried(request: HttpRequest, credentials: dict[str, str] | None) -> str:
    """Return the name that failures are counted under: one for all ways to write an address."""
    given = credentials or {}
    return (given.get("username") or given.get("email") or "").strip().lower()[:NAME_LENGTH]


def answer(
    request: HttpRequest, response: HttpResponse, credentials: dict[str, str] | None
) -> HttpResponse:
    """Answer 429 instead of ``response``; keep an event, once a lockout.

    It is the same for names that have an account and names that have none.
    """
    name, address = name_tried(request, credentials), client.address(request)
    refusal: HttpResponse
    if request.path.startswith("/api/"):
        refusal = JsonResponse({"error": MESSAGE}, status=429)
    else:
        refusal = HttpResponse(MESSAGE, status=429, content_type="text/plain")
    refusal["Retry-After"] = str(_note(name, address))
    return refusal


def forget(name: str, address: str | None) -> None:
    """Count from zero: ``name`` has just signed in from ``address``."""
    tried = name_tried(HttpRequest(), {"username": name})
    AccessAttempt.objects.filter(username=tried, ip_address=address).delete()


def lift(account: Account) -> int:
    """Count failures of ``account`` from zero; return from how many addresses there were any."""
    tried = name_tried(HttpRequest(), {"username": account.email})
    return AccessAttempt.objects.filter(username=tried).delete()[0]


def purge() -> int:
    """Forget failures that no longer count; return how many names and addresses they were of."""
    limit = timezone.now() - settings.AXES_COOLOFF_TIME
    return AccessAttempt.objects.filter(attempt_time__lt=limit).delete()[0]


@transaction.atomic
def _note(name: str, address: str | None) -> int:
    """Keep the event if it is not kept yet; return how many seconds the lockout still lasts."""
    span: timedelta = settings.AXES_COOLOFF_TIME
    now = timezone.now()
    # Locked, so that of several requests that fail together one keeps the event.
    attempts = AccessAttempt.objects.select_for_update().filter(username=name, ip_address=address)
    last_failure = max((attempt.attempt_time for attempt in attempts), default=now)
    is_noted = SecurityEvent.objects.filter(
        kind=SecurityEventKind.LOCKED_OUT,
        address=address,
        detail__name=name,
        happened_at__gte=last_failure - span,
    ).exists()
    if not is_noted:
        account = Account.objects.with_email(name).first()
        security.record(
            SecurityEventKind.LOCKED_OUT, account=account, address=address, detail={"name": name}
        )
    return max(1, int((last_failure + span - now).total_seconds()))
