"""Two-step login of staff: after the password a code of an app (TOTP, RFC 6238).

1. ``begin`` makes a key, shown as a picture that the app reads; it counts nothing yet.
2. ``confirm`` takes the first code, and gives recovery codes for the day the phone is lost.
3. ``verify`` takes a code at each login: of the app, each once, or a recovery code.

The key lies encrypted in the database, the recovery codes as digests. Wrong codes have to be waited
for, twice as long each time, however often the password is given between them.
"""

import hashlib
import secrets
import time
from base64 import b32encode
from urllib.parse import quote, urlencode

import segno
from django.conf import settings
from django.db import transaction
from django_otp.oath import TOTP

from accounts import encryption, security
from accounts.models import Account, RecoveryCode, SecurityEventKind, TwoStep

KEY_BYTES = 20  # as RFC 4226 wants
STEP = 30  # seconds
TOLERANCE = 1  # steps that a clock may be off
RECOVERY_CODES = 10


class WrongCode(Exception):
    """Neither the app's code of now, nor an unused recovery code."""


class TooSoon(WrongCode):
    """Not looked at: after wrong codes one has to wait."""


def of(account: Account) -> TwoStep | None:
    """Return what ``account`` has to prove at login, if anything."""
    return TwoStep.objects.filter(user=account, confirmed=True).first()


def is_required(account: Account) -> bool:
    """Tell whether ``account`` may not do without."""
    return settings.STAFF_TWO_STEP and account.is_staff


@transaction.atomic
def begin(account: Account, begun: str | None = None) -> TwoStep:
    """Return a set-up for ``account``: the one ``begun`` (its key), else a new one.

    The same one until it is confirmed, since a page that is loaded again must not void the picture
    that the app has read. But a picture that was shown in another session may be known to others.
    """
    pending = TwoStep.objects.filter(user=account, confirmed=False)
    pending.exclude(pk=begun).delete()
    key = encryption.encrypt(secrets.token_bytes(KEY_BYTES).hex())
    # With "confirmed" among the conditions, since a key in force is not shown again.
    return TwoStep.objects.get_or_create(
        user=account, confirmed=False, defaults={"encrypted_key": key}
    )[0]


def key_text(two_step: TwoStep) -> str:
    """Return the key as people type it into an app that cannot see the picture."""
    text = b32encode(_key(two_step)).decode().rstrip("=")
    return " ".join(text[start : start + 4] for start in range(0, len(text), 4))


def picture(two_step: TwoStep) -> str:
    """Return the QR code, as SVG, of the address in which apps expect the key.

    Of the format: https://github.com/google/google-authenticator/wiki/Key-Uri-Format
    """
    issuer = settings.INSTALLATION_NAME.replace(":", "")
    label = quote(f"{issuer}:{two_step.user.email}")
    query = urlencode({"secret": key_text(two_step).replace(" ", ""), "issuer": issuer})
    code = segno.make(f"otpauth://totp/{label}?{query}", error="m")
    return code.svg_inline(scale=5, light="white", title="QR code for the app", svgclass=None)


def confirm(two_step: TwoStep, code: str, *, address: str | None = None) -> list[str]:
    """Put ``two_step`` into force, given a ``code`` of it; return its recovery codes.

    Raises:
        WrongCode: nothing changed, but that the next try has to wait.
    """
    _try(two_step, code, with_recovery_codes=False)
    two_step.confirmed = True
    two_step.save(update_fields=["confirmed"])
    security.record(SecurityEventKind.TWO_STEP_SET_UP, account=two_step.user, address=address)
    return renew_recovery_codes(two_step)


def verify(two_step: TwoStep, code: str, *, address: str | None = None) -> None:
    """Accept ``code``, which is used up then.

    Raises:
        WrongCode: it is on record, and the next try has to wait.
    """
    try:
        is_recovery = _try(two_step, code, with_recovery_codes=True)
    except TooSoon:
        raise
    except WrongCode:
        security.record(SecurityEventKind.TWO_STEP_FAILED, account=two_step.user, address=address)
        raise
    if is_recovery:
        kind = SecurityEventKind.RECOVERY_CODE_USED
        security.record(kind, account=two_step.user, address=address)


@transaction.atomic
def renew_recovery_codes(two_step: TwoStep) -> list[str]:
    """Return new recovery codes; the old ones are void, and these cannot be shown again."""
    codes = [_recovery_code() for _ in range(RECOVERY_CODES)]
    two_step.recovery_codes.all().delete()
    RecoveryCode.objects.bulk_create(
        RecoveryCode(two_step=two_step, digest=_digest(code)) for code in codes
    )
    return codes


@transaction.atomic
def remove(account: Account, *, address: str | None = None) -> bool:
    """Let ``account`` sign in by its password alone, or set up anew; tell whether that is news."""
    removed, _ = TwoStep.objects.filter(user=account).delete()
    if removed:
        security.record(SecurityEventKind.TWO_STEP_REMOVED, account=account, address=address)
    return bool(removed)


def _try(two_step: TwoStep, code: str, *, with_recovery_codes: bool) -> bool:
    """Use ``code`` up, and tell whether it was a recovery code.

    Raises:
        WrongCode: the failure is counted; or TooSoon, and nothing is.
    """
    typed = "".join(code.split()).replace("-", "").lower()
    with transaction.atomic():
        # Locked, so that of two requests with one code one is accepted, and each failure counts.
        row = TwoStep.objects.select_for_update().get(pk=two_step.pk)
        if not row.verify_is_allowed()[0]:
            raise TooSoon
        is_recovery = with_recovery_codes and _use_recovery_code(row, typed)
        is_right = is_recovery or _use_code(row, typed)
        if is_right:
            row.throttle_reset(commit=False)
        else:
            row.throttle_increment(commit=False)
        row.save(
            update_fields=["last_step", "throttling_failure_timestamp", "throttling_failure_count"]
        )
    # Outside: what was counted must not be rolled back.
    if not is_right:
        raise WrongCode
    return is_recovery


def _use_code(two_step: TwoStep, typed: str) -> bool:
    if not (typed.isascii() and typed.isdigit() and len(typed) == 6):
        return False
    codes = TOTP(_key(two_step), step=STEP)
    codes.time = time.time()
    is_right = codes.verify(int(typed), tolerance=TOLERANCE, min_t=two_step.last_step + 1)
    if is_right:
        two_step.last_step = codes.t()  # of the code, wherever its clock is
    return is_right


def _use_recovery_code(two_step: TwoStep, typed: str) -> bool:
    return bool(two_step.recovery_codes.filter(digest=_digest(typed)).delete()[0])


def _recovery_code() -> str:
    """Return 80 random bits, as people can copy them."""
    text = b32encode(secrets.token_bytes(10)).decode().lower()
    return "-".join(text[start : start + 4] for start in range(0, len(text), 4))


def _digest(code: str) -> str:
    return hashlib.sha256(code.replace("-", "").encode()).hexdigest()


def _key(two_step: TwoStep) -> bytes:
    return bytes.fromhex(encryption.decrypt(two_step.encrypted_key))
