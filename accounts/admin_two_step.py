"""The pages of the back office for two-step login: giving a code, and setting it up."""

from typing import Any

from django import forms
from django.conf import settings
from django.contrib.admin import AdminSite
from django.contrib.auth import REDIRECT_FIELD_NAME, logout
from django.contrib.auth.signals import user_login_failed
from django.contrib.auth.views import RedirectURLMixin
from django.http import HttpRequest
from django.http.response import HttpResponseBase, HttpResponseRedirect
from django.template.response import TemplateResponse
from django.urls import reverse
from unfold.widgets import UnfoldAdminTextInputWidget

from accounts import client, lockout, staff_sessions, two_step
from accounts.models import TwoStep

WRONG = "This code is wrong, or was used. Wait for the app's next one."
TOO_SOON = "Too many wrong codes: wait a while, then type a new one."
TURN_OFF = "turn-off"  # the name of a button


class CodeForm(forms.Form):
    """A code of the app, or where one signs in a recovery code."""

    code = forms.CharField(
        label="Code",
        max_length=40,
        strip=True,
        widget=UnfoldAdminTextInputWidget(
            attrs={"autocomplete": "one-time-code", "autofocus": True, "autocapitalize": "off"}
        ),
    )


def prove(request: HttpRequest, site: AdminSite) -> HttpResponseBase:
    """/admin/two-step/: give the second step of signing in."""
    if not staff_sessions.is_staff(request):
        return HttpResponseRedirect(reverse(f"{site.name}:login"))
    if (proof := staff_sessions.needs(request)) is None:
        return HttpResponseRedirect(_wanted(request, site))
    form = CodeForm(request.POST or None)
    if form.is_valid() and _accept(request, proof, form):
        lockout.forget(proof.user.email, _address(request))
        staff_sessions.prove(request, proof)
        return HttpResponseRedirect(_wanted(request, site))
    return _page(request, site, "prove", {"form": form})


def set_up(request: HttpRequest, site: AdminSite) -> HttpResponseBase:
    """/admin/two-step/own/: set up one's own two-step login, renew its codes, turn it off."""
    if not staff_sessions.is_staff(request) or staff_sessions.needs(request):
        return HttpResponseRedirect(reverse(f"{site.name}:login"))
    proof = two_step.of(request.user)  # type: ignore[arg-type]
    return _set_up(request, site) if proof is None else _change(request, site, proof)


def _set_up(request: HttpRequest, site: AdminSite) -> HttpResponseBase:
    begun = two_step.begin(request.user, request.session.get(staff_sessions.BEGUN))  # type: ignore[arg-type]
    request.session[staff_sessions.BEGUN] = str(begun.pk)
    form = CodeForm(request.POST or None)
    if form.is_valid():
        try:
            codes = two_step.confirm(begun, form.cleaned_data["code"], address=_address(request))
        except two_step.WrongCode as error:
            _refuse(form, error)
        else:
            staff_sessions.prove(request, begun)
            return _show(request, site, codes)
    context = {
        "form": form,
        "picture": two_step.picture(begun),
        "key": two_step.key_text(begun),
        "is_required": two_step.is_required(request.user),  # type: ignore[arg-type]
    }
    return _page(request, site, "set_up", context)


def _change(request: HttpRequest, site: AdminSite, proof: TwoStep) -> HttpResponseBase:
    """Take a code before anything is changed: the browser may have been left alone."""
    is_required = two_step.is_required(request.user)  # type: ignore[arg-type]
    form = CodeForm(request.POST or None)
    if form.is_valid() and _accept(request, proof, form):
        if TURN_OFF not in request.POST:
            return _show(request, site, two_step.renew_recovery_codes(proof))
        if not is_required:
            two_step.remove(proof.user, address=_address(request))
        return HttpResponseRedirect(reverse(f"{site.name}:set_up_two_step"))
    left = proof.recovery_codes.count()
    return _page(request, site, "own", {"form": form, "left": left, "is_required": is_required})


def _show(request: HttpRequest, site: AdminSite, codes: list[str]) -> HttpResponseBase:
    return _page(request, site, "codes", {"codes": codes})


def _accept(request: HttpRequest, proof: TwoStep, form: CodeForm) -> bool:
    """Use up the form's code; a wrong one counts among the failed logins of the account."""
    try:
        two_step.verify(proof, form.cleaned_data["code"], address=_address(request))
    except two_step.WrongCode as error:
        _refuse(form, error)
        # By axes, which locks the account out for this address; its middleware then answers.
        user_login_failed.send(
            sender=__name__, credentials={"username": proof.user.email}, request=request
        )
        if getattr(request, "axes_locked_out", False):
            logout(request)
        return False
    return True


def _refuse(form: CodeForm, error: two_step.WrongCode) -> None:
    form.add_error("code", TOO_SOON if isinstance(error, two_step.TooSoon) else WRONG)


def _page(
    request: HttpRequest, site: AdminSite, name: str, context: dict[str, Any]
) -> TemplateResponse:
    every = site.each_context(request) | {
        "installation": settings.INSTALLATION_NAME,
        "next": _wanted(request, site),
    }
    request.current_app = site.name
    return TemplateResponse(request, f"accounts/two_step/{name}.html", every | context)


def _address(request: HttpRequest) -> str | None:
    return client.address(request)


def _wanted(request: HttpRequest, site: AdminSite) -> str:
    """Return the page that was asked for before signing in, if it is one of ours."""
    safe = RedirectURLMixin()
    safe.request, safe.redirect_field_name = request, REDIRECT_FIELD_NAME  # type: ignore[attr-defined]
    return safe.get_redirect_url() or reverse(f"{site.name}:index")
