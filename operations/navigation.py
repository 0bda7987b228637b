"""The side bar of the back office, by what staff do rather than by what the code is made of."""

from operator import itemgetter
from typing import Any

from django.contrib import admin
from django.db.models import Model
from django.http import HttpRequest
from django.templatetags.static import static
from django.urls import reverse

Entry = tuple[str, str, str]  # model, title ("" for its own name), icon of Material Symbols
GROUPS: dict[str, list[Entry]] = {
    "People": [
        ("accounts.account", "", "group"),
        ("accounts.subscription", "", "card_membership"),
        ("accounts.signinsession", "Sessions", "login"),
        ("social_django.usersocialauth", "Logins elsewhere", "link"),
        ("accounts.outgoingmail", "Mail", "mail"),
    ],
    "Devices": [
        ("devices.device", "", "speaker"),
        ("devices.pairingsession", "Pairing", "qr_code"),
        ("market.deviceskill", "Skills on devices", "extension"),
        ("devices.coremetric", "Metrics", "monitoring"),
        ("devices.coreinteraction", "Interactions", "forum"),
        ("devices.wakewordsample", "Wake word samples", "mic"),
    ],
    "What they use": [
        ("market.catalogueentry", "Marketplace", "storefront"),
        ("market.skill", "Skills", "apps"),
        ("market.settingsdefinition", "", "tune"),
        ("market.oauthcredential", "", "key"),
        ("devices.wakeword", "", "record_voice_over"),
        ("devices.voice", "", "volume_up"),
    ],
    "Texts and prices": [
        ("accounts.agreement", "", "gavel"),
        ("accounts.membership", "", "sell"),
    ],
    "Places": [
        ("geography.country", "", "public"),
        ("geography.region", "", "map"),
        ("geography.city", "", "location_city"),
        ("geography.timezone", "Time zones", "schedule"),
    ],
    "Operations": [
        ("operations.jobrun", "Jobs", "play_circle"),
        ("operations.apicallday", "", "api"),
        ("devices.sttengineday", "Speech by day", "graphic_eq"),
        ("accounts.accountactivity", "", "show_chart"),
    ],
    "Security": [
        ("accounts.securityevent", "", "shield"),
        ("axes.accessattempt", "Failed logins", "lock"),
        ("auditlog.logentry", "Audit log", "history"),
        ("auth.group", "Roles", "badge"),
    ],
}
# Shown on the pages of others, or of interest to developers: at the end, folded
REST = "More"


def sidebar(request: HttpRequest) -> list[dict[str, Any]]:
    """Return what who asks may see; the setting ``UNFOLD`` names this function."""
    left = {model._meta.label_lower: model for model in admin.site._registry}
    start = {"title": "Dashboard", "icon": "dashboard", "link": reverse("admin:index")}
    groups: list[dict[str, Any]] = [{"items": [start]}]
    for title, entries in GROUPS.items():
        items = [
            _item(model, name, icon)
            for label, name, icon in entries
            if (model := left.pop(label, None)) and _sees(request, model)
        ]
        if items:
            groups.append({"title": title, "items": items})
    rest = [_item(model, "", "more_horiz") for model in left.values() if _sees(request, model)]
    if rest:
        rest.sort(key=itemgetter("title"))
        groups.append({"title": REST, "collapsible": True, "items": rest})
    return groups


def style(request: HttpRequest) -> str:
    """Return where the styles are that Unfold has not."""
    return static("operations/back_office.css")


def account_links(request: HttpRequest) -> list[dict[str, str]]:
    """Return what stands under one's own name."""
    return [{"title": "Two-step login", "link": reverse("admin:set_up_two_step")}]


def _sees(request: HttpRequest, model: type[Model]) -> bool:
    return admin.site.get_model_admin(model).has_view_permission(request)


def _item(model: type[Model], title: str, icon: str) -> dict[str, Any]:
    options = model._meta
    name = title or str(options.verbose_name_plural)
    return {
        "title": name[:1].upper() + name[1:],
        "icon": icon,
        "link": reverse(f"admin:{options.app_label}_{options.model_name}_changelist"),
    }
