"""Django's middlewares that pages need, the back office's above all, and no call of an API does.

The APIs recognise who asks by tokens and cookies of their own (``accounts.authentication``), know
no session of Django's, and their views are none of its CSRF check's business: a poll would pay
for what it never uses.
"""

from collections.abc import Awaitable

from django.contrib.auth.middleware import AuthenticationMiddleware
from django.contrib.messages.middleware import MessageMiddleware
from django.contrib.sessions.middleware import SessionMiddleware
from django.http import HttpRequest
from django.http.response import HttpResponseBase
from django.middleware.csrf import CsrfViewMiddleware
from django.utils.deprecation import MiddlewareMixin

APIS = ("/v1/", "/api/")


class _OfPages(MiddlewareMixin):
    def __call__(self, request: HttpRequest) -> HttpResponseBase | Awaitable[HttpResponseBase]:
        if request.path_info.startswith(APIS):
            return self.get_response(request)
        return super().__call__(request)


class Sessions(_OfPages, SessionMiddleware):
    """Django's, for pages."""


class Csrf(_OfPages, CsrfViewMiddleware):
    """Django's, for pages; of an API's views its check of each view knows that they are exempt."""


class Staff(_OfPages, AuthenticationMiddleware):
    """Django's, for pages."""


class Messages(_OfPages, MessageMiddleware):
    """Django's, for pages."""
