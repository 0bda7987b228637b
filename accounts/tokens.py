"""The JWTs of accounts, each of its own type: one is never good for what another is for."""

from datetime import timedelta
from functools import cache
from typing import Self

from django.conf import settings
from rest_framework_simplejwt.backends import TokenBackend
from rest_framework_simplejwt.tokens import Token


@cache
def _backend(secret: str) -> TokenBackend:
    """Keep what signs and verifies: to get it ready for a token took as long as its signature."""
    return TokenBackend("HS256", signing_key=secret)


class AccountToken(Token):
    """A JWT of an account, which its ``sub`` names."""

    @classmethod
    def read(cls, encoded: str) -> Self:
        """Return the token in ``encoded``; TokenError unless it is good and of this kind."""
        # The library takes text and hints at a token.
        return cls(encoded)  # type: ignore[arg-type]


class AccessToken(AccountToken):
    """Good for any call, as long as its session lasts."""

    token_type = "access"  # noqa: S105
    lifetime = timedelta(minutes=15)

    def get_token_backend(self) -> TokenBackend:
        return _backend(settings.JWT_ACCESS_SECRET)


class RefreshToken(AccountToken):
    """Good for one exchange for a new pair."""

    token_type = "refresh"  # noqa: S105
    lifetime = timedelta(seconds=2_628_000)

    def get_token_backend(self) -> TokenBackend:
        return _backend(settings.JWT_REFRESH_SECRET)


class ResetToken(AccountToken):
    """In the link of a mail: good for one new password."""

    token_type = "password_reset"  # noqa: S105
    lifetime = timedelta(hours=1)

    def get_token_backend(self) -> TokenBackend:
        return _backend(settings.JWT_RESET_SECRET)


class VerifyEmailToken(AccountToken):
    """In the link of a mail: shows that mail to an address arrives."""

    token_type = "verify_email"  # noqa: S105
    lifetime = timedelta(hours=24)

    def get_token_backend(self) -> TokenBackend:
        return _backend(settings.JWT_RESET_SECRET)
