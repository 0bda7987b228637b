"""Letting skills act on people's accounts elsewhere: this server as the broker of OAuth tokens.

1. Signed in, a person asks for the provider's page (``begin``). The state in its address stands for
   the account and the credential; it and the PKCE verifier wait in the row of the token.
2. The provider sends the person back with the state and a code (``finish``). The state counts once;
   the code becomes a token, which is kept encrypted.
3. Devices of the account read the access token (``access_token``), refreshed when it runs out.

Providers may rotate refresh tokens, and take the second use of one for a theft: whoever refreshes
holds the row for that time, without a transaction, and the others wait for what comes of it.
"""

import base64
import contextlib
import hashlib
import logging
import secrets
import threading
import time
from collections.abc import Iterable
from datetime import timedelta
from functools import partial
from typing import Any
from uuid import UUID

import orjson
from django.db import transaction
from django.db.models import Q, QuerySet
from django.utils import timezone

from accounts import encryption
from accounts.models import Account
from accounts.upstream import http
from market import secret_values
from market.conflicts import retried
from market.models import OAuthCredential, OAuthToken
from market.upstream import oauth_provider
from market.upstream.oauth_provider import Revocation, TokenAnswer

logger = logging.getLogger(__name__)

STATE_LIVES = timedelta(hours=1)
# Until then the page is asked for again under the same state: several tabs do not end each other's.
STATE_IS_YOUNG = STATE_LIVES / 2
LEEWAY = timedelta(minutes=1)
REFRESH_TAKES = timedelta(seconds=30)  # at most: longer than any call outside
LONGEST_WAIT, WAIT = 10.0, 0.1  # seconds
KEPT_HERE = {"refresh_token", "id_token"}


class NoToken(Exception):
    """The account has not connected, or must do it anew."""


class UnknownState(Exception):
    """The state was never given out, has lapsed, was used, or is of another account."""


class Declined(Exception):
    """The person or the provider said no; the text is fit for people."""


def find_credential(reference: str) -> OAuthCredential:
    """Return the credential with this id, or that skills refer to by this.

    The authors of released skills wrote the numbers of the first Selene into them.

    Raises:
        OAuthCredential.DoesNotExist
    """
    wanted = Q(reference=reference)
    with contextlib.suppress(ValueError):
        wanted |= Q(pk=UUID(reference))
    found = OAuthCredential.objects.filter(wanted).order_by("pk").first()
    if found is None:
        raise OAuthCredential.DoesNotExist("OAuth credential not found")
    return found


def is_connected(account: Account, credential: OAuthCredential) -> bool:
    """Tell whether there is a token that devices can use."""
    row = OAuthToken.objects.filter(account=account, credential=credential).first()
    answer = _read(row)
    return bool(answer) and not (_is_over(row) and not answer.get("refresh_token"))


def begin(account: Account, credential: OAuthCredential) -> str:
    """Return the provider's page on which ``account`` can let ``credential`` act for it."""
    row = OAuthToken.objects.filter(account=account, credential=credential).first()
    verifier = _young_verifier(row)
    if not verifier:
        verifier = _ask(account, credential)
    challenge = _base64(hashlib.sha256(verifier.encode()).digest())
    return oauth_provider.authorization_url(credential, _state(verifier), challenge)


def finish(state: str, code: str, *, refused: bool, account: Account | None) -> str:
    """Exchange ``code`` for a token of whom ``state`` stands for; return the credential's name.

    ``account`` is who is signed in, if that can be told: nobody else can bring the code of their
    account at the provider into this one.

    Raises:
        UnknownState: nothing changed.
        Declined: nothing but that the state is used up.
        http.Unavailable, http.Busy: likewise.
    """
    row, verifier = _take(state, account)
    if refused or not code:
        raise Declined(f"{row.credential} was not connected: access was not granted.")
    try:
        answer = oauth_provider.exchange(row.credential, code, verifier)
    except oauth_provider.Refused as error:
        raise Declined(f"{row.credential} was not connected: it refused the code.") from error
    if not _keep(OAuthToken.objects.filter(pk=row.pk), answer):
        _revoke_after_commit([row.credential], [answer])
        raise UnknownState
    return row.credential.name


def access_token(account: Account, credential: OAuthCredential) -> dict[str, Any]:
    """Return the token as skills read it: ``access_token``, ``expiration`` (Unix time) and so on.

    Raises:
        NoToken: there is none, or the provider takes it no more.
        http.Unavailable, http.Busy: it had to be refreshed, and could not be.
    """
    rows = OAuthToken.objects.filter(account=account, credential=credential)
    row = rows.select_related("credential").first()
    answer = _read(row)
    if row is None or not answer:
        raise NoToken
    if _is_over(row, LEEWAY):
        row, answer = _refreshed(row, answer)
    return _shown(row, answer)


def forget(tokens: QuerySet[OAuthToken]) -> None:
    """Delete ``tokens``, and have their providers forget them after the commit, if they can."""
    with transaction.atomic():
        rows = list(tokens.select_related("credential"))
        OAuthToken.objects.filter(pk__in=[row.pk for row in rows]).delete()
        _revoke_after_commit([row.credential for row in rows], [_read(row) for row in rows])


def forget_all_of(account: Account) -> None:
    """``forget`` what belongs to ``account``, which is about to be deleted."""
    forget(OAuthToken.objects.filter(account=account))


@retried
def _ask(account: Account, credential: OAuthCredential) -> str:
    """Keep a new verifier, and the state that comes of it, beside the token there may be."""
    row, _ = OAuthToken.objects.select_for_update().get_or_create(
        account=account, credential=credential
    )
    # Asked again: two tabs may open at once, and share what the first of them got.
    verifier = _young_verifier(row)
    if not verifier:
        verifier = secrets.token_urlsafe(48)
        row.state_digest = _digest(_state(verifier))
        row.encrypted_verifier = encryption.encrypt(verifier)
        row.asked_at = timezone.now()
        row.save(update_fields=["state_digest", "encrypted_verifier", "asked_at"])
    return verifier


def _young_verifier(row: OAuthToken | None) -> str:
    """Return the verifier of an asking that was begun a short while ago, "" if there is none."""
    if row is None or row.asked_at is None or row.asked_at < timezone.now() - STATE_IS_YOUNG:
        return ""
    return secret_values.decrypt_text(row.encrypted_verifier)


@transaction.atomic
def _take(state: str, account: Account | None) -> tuple[OAuthToken, str]:
    """Use up ``state``: of two that bring it, the second finds none."""
    waiting = OAuthToken.objects.filter(
        state_digest=_digest(state), asked_at__gt=timezone.now() - STATE_LIVES
    )
    if account is not None:
        waiting = waiting.filter(account=account)
    row = waiting.select_for_update(of=("self",)).select_related("credential").first()
    if row is None:
        raise UnknownState
    verifier = secret_values.decrypt_text(row.encrypted_verifier)
    row.state_digest, row.encrypted_verifier, row.asked_at = None, "", None
    row.save(update_fields=["state_digest", "encrypted_verifier", "asked_at"])
    return row, verifier


def _refreshed(row: OAuthToken, answer: TokenAnswer) -> tuple[OAuthToken, TokenAnswer]:
    """Return the row with a token that is good, whoever of those who need it refreshes it."""
    deadline = time.monotonic() + LONGEST_WAIT
    with http.slot():
        while not _claim(row):
            if time.monotonic() > deadline:
                raise http.Unavailable(row.credential.name, timed_out=True)
            time.sleep(WAIT)
            row, answer = _again(row)
            if not _is_over(row, LEEWAY):
                return row, answer
    return _refresh(row, answer)


def _claim(row: OAuthToken) -> bool:
    """Become the one who refreshes the token that ``row`` was read with."""
    now = timezone.now()
    free = Q(refreshed_until=None) | Q(refreshed_until__lt=now)
    unchanged = OAuthToken.objects.filter(pk=row.pk, encrypted_token=row.encrypted_token)
    row.refreshed_until = now + REFRESH_TAKES
    return bool(unchanged.filter(free).update(refreshed_until=row.refreshed_until))


def _refresh(row: OAuthToken, answer: TokenAnswer) -> tuple[OAuthToken, TokenAnswer]:
    """Refresh the token of ``row``, which is claimed."""
    claimed = OAuthToken.objects.filter(pk=row.pk, refreshed_until=row.refreshed_until)
    try:
        if not answer.get("refresh_token"):
            raise oauth_provider.Refused
        fresh = oauth_provider.refresh(row.credential, str(answer["refresh_token"]))
    except oauth_provider.Refused as error:
        claimed.update(encrypted_token="", expires_at=None, refreshed_until=None)
        raise NoToken from error
    except (http.Unavailable, http.Busy):
        claimed.update(refreshed_until=None)
        raise
    # Not all providers rotate: the refresh token that there was stays good then.
    kept = fresh.get("refresh_token") or answer["refresh_token"]
    _keep(claimed, fresh | {"refresh_token": kept})
    return _again(row)


def _again(row: OAuthToken) -> tuple[OAuthToken, TokenAnswer]:
    """Return ``row`` as it is now: the person may have connected anew meanwhile, or left."""
    current = OAuthToken.objects.select_related("credential").filter(pk=row.pk).first()
    answer = _read(current)
    if current is None or not answer:
        raise NoToken
    return current, answer


def _keep(rows: QuerySet[OAuthToken], answer: TokenAnswer) -> bool:
    """Keep ``answer`` in the one row of ``rows``; tell whether it is still there."""
    now = timezone.now()
    seconds = _seconds(answer.get("expires_in"))
    return bool(
        rows.update(
            encrypted_token=encryption.encrypt(orjson.dumps(answer).decode()),
            expires_at=None if seconds is None else now + timedelta(seconds=seconds),
            refreshed_until=None,
            changed_at=now,
        )
    )


def _seconds(written: object) -> int | None:
    """Return for how long a token is good, None for ever; some providers write it as text."""
    try:
        return int(min(max(float(str(written)), 0), 10 * 365 * 86_400))
    except ValueError:
        return None


def _is_over(row: OAuthToken | None, leeway: timedelta = timedelta()) -> bool:
    if row is None or row.expires_at is None:
        return False
    return row.expires_at < timezone.now() + leeway


def _shown(row: OAuthToken, answer: TokenAnswer) -> dict[str, Any]:
    """Return what a device is to know: not what could get tokens for ever."""
    shown = {key: value for key, value in answer.items() if key not in KEPT_HERE}
    if row.expires_at is None:
        return shown
    left = (row.expires_at - timezone.now()).total_seconds()
    return shown | {"expires_in": int(left), "expiration": int(row.expires_at.timestamp())}


def _read(row: OAuthToken | None) -> TokenAnswer:
    """Return what the provider answered, nothing if there is no token or its key is gone."""
    return orjson.loads(secret_values.decrypt_text(row.encrypted_token) or "{}") if row else {}


def _state(verifier: str) -> str:
    """Return the state that goes with ``verifier``, which it does not tell."""
    return _base64(hashlib.sha256(b"state " + verifier.encode()).digest())


def _digest(state: str) -> str:
    return hashlib.sha256(state.encode(errors="surrogatepass")).hexdigest()


def _base64(content: bytes) -> str:
    return base64.urlsafe_b64encode(content).decode().rstrip("=")


def _revoke_after_commit(
    credentials: Iterable[OAuthCredential], answers: Iterable[TokenAnswer]
) -> None:
    revocations = [
        revocation
        for credential, answer in zip(credentials, answers, strict=True)
        if (revocation := oauth_provider.revocation(credential, answer))
    ]
    if revocations:
        transaction.on_commit(partial(_revoke, revocations))


def _revoke(revocations: list[Revocation]) -> None:
    """Revoke aside: who deletes an account does not wait for providers."""
    threading.Thread(target=_revoke_each, args=(revocations,), daemon=True).start()


def _revoke_each(revocations: list[Revocation]) -> None:
    for revocation in revocations:
        try:
            oauth_provider.revoke(revocation)
        except (http.Unavailable, http.Busy) as error:
            logger.warning("a token could not be revoked: %s", error)
