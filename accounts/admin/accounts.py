"""People's accounts in the back office: found, looked into, locked, deleted."""

from collections.abc import Callable, Iterable
from typing import Any

from django import forms
from django.contrib import admin, messages
from django.contrib.auth.admin import UserAdmin
from django.db.models import QuerySet
from django.db.models.functions import Lower
from django.http import HttpRequest
from django.http.response import HttpResponseBase
from unfold.admin import ModelAdmin
from unfold.dataclasses import UnfoldAction
from unfold.decorators import action
from unfold.enums import ActionVariant

from accounts import (
    client,
    deletion,
    editing,
    lockout,
    registration,
    search,
    sessions,
    staff_sessions,
    two_step,
)
from accounts.admin_mixins import Deletion, LongList, SavesWhatWasEdited, edited_columns
from accounts.admin_panels import Panel, WithPanels, menu
from accounts.admin_questions import Question, Refused, ask
from accounts.forms import AccountForm, NewAccountForm, PasswordForm
from accounts.models import (
    Acceptance,
    Account,
    SecurityEvent,
    SignInSession,
    Subscription,
)

PRIVILEGES = ("is_staff", "is_superuser", "groups", "user_permissions")
LOCK = Question(
    "Lock the account",
    "Nobody can sign in to it any more, with a password or by another platform, and all its "
    "sessions end now. Its devices go on as they are: a household whose password was stolen needs "
    "them. To stop these too, select them in the list of devices and cut them off.",
    "Lock",
    is_dangerous=True,
)
UNLOCK = Question("Unlock the account", "Its owner can sign in again.", "Unlock")
END_SESSIONS = Question(
    "End all sessions",
    "Whoever is signed in to this account, in any browser or program, has to sign in anew. "
    "Password and devices stay as they are.",
    "End sessions",
)
RESET_TWO_STEP = Question(
    "Reset two-step login",
    "The app and the recovery codes of this person are void, and nothing but the password is asked "
    "for until two-step login is set up anew. Be sure who is asking you for this.",
    "Reset",
    is_dangerous=True,
)
LIFT_LOCKOUT = Question(
    "Lift the lockout",
    "Failed logins to this account, from any address, are counted from zero again.",
    "Lift",
)
PANELS = [
    Panel(
        "Subscriptions",
        Subscription,
        {
            "membership": "membership",
            "paid by": "payment_method",
            "from": "started_at",
            "until": lambda row: row.ended_at or row.given_until,
        },
        lambda account: account.subscriptions.select_related("membership"),
        filter="account__id__exact",
    ),
    Panel(
        "Accepted agreements",
        Acceptance,
        {"agreement": "agreement", "accepted on": "accepted_on"},
        lambda account: account.acceptances.select_related("agreement").order_by("-accepted_on"),
    ),
    Panel(
        "Sessions",
        SignInSession,
        {
            "client": lambda session: session.client or "unknown",
            "address": "address",
            "started": "started_at",
            "last used": "last_used_at",
            "ended": "ended_at",
        },
        lambda account: account.sessions.all(),
        filter="account__id__exact",
    ),
    Panel(
        "Security events",
        SecurityEvent,
        {"what": "get_kind_display", "when": "happened_at", "address": "address"},
        lambda account: account.security_events.all(),
        filter="account__id__exact",
    ),
]


@admin.register(Account)
class AccountAdmin(  # type: ignore[misc]  # the stubs are narrower
    LongList, WithPanels, SavesWhatWasEdited, UserAdmin, ModelAdmin
):
    """Accounts; only superusers touch those of other staff, and give away rights."""

    form = AccountForm
    add_form = NewAccountForm
    change_password_form = PasswordForm
    ordering = [Lower("email")]  # which has an index
    list_display = ["email", "username", "is_active", "is_staff", "created_at", "last_activity_at"]
    list_filter = ["is_active", "is_staff"]
    sortable_by = ()
    search_fields = ["email"]  # for a box to type in
    search_help_text = "How the address, the user name or the name of a device begins, or the id"
    # What of the buttons makes no sense for an account: names, without those of other reasons.
    needless: list[Callable[[HttpRequest, Account], set[str]]] = []
    readonly_fields = ["id", "email_proven_at", "created_at", "last_activity_at"]
    fieldsets = [
        (None, {"fields": ["email", "password", "username", "is_active", "id"]}),
        ("Dates", {"fields": ["email_proven_at", "created_at", "last_activity_at"]}),
        ("Rights", {"fields": PRIVILEGES, "classes": ["collapse"]}),
    ]
    add_fieldsets = [(None, {"fields": ["email", "usable_password", "password1", "password2"]})]
    panels = PANELS
    actions = ["end_sessions"]
    actions_detail = menu("lock", "unlock", "end_all_sessions", "lift_lockout", "reset_two_step")

    def get_search_results(
        self, request: HttpRequest, queryset: QuerySet[Account], search_term: str
    ) -> tuple[QuerySet[Account], bool]:
        if not search_term.strip():
            return queryset, False
        return queryset.filter(pk__in=search.accounts(search_term)), False

    def has_change_permission(self, request: HttpRequest, obj: Account | None = None) -> bool:
        return may_touch(request, obj) and super().has_change_permission(request, obj)

    def has_delete_permission(self, request: HttpRequest, obj: Account | None = None) -> bool:
        return may_touch(request, obj) and super().has_delete_permission(request, obj)

    def get_readonly_fields(self, request: HttpRequest, obj: Account | None = None) -> list[str]:
        names = list(super().get_readonly_fields(request, obj))
        return names if request.user.is_superuser else [*names, *PRIVILEGES]

    def get_actions_detail(self, request: HttpRequest, object_id: Any) -> list[UnfoldAction]:  # noqa: ANN401
        """Return the buttons that are for this account and this person."""
        account = self.get_object(request, str(object_id))
        if account is None or not self.has_change_permission(request, account):
            return []
        names = set().union(*(needless(request, account) for needless in self.needless))
        needless = {f"accounts_account_{name}" for name in names}
        buttons = super().get_actions_detail(request, object_id)
        return [button for button in buttons if button.action_name not in needless]

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
        names = [f"{account}, its devices and all else that belongs to it" for account in accounts]
        return names, {"accounts": len(names)}, refused, []

    @action(description="End sessions: they have to sign in anew", permissions=["change"])
    def end_sessions(self, request: HttpRequest, accounts: QuerySet[Account]) -> None:
        meant = list(accounts)
        touched = [account for account in meant if may_touch(request, account)]
        ended = sum(sessions.end_all(account) for account in touched)
        self.message_user(request, f"{ended} sessions ended")
        if left := len(meant) - len(touched):
            self.message_user(request, f"{left} accounts of staff left alone", messages.WARNING)

    @action(description="End sessions", icon="logout")
    def end_all_sessions(self, request: HttpRequest, object_id: str) -> HttpResponseBase:
        def end(account: Account, _: dict[str, Any]) -> str:
            staffs = staff_sessions.end_all(account) if account.is_staff else 0
            return f"{sessions.end_all(account) + staffs} sessions ended"

        return ask(self, request, object_id, END_SESSIONS, end)

    @action(description="Lift lockout", icon="lock_reset")
    def lift_lockout(self, request: HttpRequest, object_id: str) -> HttpResponseBase:
        def lift(account: Account, _: dict[str, Any]) -> str:
            return f"Failed logins from {lockout.lift(account)} addresses forgotten"

        return ask(self, request, object_id, LIFT_LOCKOUT, lift)

    @action(description="Reset two-step login", icon="phonelink_erase")
    def reset_two_step(self, request: HttpRequest, object_id: str) -> HttpResponseBase:
        def reset(account: Account, _: dict[str, Any]) -> str:
            if not request.user.is_superuser:
                raise Refused("Only superusers can.")
            two_step.remove(account, address=client.address(request))
            return "Two-step login is reset"

        return ask(self, request, object_id, RESET_TWO_STEP, reset)

    @action(description="Lock", icon="lock", variant=ActionVariant.DANGER)
    def lock(self, request: HttpRequest, object_id: str) -> HttpResponseBase:
        def lock(account: Account, _: dict[str, Any]) -> str:
            if account == request.user:
                raise Refused("This is your own account.")
            return _let_in(account, False, "Locked: nobody can sign in to this account")

        return ask(self, request, object_id, LOCK, lock)

    @action(description="Unlock", icon="lock_open")
    def unlock(self, request: HttpRequest, object_id: str) -> HttpResponseBase:
        def unlock(account: Account, _: dict[str, Any]) -> str:
            return _let_in(account, True, "Unlocked: its owner can sign in again")

        return ask(self, request, object_id, UNLOCK, unlock)


def may_touch(request: HttpRequest, account: Account | None) -> bool:
    """Tell whether an account is not other staff's, which superusers alone touch."""
    if account is None or request.user.is_superuser or account == request.user:
        return True
    return not (account.is_staff or account.is_superuser)


def _needless(request: HttpRequest, account: Account) -> set[str]:
    names = {"unlock" if account.is_active else "lock"}
    if not (request.user.is_superuser and two_step.of(account)):
        names.add("reset_two_step")
    return names


AccountAdmin.needless.append(_needless)


def _let_in(account: Account, may_sign_in: bool, told: str) -> str:
    account.is_active = may_sign_in
    editing.save(account, ["is_active"])
    return told
