"""The site of the back office."""

from typing import Any

from django.contrib.auth.views import PasswordChangeView
from django.http import HttpRequest
from django.http.response import HttpResponseBase
from django.urls import reverse
from unfold.sites import UnfoldAdminSite

from accounts.forms import OwnPasswordForm


class BackOffice(UnfoldAdminSite):
    """Unfold's, but that a new password ends the sessions begun with the old one."""

    def password_change(
        self, request: HttpRequest, extra_context: dict[str, Any] | None = None
    ) -> HttpResponseBase:
        # As in UnfoldAdminSite, which has no other place for a form of one's own.
        view = PasswordChangeView.as_view(
            form_class=OwnPasswordForm,
            template_name=self.password_change_template or PasswordChangeView.template_name,
            success_url=reverse(f"{self.name}:password_change_done", current_app=self.name),
            extra_context=self.each_context(request) | (extra_context or {}),
        )
        request.current_app = self.name
        return view(request)
