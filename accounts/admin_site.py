"""The site of the back office."""

import math
from collections.abc import Callable
from contextlib import suppress
from functools import wraps
from typing import Any

from django.contrib.admin import ModelAdmin
from django.contrib.admin.exceptions import DisallowedModelAdminLookup, DisallowedModelAdminToField
from django.contrib.admin.helpers import ACTION_CHECKBOX_NAME
from django.contrib.admin.options import IncorrectLookupParameters
from django.contrib.admin.views.autocomplete import AutocompleteJsonView
from django.contrib.auth import logout
from django.contrib.auth.views import PasswordChangeView, redirect_to_login
from django.core.exceptions import ValidationError
from django.db import DataError
from django.db.models import Model
from django.http import Http404, HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.urls import URLPattern, path, reverse
from django.views.decorators.cache import never_cache
from django.views.decorators.csrf import csrf_protect
from rest_framework.request import Request
from rest_framework.views import APIView
from unfold.sites import UnfoldAdminSite

from accounts import admin_two_step, staff_sessions
from accounts.admin_audit import noting
from accounts.forms import OwnPasswordForm
from accounts.throttles import RateThrottle

Page = Callable[..., HttpResponseBase]
# What reading with a value that no page of ours offers ends in.
NONSENSE = (ValidationError, OverflowError, DataError)
DISALLOWED = (DisallowedModelAdminLookup, DisallowedModelAdminToField)


class LoginThrottle(RateThrottle):
    """Counts logins per client address, together with those of the API."""

    scope = "login"

    def get_cache_key(self, request: Request, view: APIView) -> str:
        return self.cache_format % {"scope": self.scope, "ident": self.get_ident(request)}


class Suggestions(AutocompleteJsonView):
    """Django's, but that a model's admin may say in ``suggestion`` more than the bare name."""

    def serialize_result(self, row: Model, to_field_name: str) -> dict[str, str]:
        name = getattr(self.model_admin, "suggestion", str)
        return super().serialize_result(row, to_field_name) | {"text": name(row)}


class BackOffice(UnfoldAdminSite):
    """Unfold's, with limits for who signs in, and 404 for addresses made by hand.

    Who signs in gives a password, then a code where two-step login is set up or required. What is
    changed on its pages is noted in the audit log.
    """

    index_template = "operations/dashboard.html"

    def get_urls(self) -> list[URLPattern]:
        # Outside of ``admin_view``: they are how to get in.
        pages = {"two-step": admin_two_step.prove, "two-step/own": admin_two_step.set_up}
        return [
            *(
                path(
                    f"{where}/",
                    never_cache(csrf_protect(page)),
                    {"site": self},
                    name=page.__name__ + "_two_step",
                )
                for where, page in pages.items()
            ),
            # Also for who is halfway in
            path("logout/", never_cache(csrf_protect(self.logout)), name="logout"),
            *super().get_urls(),
        ]

    def has_permission(self, request: HttpRequest) -> bool:
        """Tell whether all steps of signing in are done, and nothing of it has ended."""
        return (
            staff_sessions.is_staff(request)
            and staff_sessions.needs(request) is None
            and not staff_sessions.needs_set_up(request)
        )

    def login(
        self, request: HttpRequest, extra_context: dict[str, Any] | None = None
    ) -> HttpResponseBase:
        throttle, asked = LoginThrottle(), Request(request)
        # Before a password is hashed, since that is what costs.
        if request.method == "POST" and not throttle.allow_request(asked, APIView()):
            text = "too many logins, try again later"
            refusal = HttpResponse(text, status=429, content_type="text/plain")
            refusal["Retry-After"] = str(math.ceil(throttle.wait() or 1))
            return refusal
        if request.method == "GET" and request.user.is_authenticated:
            if not staff_sessions.is_staff(request):
                logout(request)
            elif not self.has_permission(request):
                return self._next_step(request)
        return super().login(request, extra_context)

    def _next_step(self, request: HttpRequest) -> HttpResponseBase:
        """Ask who has given the password for a code, or to set that up."""
        page = "set_up" if staff_sessions.needs_set_up(request) else "prove"
        wanted = request.GET.get("next") or reverse(f"{self.name}:index")
        return redirect_to_login(wanted, reverse(f"{self.name}:{page}_two_step"))

    def admin_view(self, view: Page, cacheable: bool = False) -> Page:
        noted = _refusing_nonsense(noting(view), of=view)

        @wraps(view)
        def in_session(
            request: HttpRequest, *arguments: object, **options: object
        ) -> HttpResponseBase:
            staff_sessions.note_use(request)
            return noted(request, *arguments, **options)

        return super().admin_view(in_session, cacheable)

    def autocomplete_view(self, request: HttpRequest) -> HttpResponseBase:
        return Suggestions.as_view(admin_site=self)(request)

    def password_change(
        self, request: HttpRequest, extra_context: dict[str, Any] | None = None
    ) -> HttpResponseBase:
        """Change one's own password, which ends the sessions begun with the old one."""
        # As in UnfoldAdminSite, which has no other place for a form of one's own.
        view = PasswordChangeView.as_view(
            form_class=OwnPasswordForm,
            template_name=self.password_change_template or PasswordChangeView.template_name,
            success_url=reverse(f"{self.name}:password_change_done", current_app=self.name),
            extra_context=self.each_context(request) | (extra_context or {}),
        )
        request.current_app = self.name
        return view(request)


def _refusing_nonsense(page: Page, *, of: Page) -> Page:
    """Return ``page``, which wraps the view ``of``; it answers 404 to what cannot be looked up."""

    @wraps(page)
    def refusing(request: HttpRequest, *arguments: object, **options: object) -> HttpResponseBase:
        is_reading = request.method in ("GET", "HEAD")
        try:
            if not is_reading:
                _look_up(of, request)
            return page(request, *arguments, **options)
        except DISALLOWED as error:
            raise Http404 from error
        except NONSENSE as error:
            # While something is saved they would be mistakes of ours.
            if is_reading:
                raise Http404 from error
            raise
        except ValueError:
            # Of a filter, such as a year that no calendar has, or a mistake of ours.
            _look_up(of, request)
            raise

    return refusing


def _look_up(view: Page, request: HttpRequest) -> None:
    """Find the rows that a list, or an action on it, is about.

    Raises:
        Http404: no page of ours filters or selects like that.
    """
    page = getattr(view, "__self__", None)
    if not isinstance(page, ModelAdmin) or view.__name__ != "changelist_view":
        return
    selected = request.POST.getlist(ACTION_CHECKBOX_NAME)
    try:
        page.model._default_manager.filter(pk__in=selected).exists()
        with suppress(IncorrectLookupParameters):
            page.get_changelist_instance(request)
    except (*NONSENSE, ValueError) as error:
        raise Http404 from error
