"""The two JWTs of a signed-in account, each with its own secret and type."""

from datetime import timedelta
from typing import Self

from django.conf import settings
from rest_framework_simplejwt.backends import TokenBackend
from rest_framework_simplejwt.tokens import Token


class AccountToken(Token):
    """A JWT of a signed-in account."""

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
        return TokenBackend("HS256", signing_key=settings.JWT_ACCESS_SECRET)


class RefreshToken(AccountToken):
    """Good for one exchange for a new pair."""

    token_type = "refresh"  # noqa: S105
    lifetime = timedelta(seconds=2_628_000)

    def get_token_backend(self) -> TokenBackend:
        return TokenBackend("HS256", signing_key=settings.JWT_REFRESH_SECRET)
