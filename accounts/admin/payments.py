"""What accounts can pay for, and what they pay."""

from django.contrib import admin
from unfold.admin import ModelAdmin

from accounts.admin_mixins import FoundByAccount, ReadOnly, SavesWhatWasEdited
from accounts.models import Membership, PendingPayment, Subscription


@admin.register(Membership)
class MembershipAdmin(SavesWhatWasEdited, ModelAdmin):
    list_display = ["type", "rate", "rate_period", "stripe_plan"]
    search_fields = ["type"]


@admin.register(Subscription)
class SubscriptionAdmin(FoundByAccount, ReadOnly, ModelAdmin):
    """Looked at here; given, changed and ended on the account's page, or at Stripe."""

    list_display = ["account", "membership", "payment_method", "started_at", "ended_at"]
    list_display += ["given_until"]
    list_filter = ["membership", "payment_method", ("ended_at", admin.EmptyFieldListFilter)]
    list_select_related = ["account", "membership"]
    also = ("payment_id", "payment_account_id")
    search_help_text = "How the account's address begins, or an id of Stripe's"
    sortable_by = ["started_at"]


@admin.register(PendingPayment)
class PendingPaymentAdmin(FoundByAccount, ReadOnly, ModelAdmin):
    """What is under way at Stripe; the job reconcile_memberships clears what is left behind."""

    list_display = ["created_at", "account", "membership", "customer_id", "subscription_id"]
    list_select_related = ["account", "membership"]
    also = ("customer_id", "subscription_id")
