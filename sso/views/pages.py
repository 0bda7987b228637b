"""Signing in through a platform's own pages, for links on pages of ours."""

from urllib.parse import urljoin, urlsplit

from django.conf import settings
from django.contrib.auth import SESSION_KEY
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import reverse
from django.utils.decorators import method_decorator
from django.utils.http import url_has_allowed_host_and_scheme
from django.views.decorators.cache import never_cache
from rest_framework.exceptions import NotFound, PermissionDenied, ValidationError
from rest_framework.permissions import AllowAny
from rest_framework.renderers import TemplateHTMLRenderer
from rest_framework.request import Request
from rest_framework.views import APIView

from accounts.throttles import ScopedThrottle
from sso import federated, social
from sso.upstream.identities import Refused
from sso.views.federated import NO_ACCOUNT, sign_in
from sso.views.signing_in import LoginRefused

NEXT = "sso_next"


class RefusalPage(TemplateHTMLRenderer):
    """Shows why nobody was signed in."""

    exception_template_names = ["sso/refused.html"]


@method_decorator(never_cache, name="dispatch")
class PageView(APIView):
    """What both pages have in common."""

    authentication_classes = ()
    permission_classes = (AllowAny,)
    renderer_classes = (RefusalPage,)
    metadata_class = None  # no OPTIONS: the framework's answer to it is no page
    throttle_classes = (ScopedThrottle,)
    throttle_scope = "federated-login"

    def initial(self, request: Request, *args: object, **kwargs: object) -> None:
        super().initial(request, *args, **kwargs)
        if kwargs["provider"] not in social.PLATFORMS:
            raise NotFound("there is no such platform")


class LoginPage(PageView):
    """GET /sso/login/<provider>/?next=: go to the platform, and come back to ``next``."""

    def get(self, request: Request, provider: str) -> HttpResponse:
        answer = social.start(request._request, provider, back_to=_back_to(provider))
        request._request.session[NEXT] = request.query_params.get("next", "")
        _shorten(request._request)
        return answer


class CompletePage(PageView):
    """GET /sso/complete/<provider>/: where the platform sends a person back to."""

    def get(self, request: Request, provider: str) -> HttpResponse:
        browser = request._request
        try:
            account = social.complete(browser, provider, back_to=_back_to(provider))
        except social.Canceled as error:
            raise PermissionDenied("you did not sign in there") from error
        except social.NotOurs as error:
            raise ValidationError("that took too long, or began in another browser") from error
        except Refused as error:
            raise LoginRefused(str(error)) from error
        except federated.NoAccount as error:
            raise LoginRefused(NO_ACCOUNT) from error
        response = HttpResponseRedirect(_destination(browser.session.pop(NEXT, "")))
        _forget(browser)
        sign_in(browser, response, account)
        return response


def _back_to(provider: str) -> str:
    return reverse("sso-complete", args=[provider])


def _destination(wanted: str) -> str:
    """Return ``wanted``, as a whole address, if it is one of ours; else the account pages'."""
    try:
        url = urljoin(f"{settings.ACCOUNT_BASE_URL}/", wanted)
    except ValueError:  # such as half an IPv6 address
        return f"{settings.ACCOUNT_BASE_URL}/"
    ours = {urlsplit(base).netloc for base in (settings.ACCOUNT_BASE_URL, settings.SSO_BASE_URL)}
    is_ours = url_has_allowed_host_and_scheme(url, ours, require_https=settings.IS_HTTPS)
    return url if is_ours else f"{settings.ACCOUNT_BASE_URL}/"


def _shorten(request: HttpRequest) -> None:
    """Let the session of a browser that is not in the back office end with the way."""
    if SESSION_KEY not in request.session:
        request.session.set_expiry(social.Platform.STATE_LIFETIME)


def _forget(request: HttpRequest) -> None:
    if SESSION_KEY not in request.session:
        request.session.flush()
