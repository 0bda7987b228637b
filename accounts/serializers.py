"""The JSON of the calls about the account itself."""

from typing import Any

from django.utils import timezone
from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers

from accounts import agreements, base64_text, email_addresses, memberships
from accounts.models import (
    Acceptance,
    Account,
    Agreement,
    Membership,
    PaymentMethod,
    Subscription,
)


class AcceptanceSerializer(serializers.Serializer):
    id = serializers.UUIDField()
    type = serializers.CharField(source="agreement.type")
    acceptDate = serializers.SerializerMethodField(help_text='E.g. "November 22, 2026".')

    def get_acceptDate(self, acceptance: Acceptance) -> str:
        return f"{acceptance.accepted_on:%B %d, %Y}"


class SubscriptionSerializer(serializers.Serializer):
    id = serializers.UUIDField()
    type = serializers.CharField(source="membership.type")
    paymentMethod = serializers.CharField(source="payment_method")
    paymentAccountId = serializers.CharField(source="payment_account_id")
    paymentId = serializers.CharField(source="payment_id")
    endDate = serializers.DateTimeField(source="ended_at", allow_null=True)
    duration = serializers.SerializerMethodField()

    def get_duration(self, subscription: Subscription) -> str | None:
        return memberships.duration(subscription.paid_since.date(), timezone.now().date())


class ProfileSerializer(serializers.Serializer):
    """Not of the model: finding out its fields took longer than all the rest of the request."""

    id = serializers.UUIDField()
    emailAddress = serializers.EmailField(source="email")
    username = serializers.CharField(allow_null=True)
    federatedLogin = serializers.SerializerMethodField()
    lastActivity = serializers.DateTimeField(source="last_activity_at", allow_null=True)
    agreements = serializers.SerializerMethodField()
    membership = serializers.SerializerMethodField()

    def get_federatedLogin(self, account: Account) -> bool:
        return not account.has_usable_password()

    @extend_schema_field(AcceptanceSerializer(many=True))
    def get_agreements(self, account: Account) -> list[dict[str, Any]]:
        return [_ACCEPTANCE.to_representation(each) for each in agreements.accepted(account)]

    @extend_schema_field(SubscriptionSerializer(allow_null=True))
    def get_membership(self, account: Account) -> dict[str, Any] | None:
        subscription = memberships.active(account)
        return None if subscription is None else _SUBSCRIPTION.to_representation(subscription)


# Each serializer that is made copies all its fields, which takes longer than to read them.
_ACCEPTANCE = AcceptanceSerializer()
_SUBSCRIPTION = SubscriptionSerializer()
PROFILE = ProfileSerializer()


class MembershipSerializer(serializers.ModelSerializer):
    rate = serializers.FloatField(help_text="US dollars a period.")
    ratePeriod = serializers.CharField(source="rate_period")
    stripePlan = serializers.CharField(source="stripe_plan")

    class Meta:
        model = Membership
        fields = ["id", "type", "rate", "ratePeriod", "stripePlan"]


class AgreementSerializer(serializers.ModelSerializer):
    content = serializers.SerializerMethodField(help_text="HTML.")

    class Meta:
        model = Agreement
        fields = ["id", "type", "version", "content"]

    def get_content(self, agreement: Agreement) -> str:
        return agreements.as_html(agreement)


class MembershipChangeSerializer(serializers.Serializer):
    """What to do about the membership; ``action`` null is nothing."""

    REQUIRED_TO_ADD = {
        "membershipType": "new memberships require a membership type",
        "paymentMethod": "new memberships require a payment method",
        "paymentToken": "payment token required for new memberships",
    }
    REQUIRED_TO_UPDATE = {"membershipType": "a membership type is required"}

    action = serializers.ChoiceField(["add", "update", "cancel"], allow_null=True)
    membershipType = serializers.CharField(required=False, allow_null=True)
    paymentMethod = serializers.ChoiceField(
        [PaymentMethod.STRIPE.value], required=False, allow_null=True
    )
    paymentToken = serializers.CharField(required=False, allow_null=True)

    def validate_membershipType(self, value: str | None) -> str | None:
        if value and not Membership.objects.filter(type=value).exists():
            raise serializers.ValidationError("there is no membership of this type")
        return value

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        needs = {"add": self.REQUIRED_TO_ADD, "update": self.REQUIRED_TO_UPDATE}
        missing = {
            field: [reason]
            for field, reason in needs.get(attrs["action"], {}).items()
            if not attrs.get(field)
        }
        if missing:
            raise serializers.ValidationError(missing)
        return attrs


class ProfileChangeSerializer(serializers.Serializer):
    """Any of what can be changed, and nothing else."""

    username = serializers.CharField(required=False, max_length=150)
    openDataset = serializers.BooleanField(required=False)
    membership = MembershipChangeSerializer(required=False, allow_null=True)

    def to_internal_value(self, data: Any) -> dict[str, Any]:  # noqa: ANN401
        unknown = [key for key in data if key not in self.fields] if isinstance(data, dict) else []
        if unknown:
            raise serializers.ValidationError(
                {"errors": [f"update of {key} not supported" for key in unknown]}
            )
        return super().to_internal_value(data)


class Base64Field(serializers.CharField):
    """Text in base64, as Selene UI sends it; in plain once validated."""

    def __init__(self, **options: Any) -> None:  # noqa: ANN401
        super().__init__(trim_whitespace=False, help_text="In base64.", **options)

    def to_internal_value(self, data: Any) -> str:  # noqa: ANN401
        try:
            return base64_text.decode(super().to_internal_value(data))
        except ValueError as error:
            raise serializers.ValidationError(str(error)) from error


class NewPasswordSerializer(serializers.Serializer):
    password = Base64Field()


class NewEmailSerializer(serializers.Serializer):
    """A new address; in base64 twice after a refusal, as at sign-up."""

    token = Base64Field()

    def validate_token(self, value: str) -> str:
        try:
            email = value if "@" in value else base64_text.decode(value)
            return email_addresses.normalise(email)
        except email_addresses.NotAnAddress as error:
            raise serializers.ValidationError(str(error)) from error
        except ValueError as error:
            raise serializers.ValidationError("not an email address") from error


class LinkSerializer(serializers.Serializer):
    token = serializers.CharField(help_text="Of the link in the mail.")
