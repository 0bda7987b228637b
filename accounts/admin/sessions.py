"""Browsers and programs that are signed in to accounts: looked at, and ended one by one."""

from typing import Any

from django.contrib import admin, messages
from django.db.models import QuerySet
from django.http import HttpRequest
from django.http.response import HttpResponseBase
from unfold.admin import ModelAdmin
from unfold.dataclasses import UnfoldAction
from unfold.decorators import action, display
from unfold.enums import ActionVariant

from accounts import audit, sessions
from accounts.admin.accounts import may_touch
from accounts.admin_mixins import FoundByAccount, ReadOnly
from accounts.admin_questions import Question, Refused, ask
from accounts.models import SignInSession

END = Question(
    "End this session",
    "This browser or program is signed out at its next request and has to sign in anew. The "
    "account's other sessions, its password and its devices stay as they are. If somebody else "
    "was in there, end all sessions and have the password changed instead: whoever knows it "
    "signs in again.",
    "End session",
    is_dangerous=True,
)


@admin.register(SignInSession)
class SignInSessionAdmin(FoundByAccount, ReadOnly, ModelAdmin):
    """Who may change an account ends its sessions: one here, all on the account's page."""

    list_display = ["account", "client", "state", "address", "started_at", "last_used_at"]
    list_select_related = ["account"]
    list_filter = [("ended_at", admin.EmptyFieldListFilter)]
    sortable_by = ["last_used_at"]
    fields = ["account", "client", "state", "address", "started_at", "last_used_at", "ended_at"]
    readonly_fields = ["state"]
    actions = ["end_selected"]
    actions_detail = ["end"]

    @display(description="state", label={"open": "success", "ended": "default"})
    def state(self, session: SignInSession) -> str:
        return "ended" if session.ended_at else "open"

    def has_end_permission(self, request: HttpRequest, obj: object = None) -> bool:
        """Tell whether who asks may end sessions, if not of everybody."""
        return request.user.has_perm("accounts.change_account")

    def get_actions_detail(self, request: HttpRequest, object_id: Any) -> list[UnfoldAction]:  # noqa: ANN401
        session = self.get_object(request, str(object_id))
        if session is None or session.ended_at or not _may_end(request, session):
            return []
        return super().get_actions_detail(request, object_id)

    @action(description="End session", icon="logout", variant=ActionVariant.DANGER)
    def end(self, request: HttpRequest, object_id: str) -> HttpResponseBase:
        return ask(self, request, object_id, END, _end, may=_may_end)

    @action(description="End: they have to sign in anew", permissions=["end"])
    def end_selected(self, request: HttpRequest, chosen: QuerySet[SignInSession]) -> None:
        meant = list(chosen.select_related("account"))
        touched = [session for session in meant if _may_end(request, session)]
        ended = sum(sessions.end(session) for session in touched)
        self.message_user(request, f"{ended} sessions ended")
        if left := len(meant) - len(touched):
            self.message_user(request, f"{left} sessions of staff left alone", messages.WARNING)


def _may_end(request: HttpRequest, session: SignInSession) -> bool:
    return request.user.has_perm("accounts.change_account") and may_touch(request, session.account)


def _end(session: SignInSession, _: dict[str, Any]) -> str:
    if not sessions.end(session):
        raise Refused("It had ended already.")
    audit.note(session, f"ended this session of {session.account}")
    return "The session is ended"
