"""The pages that links in mails lead to, where no Selene UI serves them.

They work without scripts. The token of the link goes on in a form, which is protected against
forged requests, and the page tells nothing before the token is found to be good.
"""

from typing import Any

from django.conf import settings
from django.contrib.auth import authenticate, get_user
from django.utils.decorators import method_decorator
from django.views.decorators.cache import never_cache
from django.views.decorators.csrf import csrf_protect
from rest_framework.exceptions import AuthenticationFailed
from rest_framework.parsers import FormParser
from rest_framework.permissions import AllowAny
from rest_framework.renderers import TemplateHTMLRenderer
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.throttling import BaseThrottle
from rest_framework.views import APIView

from accounts import client, email_changes, passwords, registration
from accounts.authentication import AccountAuthentication
from accounts.models import Account, EmailChange
from accounts.throttles import AboutOneThrottle, ScopedThrottle
from sso import password_reset
from sso.serializers import PasswordResetSerializer


class PageRenderer(TemplateHTMLRenderer):
    """A page, also for what the framework refuses (too many requests, a body that is no form)."""

    exception_template_names = ["sso/message.html"]

    def get_template_context(self, data: Any, renderer_context: Any) -> dict[str, Any]:  # noqa: ANN401
        context = super().get_template_context(data, renderer_context)
        return context | {"installation_name": settings.INSTALLATION_NAME}


@method_decorator([never_cache, csrf_protect], name="dispatch")
class MailedLinkPage(APIView):
    """What the pages have in common: reading one is free, sending a form is counted."""

    authentication_classes = ()
    permission_classes = (AllowAny,)
    parser_classes = (FormParser,)
    renderer_classes = (PageRenderer,)
    metadata_class = None  # no OPTIONS: the framework's answer to it is no page
    throttle_scope = "password-change"
    schema = None

    def get_throttles(self) -> list[BaseThrottle]:
        return [ScopedThrottle()] if self.request.method == "POST" else []


class LostPasswordPage(MailedLinkPage):
    """GET, POST /lost-password: ask for a link to choose a new password."""

    throttle_scope = "password-reset"
    throttle_field = "emailAddress"

    def get_throttles(self) -> list[BaseThrottle]:
        throttles = super().get_throttles()
        return [*throttles, AboutOneThrottle()] if throttles else []

    def get(self, request: Request) -> Response:
        return Response({}, template_name="sso/lost_password.html")

    def post(self, request: Request) -> Response:
        form = PasswordResetSerializer(data=request.data)
        if not form.is_valid():
            reasons = {"reasons": form.errors["emailAddress"]}
            return Response(reasons, status=400, template_name="sso/lost_password.html")
        password_reset.send_link(form.validated_data["emailAddress"])
        return _message("Look into your mail", "What to do next is in there.")


class ChangePasswordPage(MailedLinkPage):
    """GET, POST /change-password?token=: choose a new password."""

    def get(self, request: Request) -> Response:
        return self._form(request.query_params.get("token", ""))

    def post(self, request: Request) -> Response:
        token, password = _field(request, "token"), _field(request, "password")
        if password != _field(request, "again"):
            return self._form(token, "The two passwords are not the same.")
        try:
            account = password_reset.read(token).account
            address = client.address(request._request)
            password_reset.change(token, account.pk, password, address=address)
        except password_reset.VoidToken:
            return _void("This link has expired or was used.", has_lost_password=True)
        except passwords.Weak as error:
            return self._form(token, *error.reasons)
        return _message("The password is changed", "Sign in with it from now on.")

    @staticmethod
    def _form(token: str, *reasons: str) -> Response:
        try:
            account = password_reset.read(token).account
        except password_reset.VoidToken:
            return _void("This link has expired or was used.", has_lost_password=True)
        context = {"token": token, "email": account.email, "reasons": reasons}
        status = 400 if reasons else 200
        return Response(context, status=status, template_name="sso/change_password.html")


class VerifyEmailPage(MailedLinkPage):
    """GET, POST /verify-email?token=: confirm a new address.

    It takes the account, too, by its session or its password: if a person mistyped the address, a
    stranger gets the link.
    """

    VOID = "This link has expired or was used."

    def get(self, request: Request) -> Response:
        return self._form(request, request.query_params.get("token", ""))

    def post(self, request: Request) -> Response:
        token = _field(request, "token")
        try:
            change = email_changes.read(token)
            if not self._is_theirs(request, change):
                return self._form(request, token, "This is not the password of the account.")
            address = client.address(request._request)
            email_changes.confirm(change.account, token, address=address)
        except email_changes.VoidLink:
            return _void(self.VOID)
        except registration.AddressInUse:
            return _void("Another account has this address by now.")
        return _message("The address is confirmed", f"Sign in with {change.email} from now on.")

    def _form(self, request: Request, token: str, *reasons: str) -> Response:
        try:
            change = email_changes.read(token)
        except email_changes.VoidLink:
            return _void(self.VOID)
        context = {
            "token": token,
            "email": change.account.email,
            "new_email": change.email,
            "is_signed_in": _signed_in(request) == change.account,
            "reasons": reasons,
        }
        status = 400 if reasons else 200
        return Response(context, status=status, template_name="sso/verify_email.html")

    @staticmethod
    def _is_theirs(request: Request, change: EmailChange) -> bool:
        if _signed_in(request) == change.account:
            return True
        password = _field(request, "password")
        who = authenticate(request._request, username=change.account.email, password=password)
        return who == change.account


def _field(request: Request, name: str) -> str:
    """Return what the form has in a field; the parser takes nothing but forms."""
    return str(request.data.get(name, ""))  # type: ignore[union-attr]


def _signed_in(request: Request) -> Account | None:
    """Return who is signed in here, as an account or as staff of the back office."""
    try:
        found = AccountAuthentication().authenticate(request)
    except AuthenticationFailed:
        found = None
    if found:
        return found[0]
    user = get_user(request._request)
    return user if isinstance(user, Account) else None


def _message(heading: str, text: str) -> Response:
    return Response({"heading": heading, "text": text}, template_name="sso/message.html")


def _void(text: str, **context: object) -> Response:
    return Response({"text": text} | context, status=400, template_name="sso/message.html")
