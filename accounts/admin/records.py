"""What the server writes down: security events, mail, counts; and groups of staff."""

from axes.models import AccessAttempt, AccessFailureLog, AccessLog
from django.contrib import admin
from django.contrib.auth.admin import GroupAdmin as DjangoGroupAdmin
from django.contrib.auth.models import Group
from django.core.exceptions import ValidationError
from django.db import models
from django.db.models import QuerySet
from django.http import HttpRequest
from django.urls import reverse
from django.utils.html import format_html
from unfold.admin import ModelAdmin
from unfold.contrib.filters.admin import RangeDateTimeFilter
from unfold.decorators import action, display

from accounts import mail, search
from accounts.admin_mixins import FoundByAccount, LongList, ReadOnly, SavesWhatWasEdited
from accounts.models import AccountActivity, OutgoingMail, SecurityEvent

DEVICE = "admin:devices_device_change"  # the page of an app above


@admin.register(SecurityEvent)
class SecurityEventAdmin(FoundByAccount, ReadOnly, ModelAdmin):
    list_display = ["happened_at", "kind", "account", "device", "address"]
    list_filter = ["kind", ("happened_at", RangeDateTimeFilter)]
    list_filter_submit = True
    list_select_related = ["account"]
    also = ("device_id",)
    search_help_text = "How the account's address begins, its id, an address or a device's id"
    sortable_by = ["happened_at"]
    fields = ["kind", "account", "device", "address", "happened_at", "details"]
    readonly_fields = ["device", "details"]

    @display(description="device")
    def device(self, event: SecurityEvent) -> str:
        """Return the id, which leads to the device, if it is still there: no query a row."""
        if not event.device_id:
            return "-"
        link = '<a class="text-primary-600 dark:text-primary-500" href="{}">{}</a>'
        return format_html(link, reverse(DEVICE, args=[event.device_id]), event.device_id)

    @display(description="detail")
    def details(self, event: SecurityEvent) -> str:
        return ", ".join(f"{name}: {value}" for name, value in event.detail.items()) or "-"

    def get_search_results(
        self, request: HttpRequest, queryset: QuerySet, search_term: str
    ) -> tuple[QuerySet, bool]:
        term = search_term.strip()
        if not term:
            return queryset, False
        if pk := search.as_id(term):
            return queryset.filter(models.Q(account=pk) | models.Q(device_id=pk)), False
        by_account = models.Q(account__in=search.by_account(term))
        return queryset.filter(by_account | _from_address(term)), False


@admin.register(OutgoingMail)
class OutgoingMailAdmin(LongList, ReadOnly, ModelAdmin):
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
    search_fields = ["recipient__startswith"]
    sortable_by = ["created_at", "recipient"]
    exclude = ["text", "html"]
    readonly_fields = ["state"]
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
class AccessAttemptAdmin(LongList, ReadOnly, ModelAdmin):
    """Failed logins by name and address; the logs of axes are not kept.

    Whoever is locked out may try again once the row is deleted.
    """

    list_display = ["attempt_time", "username", "ip_address", "failures_since_start"]
    search_fields = ["username__startswith", "ip_address"]
    search_help_text = "How the name begins, or part of the network address"
    fields = [*list_display, "user_agent"]

    def has_delete_permission(self, request: HttpRequest, obj: models.Model | None = None) -> bool:
        return ModelAdmin.has_delete_permission(self, request, obj)


def _from_address(term: str) -> models.Q:
    """Return which events came from the client address ``term``, if it is one."""
    try:
        models.GenericIPAddressField().run_validators(term)
    except ValidationError:
        return models.Q(pk__in=[])
    return models.Q(address=term)
