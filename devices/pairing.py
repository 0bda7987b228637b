"""Pairing a device with an account.

1. ``issue_code``: the device gets a code, which it reads out, and a token, which it keeps.
2. ``claim_code``: a person types the code; the account now has the device.
3. ``activate``: the device, asking every ten seconds, proves with token and state that it is the
   one that showed the code, and gets its first access and refresh tokens.
"""

import hmac
import secrets
from contextlib import nullcontext
from datetime import timedelta

from django.db import IntegrityError, connection, transaction
from django.utils.timezone import now

from accounts.models import Account
from accounts.prepared_insert import PreparedInsert
from devices import pantacor, platforms, tokens
from devices.models import (
    Device,
    PairingSession,
    PairingSessionQuerySet,
    Voice,
    WakeWord,
)
from geography.models import City, Timezone

CODE_ALPHABET = "ACEFHJKLMNPRTUVWXY3479"  # easy to hear and to read
CODE_LENGTH = 6
LIFETIME = timedelta(days=1)
# How long a device that missed the answer to its activation may ask for it again.
REPEATABLE = timedelta(minutes=10)
ATTEMPTS = 20
_ADD = PreparedInsert(PairingSession)


class UnknownCode(Exception):
    """The code was never issued, has lapsed, or is claimed already."""


class NameTaken(Exception):
    """The account has a device of this name; the code can still be claimed."""


class NotActivated(Exception):
    """Nobody has claimed the code yet, or token and state are not those of a session."""


def issue_code(state: str, packaging: str = "") -> tuple[PairingSession, str]:
    """Return a new session with its code, and the token that only the device may know."""
    token = secrets.token_hex(tokens.TOKEN_BYTES)
    session = PairingSession(
        token_digest=tokens.digest(token),
        state_digest=tokens.digest(state),
        packaging=packaging,
        expires_at=now() + LIFETIME,
    )
    for _ in range(ATTEMPTS):
        session.code = "".join(secrets.choice(CODE_ALPHABET) for _ in range(CODE_LENGTH))
        try:
            _insert(session)
        except IntegrityError:
            # Somebody shows this code; if it lapsed, nobody will miss it.
            _lapsed().filter(code=session.code).delete()
        else:
            return session, token
    raise RuntimeError("no free pairing code found")


def is_claimable(code: str) -> bool:
    """Tell whether a device shows ``code``, whatever that is, now."""
    if "\x00" in code:  # PostgreSQL would not even look
        return False
    return PairingSession.objects.live().filter(code=code, device=None).exists()


@transaction.atomic
def claim_code(
    account: Account,
    code: str,
    *,
    name: str,
    wake_word: WakeWord,
    voice: Voice,
    city: City | None,
    timezone: Timezone | None,
    placement: str = "",
    pantacor_wishes: dict[str, str | bool] | None = None,
) -> Device:
    """Give ``account`` the device that read out ``code``.

    Raises:
        UnknownCode: nothing changed.
        NameTaken: nothing changed; the owner may choose another name.
    """
    # Locked, because two browsers can submit one code in the same second.
    session = (
        PairingSession.objects.live().select_for_update().filter(code=code, device=None).first()
    )
    if session is None:
        raise UnknownCode
    try:
        with transaction.atomic():
            device = Device.objects.create(
                account=account,
                name=name,
                wake_word=wake_word,
                voice=voice,
                city=city,
                timezone=timezone,
                placement=placement,
            )
    except IntegrityError as error:
        raise NameTaken from error
    session.device, session.code = device, None
    session.expires_at = now() + LIFETIME
    session.pantacor_wishes = pantacor_wishes or None
    session.save(update_fields=["device", "code", "expires_at", "pantacor_wishes"])
    return device


@transaction.atomic
def activate(
    token: str, state: str, *, pantacor_id: str = "", **versions: str
) -> tokens.IssuedTokens:
    """Give the claimed device its tokens and note its platform and versions.

    The same call within ``REPEATABLE`` gives tokens anew, because the answer may have been lost.
    ``versions`` are fields of Device.

    Raises:
        NotActivated: the device may ask again, until it shows another code.
    """
    sessions = PairingSession.objects.live().filter(token_digest=tokens.digest(token))
    try:
        # The device before its session, as whoever removes it does.
        device = tokens.lock(Device.objects.filter(pairing_session__in=sessions))
    except tokens.NotRecognised as error:
        raise NotActivated from error
    session = sessions.filter(device=device).first()
    if session is None or not hmac.compare_digest(session.state_digest, tokens.digest(state)):
        raise NotActivated
    if session.activated_at is None:
        session.activated_at = now()
        session.save(update_fields=["activated_at"])
        platforms.note(device, **versions)
        if pantacor_id:
            pantacor.note(device, pantacor_id)
    elif now() - session.activated_at > REPEATABLE:
        raise NotActivated
    return tokens.issue(device)


def purge() -> int:
    """Delete sessions that lapsed, claimed or not; return how many."""
    return _lapsed().delete()[0]


def _insert(session: PairingSession) -> None:
    """Insert ``session``, so that it can be tried again if another has its code.

    Of a transaction around it a savepoint keeps the rest; without one, the statement is its own.
    """
    with transaction.atomic() if connection.in_atomic_block else nullcontext():
        _ADD(session)


def _lapsed() -> PairingSessionQuerySet:
    return PairingSession.objects.filter(expires_at__lte=now())
