"""What staff give and take by hand: memberships, and the consent to Open Dataset."""

from collections.abc import Callable
from datetime import date
from typing import Any

from django import forms
from django.core.exceptions import ValidationError
from django.http import HttpRequest
from django.http.response import HttpResponseBase
from django.utils import timezone
from unfold.decorators import action
from unfold.enums import ActionVariant
from unfold.widgets import (
    UnfoldAdminSelectWidget,
    UnfoldAdminTextInputWidget,
)

from accounts import admin_panels, agreements, audit, gifts, payments, profile
from accounts.admin.accounts import AccountAdmin
from accounts.admin_questions import Question, Refused, ask
from accounts.exceptions import NotConfigured
from accounts.models import Account, Membership, PaymentMethod, Subscription
from accounts.upstream import http, stripe

Deed = Callable[[Account, dict[str, Any]], str]
NOT_DONE: dict[type[Exception], str] = {
    Account.DoesNotExist: "The account was deleted at this moment.",
    payments.AlreadyMember: "It has a membership already: change that one.",
    payments.NotAMember: "It has no membership that can be changed here: look again.",
    payments.UnderWay: "It is about to pay for one: wait ten minutes and look again.",
    stripe.Refused: "Stripe refused it, and nothing changed.",
    http.Unavailable: "Stripe does not answer: try again later, and look before you do.",
    http.Busy: "Too many requests to Stripe are waiting: try again.",
}


class MembershipForm(forms.Form):
    """Which membership, and how long."""

    membership = forms.ModelChoiceField(
        Membership.objects.all(), empty_label=None, widget=UnfoldAdminSelectWidget
    )
    until = forms.DateField(
        label="Last day",
        required=False,
        widget=UnfoldAdminTextInputWidget(attrs={"type": "date"}),
        help_text="Of a gift; it ends in the night after (UTC). Empty: when somebody ends it.",
    )

    def clean_until(self) -> date | None:
        until = self.cleaned_data["until"]
        if until and until < timezone.now().date():
            raise ValidationError("this day is over")
        return until


class ConsentForm(forms.Form):
    """How somebody said yes."""

    how = forms.CharField(
        label="How they agreed",
        max_length=200,
        widget=UnfoldAdminTextInputWidget,
        help_text="Such as: letter of 3 March, in the folder of consents. The audit log keeps it.",
    )


GIVE = Question(
    "Give a membership",
    "From now on, and nobody pays for it. While it lasts the person cannot buy one: end it first.",
    "Give",
    form=MembershipForm,
)
CHANGE = Question(
    "Change the membership",
    "A gift becomes another membership, or ends on another day. One that is paid through Stripe is "
    "changed there, too: from now on Stripe charges the other price, and it has no last day.",
    "Change",
    form=MembershipForm,
)
END = Question(
    "End the membership",
    "It ends now, without refund. One that is paid through Stripe is cancelled there, too; PayPal "
    "is not reached from here, and goes on charging until the person or you cancel it there.",
    "End",
    is_dangerous=True,
)
JOIN = Question(
    "Note that they take part in the Open Dataset",
    "Their devices may then send what they hear to this server, which keeps recordings of wake "
    "words. That takes the person's own yes to the text in force: only note one that you can "
    "prove. The person can do this alone on the account's page.",
    "Note the yes",
    form=ConsentForm,
)
LEAVE = Question(
    "Withdraw from the Open Dataset",
    "As the person can at any time. Their devices stop sending what they hear from their next "
    "poll, and recorded wake words are deleted by the next run of delete_wake_word_samples.",
    "Withdraw",
)


@action(
    description="Give a membership",
    icon="redeem",
    permissions=["give"],
)
def give_membership(page: AccountAdmin, request: HttpRequest, object_id: str) -> HttpResponseBase:
    """Give an account a membership that nobody pays for."""

    def give(account: Account, chosen: dict[str, Any]) -> str:
        membership, until = chosen["membership"], chosen["until"]
        gifts.give(account, membership, until=until)
        return f"{membership} given{_to(until)}"

    return ask(page, request, object_id, GIVE, _noted(give))


@action(
    description="Change the membership",
    icon="swap_horiz",
    permissions=["amend"],
)
def change_membership(page: AccountAdmin, request: HttpRequest, object_id: str) -> HttpResponseBase:
    """Make a gift, or what is paid through Stripe, another membership."""

    def change(account: Account, chosen: dict[str, Any]) -> str:
        membership, until = chosen["membership"], chosen["until"]
        if not _is_paid_through_stripe(_current(account)):
            gifts.change(account, membership, until=until)
        elif until:
            raise Refused("What is paid through Stripe has no last day.")
        else:
            payments.update(account, membership)
        return f"Membership changed to {membership}{_to(until)}"

    return ask(page, request, object_id, CHANGE, _noted(change), initial=_shown)


@action(
    description="End the membership",
    icon="block",
    variant=ActionVariant.DANGER,
    permissions=["amend"],
)
def end_membership(page: AccountAdmin, request: HttpRequest, object_id: str) -> HttpResponseBase:
    """End a membership, and what Stripe charges for it."""

    def end(account: Account, _: dict[str, Any]) -> str:
        if _is_paid_through_stripe(current := _current(account)):
            payments.cancel(account)
        else:
            gifts.end(account)
        return f"{current.membership if current else 'Membership'} ended"

    return ask(page, request, object_id, END, _noted(end))


@action(
    description="Join the Open Dataset",
    icon="fact_check",
    permissions=["accept"],
)
def join_open_dataset(page: AccountAdmin, request: HttpRequest, object_id: str) -> HttpResponseBase:
    """Note somebody's consent to Open Dataset."""

    def join(account: Account, chosen: dict[str, Any]) -> str:
        try:
            profile.update(account, open_dataset=True)
        except agreements.NotInForce as error:
            raise Refused("No Open Dataset agreement is in force: publish one first.") from error
        return f"Takes part in the Open Dataset: {chosen['how']}"

    return ask(page, request, object_id, JOIN, _noted(join))


@action(description="Leave the Open Dataset", icon="do_not_disturb_on")
def leave_open_dataset(
    page: AccountAdmin, request: HttpRequest, object_id: str
) -> HttpResponseBase:
    """Withdraw somebody's consent to Open Dataset."""

    def leave(account: Account, _: dict[str, Any]) -> str:
        profile.update(account, open_dataset=False)
        return "Withdrawn from the Open Dataset"

    return ask(page, request, object_id, LEAVE, _noted(leave))


def _noted(do: Deed) -> Deed:
    """Return ``do``, which tells what stands in its way, with its outcome in the audit log."""

    def done(account: Account, chosen: dict[str, Any]) -> str:
        try:
            told = do(account, chosen)
        except NotConfigured as error:
            raise Refused(f"{error}.") from error
        except tuple(NOT_DONE) as error:
            why = next(text for kind, text in NOT_DONE.items() if isinstance(error, kind))
            raise Refused(why) from error
        audit.note(account, told)
        return told

    return done


def _current(account: Account) -> Subscription | None:
    return account.subscriptions.active().select_related("membership").first()


def _is_paid_through_stripe(current: Subscription | None) -> bool:
    return current is not None and current.payment_method == PaymentMethod.STRIPE


def _shown(account: Account) -> dict[str, Any]:
    current = _current(account)
    return {"membership": current.membership_id, "until": current.given_until} if current else {}


def _to(until: date | None) -> str:
    return f" until {until}" if until else ""


def _needless(request: HttpRequest, account: Account) -> set[str]:
    current = _current(account)
    names = {"give_membership"} if current else {"change_membership", "end_membership"}
    if current and current.payment_method == PaymentMethod.PAYPAL:
        names.add("change_membership")
    has_joined = agreements.has_open_dataset(account)
    return names | {"join_open_dataset" if has_joined else "leave_open_dataset"}


AccountAdmin.needless.append(_needless)
admin_panels.add(
    AccountAdmin,
    rights={
        "give": "accounts.add_subscription",
        "amend": "accounts.change_subscription",
        "accept": "accounts.add_acceptance",
    },
    give_membership=give_membership,
    change_membership=change_membership,
    end_membership=end_membership,
    join_open_dataset=join_open_dataset,
    leave_open_dataset=leave_open_dataset,
)
