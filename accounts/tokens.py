"""The two JWTs of a signed-in account, each with its own secret and type."""

from datetime import timedelta

from django.conf import settings
from rest_framework_simplejwt.backends import TokenBackend
from rest_framework_simplejwt.tokens import Token


class AccessToken(Token):
    """Good for any call, as long as its session lasts."""

    token_type = "access"  # noqa: S105
    lifetime = timedelta(minutes=15)

    def get_token_backend(self) -> TokenBackend:
        return TokenBackend("HS256", signing_key=settings.JWT_ACCESS_SECRET)


class RefreshToken(Token):
    """Good for one exchange for a new pair."""

    token_type = "refresh"  # noqa: S105
    lifetime = timedelta(seconds=2_628_000)

    def get_token_backend(self) -> TokenBackend:
        return TokenBackend("HS256", signing_key=settings.JWT_REFRESH_SECRET)
