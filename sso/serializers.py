"""The JSON of signing up."""

from typing import Any

from rest_framework import serializers

from accounts import email_addresses, passwords
from accounts.models import Account
from accounts.serializers import Base64Field
from sso import credentials
from sso.federated import PLATFORMS


def _optional(help_text: str) -> serializers.CharField:
    return serializers.CharField(
        required=False,
        allow_null=True,
        allow_blank=True,
        trim_whitespace=False,
        help_text=help_text,
    )


class NewLoginSerializer(serializers.Serializer):
    """How the new account will sign in: by password or by a platform; the others null or absent."""

    email = _optional("In base64.")
    password = _optional("In base64.")
    federatedPlatform = _optional("Facebook, Google or GitHub.")
    federatedToken = _optional("The platform's.")

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        """Return the platform and its token, or email address and password in plain text."""
        if attrs.get("federatedPlatform"):
            return self._federated(attrs["federatedPlatform"], attrs.get("federatedToken"))
        email, password = attrs.get("email"), attrs.get("password")
        if not email and not password:
            raise _refusal("email", "an email address or a federated platform is required")
        if not email:
            raise _refusal("email", "password must be accompanied by an email address")
        if not password:
            raise _refusal("password", "email address must be accompanied by a password")
        return self._internal(email, password)

    def _federated(self, platform: str, token: str | None) -> dict[str, Any]:
        if platform not in PLATFORMS:
            raise _refusal(
                "federatedPlatform", f"Value ({platform}) must be one of {[*PLATFORMS]}."
            )
        if not token:
            raise _refusal("federatedToken", "federated platform must be accompanied by a token")
        return {"federatedPlatform": platform, "federatedToken": token}

    def _internal(self, encoded_email: str, encoded_password: str) -> dict[str, Any]:
        try:
            given = credentials.from_sign_up(encoded_email, encoded_password)
        except credentials.Malformed as error:
            raise _refusal("email", f"email address or password: {error}") from error
        try:
            email = email_addresses.normalise(given.email)
        except email_addresses.NotAnAddress as error:
            raise _refusal("email", str(error)) from error
        try:
            passwords.check(given.password, Account(email=email))
        except passwords.Weak as error:
            raise _refusal("password", *error.reasons) from error
        return {"email": email, "password": given.password}


class SignUpSerializer(serializers.Serializer):
    """A person who agrees to the terms and wants an account."""

    termsOfUse = serializers.BooleanField()
    privacyPolicy = serializers.BooleanField()
    login = NewLoginSerializer()

    def validate_termsOfUse(self, value: bool) -> bool:
        return _agreed(value, "agreement to the terms of use is required")

    def validate_privacyPolicy(self, value: bool) -> bool:
        return _agreed(value, "agreement to the privacy policy is required")


class FederatedLoginSerializer(serializers.Serializer):
    """What a platform gave to a person who signed in there."""

    platform = serializers.ChoiceField(list(PLATFORMS))
    token = serializers.CharField(trim_whitespace=False)


class GithubCodeSerializer(serializers.Serializer):
    """What GitHub adds to the address it sends a person back to."""

    code = serializers.CharField(max_length=1_000)
    state = serializers.CharField(max_length=1_000)


class GithubTokenSerializer(serializers.Serializer):
    token = serializers.CharField(help_text="GitHub's, for `validate-federated`.")


class EmailQuerySerializer(serializers.Serializer):
    platform = serializers.ChoiceField(["Internal", *PLATFORMS])
    token = serializers.CharField(
        allow_blank=True,
        trim_whitespace=False,
        help_text="The platform's; for Internal the address, in base64.",
    )


class EmailKnownSerializer(serializers.Serializer):
    accountExists = serializers.BooleanField(help_text="Sign in instead of signing up.")
    noFederatedEmail = serializers.BooleanField(
        help_text="The platform vouches for no address, so no account can be made with it."
    )


def _agreed(value: bool, otherwise: str) -> bool:
    if not value:
        raise serializers.ValidationError(otherwise)
    return value


def _refusal(field: str, *reasons: str) -> serializers.ValidationError:
    return serializers.ValidationError({field: list(reasons)})


class PasswordResetSerializer(serializers.Serializer):
    emailAddress = serializers.CharField(max_length=254)


class ResetTokenSerializer(serializers.Serializer):
    token = serializers.CharField(allow_blank=True, help_text="Of the link in the mail.")


class ResetTokenStateSerializer(serializers.Serializer):
    accountId = serializers.UUIDField(allow_null=True)
    tokenExpired = serializers.BooleanField()
    tokenInvalid = serializers.BooleanField()


class PasswordChangeSerializer(serializers.Serializer):
    accountId = serializers.UUIDField()
    password = Base64Field()
    token = serializers.CharField(
        required=False,
        allow_null=True,
        allow_blank=True,
        help_text="Of the link in the mail; browsers have it in a cookie.",
    )
