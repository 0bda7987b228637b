from datetime import timedelta

import pytest

from accounts import security, sessions
from accounts.models import SecurityEvent, SecurityEventKind, SignInSession
from accounts.tests.factories import make_account
from accounts.tokens import RefreshToken

pytestmark = pytest.mark.django_db


def test_a_session_keeps_no_token(account):
    tokens = sessions.start(account, client="Browser", address="192.0.2.1")

    session = account.sessions.get()
    assert session.refresh_digest not in tokens.refresh
    assert len(session.refresh_digest) == 64
    assert (session.client, session.address) == ("Browser", "192.0.2.1")


def test_all_sessions_end_but_the_one_that_asked(account):
    for account_ in account, account, make_account():
        sessions.start(account_)
    mine = account.sessions.first()

    ended = sessions.end_all(account, but=mine)

    assert ended == 1
    assert list(account.sessions.filter(ended_at=None)) == [mine]
    assert SignInSession.objects.filter(ended_at=None).count() == 2


def test_a_session_ends_once(account):
    sessions.start(account)
    session = account.sessions.get()
    sessions.end(session)
    first = account.sessions.get().ended_at

    sessions.end(session)

    assert account.sessions.get().ended_at == first


def test_sessions_are_kept_until_their_last_refresh_token_has_expired(account, pass_time):
    sessions.start(account)
    pass_time(RefreshToken.lifetime - timedelta(minutes=1))
    early = sessions.purge()
    pass_time(timedelta(minutes=2))

    assert (early, sessions.purge()) == (0, 1)
    assert not account.sessions.exists()


def test_security_events_are_kept_for_ninety_days(account, pass_time):
    security.record(SecurityEventKind.LOCKED_OUT, account=account)
    pass_time(timedelta(days=89))
    early = security.purge()
    pass_time(timedelta(days=2))

    assert (early, security.purge()) == (0, 1)
    assert not SecurityEvent.objects.exists()
