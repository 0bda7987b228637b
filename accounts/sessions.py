"""Sessions of signed-in accounts: start, recognise, exchange, end.

1. ``start`` opens a session and gives its first pair of tokens.
2. ``recognise`` takes an access token for as long as the session is open.
3. ``exchange`` takes the session's refresh token, once, for a new pair. Whoever shows one that was
   exchanged already may have stolen it, so that ends the session for both.
4. ``end`` and ``end_all`` close sessions; their tokens are refused from then on.
"""

import hashlib
import hmac
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from django.db import IntegrityError, transaction
from django.db.models import QuerySet, UUIDField
from django.utils import timezone
from rest_framework_simplejwt.exceptions import ExpiredTokenError, TokenError

from accounts import security
from accounts.models import Account, SecurityEventKind, SignInSession
from accounts.prepared import Given, PreparedQuery
from accounts.tokens import AccessToken, RefreshToken

# A page sends several requests at once: all but the first arrive with a token exchanged by then.
PAGE_LOAD = timedelta(seconds=10)


class NotRecognised(Exception):
    """The token is not good for a signed-in account; the text says why."""


class SessionEnded(NotRecognised):
    """Neither token of the session is good any more."""


class AccessExpired(NotRecognised):
    """The access token was good once; a refresh token may still be."""


@dataclass(frozen=True)
class Tokens:
    """What a client holds; without ``refresh`` it keeps the one it has or is about to get."""

    access: str
    refresh: str | None


def start(account: Account, *, client: str = "", address: str | None = None) -> Tokens:
    """Open a session of ``account`` for the program ``client`` (its User-Agent) at ``address``.

    Raises:
        NotRecognised: the account was deleted just now.
    """
    session = SignInSession(account=account, client=client[:200], address=address or None)
    refresh = _refresh_token(session)
    try:
        session.save(force_insert=True)
    except IntegrityError as error:
        raise NotRecognised("the account is gone") from error
    return Tokens(str(_access_token(session)), str(refresh))


def recognise(access: str) -> SignInSession:
    """Return the open session, with its account, that ``access`` belongs to.

    Raises:
        AccessExpired: ``access`` is too old, which an exchange can mend.
        NotRecognised: forged, of another type, or its session has ended.
    """
    try:
        token = AccessToken.read(access)
    except ExpiredTokenError as error:
        raise AccessExpired("access token expired") from error
    except TokenError as error:
        raise NotRecognised("invalid access token") from error
    session = _OPEN_SESSION.first(pk=_session_id(token))
    if session is None:
        raise SessionEnded("session has ended")
    return session


def exchange(
    refresh: str, *, arrived_at: datetime, from_page: bool = False, address: str | None = None
) -> tuple[SignInSession, Tokens]:
    """Take ``refresh``, once, for new tokens.

    A request that arrived before another's exchange was done, or within ``PAGE_LOAD`` of it from
    the same page (``from_page``: the browser vouches for that), is its companion and not a thief:
    it gets an access token, and the refresh token comes with the other one's answer.

    Raises:
        NotRecognised: nothing was issued; a reused token has ended its session.
    """
    try:
        token = RefreshToken.read(refresh)
    except TokenError as error:
        raise NotRecognised("invalid refresh token") from error
    with transaction.atomic():
        session = (
            _open_sessions().select_for_update(of=("self",)).filter(pk=_session_id(token)).first()
        )
        if session is None:
            raise SessionEnded("session has ended")
        if hmac.compare_digest(session.refresh_digest, _digest(token["jti"])):
            return session, _renew(session)
        if _came_alongside(session, arrived_at, from_page=from_page):
            return session, Tokens(str(_access_token(session)), None)
        end(session)
        security.record(SecurityEventKind.REFRESH_REUSED, account=session.account, address=address)
    raise SessionEnded("refresh token was used before")


def end(session: SignInSession) -> bool:
    """Close ``session``: its tokens are refused from now on. Return whether it was open."""
    row = SignInSession.objects.filter(pk=session.pk, ended_at=None)
    return bool(row.update(ended_at=timezone.now()))


def end_all(account: Account, *, but: SignInSession | None = None) -> int:
    """Close the sessions of ``account``, all or all ``but`` one; return how many."""
    sessions = account.sessions.filter(ended_at=None)
    if but is not None:
        sessions = sessions.exclude(pk=but.pk)
    return sessions.update(ended_at=timezone.now())


def purge() -> int:
    """Delete sessions whose last refresh token has expired; return how many."""
    limit = timezone.now() - RefreshToken.lifetime
    return SignInSession.objects.filter(last_used_at__lt=limit).delete()[0]


def _open_sessions() -> QuerySet[SignInSession]:
    return SignInSession.objects.select_related("account").filter(
        ended_at=None, account__is_active=True
    )


_OPEN_SESSION: PreparedQuery[SignInSession] = PreparedQuery(
    lambda: _open_sessions().filter(pk=Given("pk", UUIDField())).order_by()
)


def _renew(session: SignInSession) -> Tokens:
    refresh = _refresh_token(session)
    session.exchanged_at = session.last_used_at = timezone.now()
    session.save(update_fields=["refresh_digest", "exchanged_at", "last_used_at"])
    return Tokens(str(_access_token(session)), str(refresh))


def _came_alongside(session: SignInSession, arrived_at: datetime, *, from_page: bool) -> bool:
    if session.exchanged_at is None:
        return False
    allowance = PAGE_LOAD if from_page else timedelta()
    return arrived_at <= session.exchanged_at + allowance


def _refresh_token(session: SignInSession) -> RefreshToken:
    """Return a new refresh token and note its digest on ``session``, unsaved."""
    token = RefreshToken()
    token["sub"], token["sid"] = str(session.account_id), str(session.pk)
    session.refresh_digest = _digest(token["jti"])
    return token


def _access_token(session: SignInSession) -> AccessToken:
    token = AccessToken()
    token["sub"], token["sid"] = str(session.account_id), str(session.pk)
    return token


def _session_id(token: AccessToken | RefreshToken) -> UUID:
    try:
        return UUID(str(token["sid"]))
    except (KeyError, ValueError) as error:
        raise NotRecognised("token names no session") from error


def _digest(token_id: str) -> str:
    return hashlib.sha256(token_id.encode()).hexdigest()
