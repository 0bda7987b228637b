"""Which platform's logins belong to which account, in the back office."""

from typing import Any

from django.contrib import admin
from django.http import HttpRequest
from django.http.response import HttpResponseBase
from social_django.models import Association, Nonce, UserSocialAuth
from unfold.admin import ModelAdmin
from unfold.decorators import action

from accounts import admin_panels
from accounts.admin.accounts import AccountAdmin
from accounts.admin_mixins import FoundByAccount, ReadOnly
from accounts.admin_panels import Panel
from accounts.admin_questions import Question, Refused, ask
from accounts.models import Account
from sso import password_reset

SEND_PASSWORD_RESET = Question(
    "Send a mail to reset the password",
    "The account's address gets a link that is good for an hour and lets whoever reads the mail "
    "choose a new password. Until then the old one stays as it is. Outgoing mail tells what became "
    "of it.",
    "Send",
)
OF_ACCOUNT = Panel(
    "Other ways to sign in",
    UserSocialAuth,
    {"platform": "provider", "id there": "uid", "since": "created"},
    lambda account: account.social_auth.order_by("-created"),
)

# The library's own pages: two of them show what only its protocol needs.
admin.site.unregister([Association, Nonce, UserSocialAuth])


@admin.register(UserSocialAuth)
class FederatedLoginAdmin(FoundByAccount, ReadOnly, ModelAdmin):
    """Links to Google, Facebook and GitHub; whoever may delete one ends that way of signing in."""

    list_display = ["user", "provider", "uid", "created"]
    list_filter = ["provider"]
    list_select_related = ["user"]
    account_field = "user"
    also = ("uid",)
    search_help_text = "How the account's address begins, or the whole id at the platform"
    sortable_by: list[str] = []
    fields = ["user", "provider", "uid", "created"]


@action(description="Send password reset", icon="mail")
def send_password_reset(
    page: AccountAdmin, request: HttpRequest, object_id: str
) -> HttpResponseBase:
    """Mail a link for a new password to an account's address, as its owner could ask for."""

    def send(account: Account, _: dict[str, Any]) -> str:
        if not account.is_active:
            raise Refused("The account is locked: unlock it first.")
        password_reset.send_link(account.email)
        return f"A mail to {account.email} is on its way"

    return ask(page, request, object_id, SEND_PASSWORD_RESET, send)


admin_panels.add(AccountAdmin, panels=[OF_ACCOUNT], send_password_reset=send_password_reset)
