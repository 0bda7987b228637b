"""Accounts, and what goes with them, in the back office."""

from collections.abc import Iterable

from axes.models import AccessAttempt, AccessFailureLog, AccessLog
from django import forms
from django.contrib import admin, messages
from django.contrib.auth.admin import GroupAdmin as DjangoGroupAdmin
from django.contrib.auth.admin import UserAdmin
from django.contrib.auth.models import Group
from django.db import models
from django.db.models import QuerySet
from django.http import HttpRequest
from unfold.admin import ModelAdmin, TabularInline
from unfold.decorators import action

from accounts import deletion, editing, mail, registration, sessions
from accounts.admin_mixins import Deletion, ReadOnly, SavesWhatWasEdited, edited_columns
from accounts.forms import AccountForm, NewAccountForm, PasswordForm
from accounts.models import (
    Acceptance,
    Account,
    AccountActivity,
    Agreement,
    Membership,
    OutgoingMail,
    SecurityEvent,
    SignInSession,
    Subscription,
)

PRIVILEGES = ("is_staff", "is_superuser", "groups", "user_permissions")


class SessionInline(ReadOnly, TabularInline):
    model = SignInSession
    fields = ["client", "address", "started_at", "last_used_at", "ended_at"]
    verbose_name_plural = "sessions"
    per_page = 10


class AcceptanceInline(ReadOnly, TabularInline):
    model = Acceptance
    fields = ["agreement", "accepted_on"]
    verbose_name_plural = "accepted agreements"
    per_page = 10

    def get_queryset(self, request: HttpRequest) -> QuerySet[Acceptance]:
        return super().get_queryset(request).select_related("agreement")


@admin.register(Account)
class AccountAdmin(SavesWhatWasEdited, UserAdmin, ModelAdmin):
    """Accounts; only superusers touch those of other staff, and give away rights."""

    form = AccountForm
    add_form = NewAccountForm
    change_password_form = PasswordForm
    ordering = ["email"]
    list_display = ["email", "username", "is_active", "is_staff", "created_at", "last_activity_at"]
    list_filter = ["is_active", "is_staff"]
    search_fields = ["email", "username"]
    show_full_result_count = False
    readonly_fields = ["email_proven_at", "created_at", "last_activity_at"]
    fieldsets = [
        (None, {"fields": ["email", "password", "username", "is_active"]}),
        ("Dates", {"fields": ["email_proven_at", "created_at", "last_activity_at"]}),
        ("Rights", {"fields": PRIVILEGES, "classes": ["collapse"]}),
    ]
    add_fieldsets = [(None, {"fields": ["email", "usable_password", "password1", "password2"]})]
    inlines = [SessionInline, AcceptanceInline]
    actions = ["end_sessions"]

    def has_change_permission(self, request: HttpRequest, obj: Account | None = None) -> bool:
        return self._may_touch(request, obj) and super().has_change_permission(request, obj)

    def has_delete_permission(self, request: HttpRequest, obj: Account | None = None) -> bool:
        return self._may_touch(request, obj) and super().has_delete_permission(request, obj)

    def get_readonly_fields(self, request: HttpRequest, obj: Account | None = None) -> list[str]:
        names = list(super().get_readonly_fields(request, obj))
        return names if request.user.is_superuser else [*names, *PRIVILEGES]

    def get_inline_instances(
        self, request: HttpRequest, obj: Account | None = None
    ) -> list[admin.options.InlineModelAdmin]:
        return super().get_inline_instances(request, obj) if obj else []

    def save_model(
        self, request: HttpRequest, account: Account, form: forms.ModelForm, change: bool
    ) -> None:
        if change:
            editing.save(account, edited_columns(form))
        else:
            registration.add(account)

    def delete_model(self, request: HttpRequest, account: Account) -> None:
        deletion.delete(account)

    def delete_queryset(self, request: HttpRequest, accounts: QuerySet[Account]) -> None:
        for account in accounts:
            deletion.delete(account)

    def get_deleted_objects(self, accounts: Iterable[Account], request: HttpRequest) -> Deletion:
        # The accounts alone: what belongs to them can be very many rows, none in the way.
        refused = {
            "staff" for account in accounts if not self.has_delete_permission(request, account)
        }
        names = [str(account) for account in accounts]
        return names, {"accounts": len(names)}, refused, []

    @action(description="End sessions: they have to sign in anew", permissions=["change"])
    def end_sessions(self, request: HttpRequest, accounts: QuerySet[Account]) -> None:
        meant = list(accounts)
        touched = [account for account in meant if self._may_touch(request, account)]
        ended = sum(sessions.end_all(account) for account in touched)
        self.message_user(request, f"{ended} sessions ended")
        if left := len(meant) - len(touched):
            self.message_user(request, f"{left} accounts of staff left alone", messages.WARNING)

    @staticmethod
    def _may_touch(request: HttpRequest, account: Account | None) -> bool:
        if account is None or request.user.is_superuser or account == request.user:
            return True
        return not (account.is_staff or account.is_superuser)


@admin.register(Agreement)
class AgreementAdmin(SavesWhatWasEdited, ModelAdmin):
    """A new version is a new row; what somebody accepted stays as it was."""

    list_display = ["type", "version", "effective_on"]
    list_filter = ["type"]

    def get_readonly_fields(self, request: HttpRequest, obj: Agreement | None = None) -> list[str]:
        if obj is None or not obj.acceptances.exists():
            return []
        return ["type", "version", "effective_on", "content"]

    def get_deleted_objects(
        self, agreements: Iterable[Agreement], request: HttpRequest
    ) -> Deletion:
        accepted = [str(each) for each in agreements if each.acceptances.exists()]
        names = [str(agreement) for agreement in agreements]
        return names, {"agreements": len(names)}, set(), accepted


@admin.register(Membership)
class MembershipAdmin(SavesWhatWasEdited, ModelAdmin):
    list_display = ["type", "rate", "rate_period", "stripe_plan"]


@admin.register(Subscription)
class SubscriptionAdmin(ReadOnly, ModelAdmin):
    list_display = ["account", "membership", "payment_method", "started_at", "ended_at"]
    list_filter = ["membership", "payment_method"]
    list_select_related = ["account", "membership"]
    search_fields = ["account__email", "payment_id"]
    show_full_result_count = False


@admin.register(SecurityEvent)
class SecurityEventAdmin(ReadOnly, ModelAdmin):
    list_display = ["happened_at", "kind", "account", "device_id", "address"]
    list_filter = ["kind"]
    list_select_related = ["account"]
    search_fields = ["account__email", "address"]
    show_full_result_count = False


@admin.register(OutgoingMail)
class OutgoingMailAdmin(ReadOnly, ModelAdmin):
    """What was sent, what waits and what was given up; never what it says."""

    list_display = [
        "created_at",
        "recipient",
        "subject",
        "state",
        "attempts",
        "next_attempt_at",
        "last_error",
    ]
    list_filter = ["template", ("sent_at", admin.EmptyFieldListFilter)]
    search_fields = ["recipient"]
    exclude = ["text", "html"]
    readonly_fields = ["state"]
    show_full_result_count = False
    actions = ["send_again"]

    @action(description="Send again: what has not been sent", permissions=["send"])
    def send_again(self, request: HttpRequest, mails: QuerySet[OutgoingMail]) -> None:
        self.message_user(request, f"{mail.send_again(mails)} mails will be sent within a minute")

    def has_send_permission(self, request: HttpRequest) -> bool:
        # Rows are not changed here, so the right to change them is the one to send them.
        return request.user.has_perm("accounts.change_outgoingmail")


@admin.register(AccountActivity)
class AccountActivityAdmin(ReadOnly, ModelAdmin):
    list_display = ["day", "accounts", "accounts_added", "accounts_deleted", "accounts_active"]
    date_hierarchy = "day"


admin.site.unregister([Group, AccessAttempt, AccessFailureLog, AccessLog])


@admin.register(Group)
class GroupAdmin(SavesWhatWasEdited, DjangoGroupAdmin, ModelAdmin):
    """Rights that several of the operator's people share."""


@admin.register(AccessAttempt)
class AccessAttemptAdmin(ReadOnly, ModelAdmin):
    """Failed logins by name and address; the logs of axes are not kept.

    Whoever is locked out may try again once the row is deleted.
    """

    list_display = ["attempt_time", "username", "ip_address", "failures_since_start"]
    search_fields = ["username", "ip_address"]
    fields = [*list_display, "user_agent"]
    show_full_result_count = False

    def has_delete_permission(self, request: HttpRequest, obj: models.Model | None = None) -> bool:
        return ModelAdmin.has_delete_permission(self, request, obj)
