"""Which APIs and pages this process serves, composed of the lists of the apps.

Several APIs share a path now and then: the list that comes first answers it, and holds all that
the others' views would.
"""

from collections.abc import Sequence

from django.conf import settings
from django.contrib import admin
from django.urls import URLPattern, URLResolver, include, path
from drf_spectacular.views import SpectacularAPIView, SpectacularSwaggerView

import accounts.urls
import devices.urls
import geography.urls
import market.urls
import operations.urls
import sso.urls

Patterns = Sequence[URLPattern | URLResolver]

# The marketplace shows who is signed in.
_PROFILE: Patterns = [p for p in accounts.urls.account_api if str(p.pattern) == "account"]
# The account pages ask it, too, as when an address is changed; platforms are single sign on's.
_VALIDATE_EMAIL: Patterns = [p for p in sso.urls.account_api if str(p.pattern) == "validate-email"]
ACCOUNT_APIS: dict[str, list[Patterns]] = {
    "sso": [sso.urls.account_api],
    "account": [
        geography.urls.account_api,
        accounts.urls.account_api,
        _VALIDATE_EMAIL,
        devices.urls.account_api,
        market.urls.account_api,
    ],
    "market": [market.urls.marketplace_api, _PROFILE],
}
DEVICE_API: list[Patterns] = [
    accounts.urls.device_api,
    devices.urls.device_api,
    market.urls.device_api,
]


def _mount(prefix: str, lists: list[Patterns]) -> Patterns:
    """Return ``lists`` under ``prefix``, with the page that describes them."""
    # As one list: to look in another costs more than to compare all that is in it.
    together = [pattern for patterns in lists for pattern in patterns]
    patterns: Patterns = [path(f"{prefix}/", include(together))]
    schema = SpectacularAPIView.as_view(patterns=patterns)
    page = SpectacularSwaggerView.as_view(url_name=f"{prefix}-schema")
    return [
        path(f"{prefix}/schema", schema, name=f"{prefix}-schema"),
        path(f"{prefix}/docs", page),
        *patterns,
    ]


def _compose(apis: list[str]) -> Patterns:
    patterns: list[URLPattern | URLResolver] = [path("", include(operations.urls.pages))]
    account_side = [each for api, lists in ACCOUNT_APIS.items() if api in apis for each in lists]
    if account_side:
        patterns += _mount("api", account_side)
    if "sso" in apis:
        patterns += sso.urls.sign_in_pages
    if {"sso", "account"}.intersection(apis):
        patterns += sso.urls.mailed_link_pages
    if "device" in apis:
        patterns += _mount("v1", DEVICE_API)
        patterns.append(path("v1/", include(devices.urls.unknown_device_path)))
    if "admin" in apis:
        patterns.append(path("admin/", admin.site.urls))
    return patterns


urlpatterns = _compose(settings.SELENE_APIS)

handler400 = "selene_project.errors.bad_request"
handler404 = "selene_project.errors.not_found"
handler500 = "selene_project.errors.server_error"
