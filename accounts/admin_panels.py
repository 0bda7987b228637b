"""Panels below a form of the back office: what belongs to the row, a few rows of each kind.

They are looked at only, so they are no part of the form, and each costs one query however many
rows there are. Apps above add panels, and buttons, to the pages of the apps below them.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from django.contrib.admin import ModelAdmin
from django.contrib.admin.utils import display_for_value
from django.db.models import Model, QuerySet
from django.http import HttpRequest, HttpResponse
from django.urls import reverse
from django.utils.html import format_html

TEMPLATE = "accounts/back_office/panels.html"
Column = str | Callable[[Any], object]


@dataclass(frozen=True)
class Panel:
    """The first rows of one kind; who may not view the kind does not see the panel."""

    title: str
    model: type[Model]
    columns: Mapping[str, Column]  # by heading: an attribute, or what to make of a row
    rows: Callable[[Any], QuerySet]  # of the row whose page it is
    filter: str = ""  # of the list that has all of them, such as "account__id__exact"
    limit: int = 10
    order: int = 5  # among the panels of a page, low ones first


def add(
    page: type[ModelAdmin],
    *,
    panels: list[Panel] | None = None,
    rights: Mapping[str, str] | None = None,
    **buttons: Callable,
) -> None:
    """Add panels, and buttons by name, to ``page``, of an app below.

    ``rights`` are those that buttons name as their ``permissions``: "export" may be
    "accounts.export_account". Named in full they would be looked up in the database at every start,
    the first one too, when it has no tables.
    """
    page.panels = [*page.panels, *(panels or [])]  # type: ignore[attr-defined]
    for name, right in (rights or {}).items():
        setattr(page, f"has_{name}_permission", _having(right))
    for name, button in buttons.items():
        setattr(page, name, button)
        page.actions_detail[0]["items"].append(name)  # type: ignore[attr-defined]


def _having(right: str) -> Callable[..., bool]:
    def has(page: ModelAdmin, request: HttpRequest, obj: object = None) -> bool:
        return request.user.has_perm(right)

    return has


def menu(*buttons: str) -> list[dict[str, Any]]:
    """Return ``buttons`` as one menu: side by side, many would leave no room for a title."""
    return [{"title": "Actions", "icon": "bolt", "items": list(buttons)}]


class WithPanels:
    """A page that shows ``panels`` below its form."""

    panels: list[Panel] = []
    change_form_outer_after_template = TEMPLATE

    def render_change_form(
        self,
        request: HttpRequest,
        context: dict[str, Any],
        add: bool = False,
        change: bool = False,
        form_url: str = "",
        obj: Model | None = None,
    ) -> HttpResponse:
        if obj is not None:
            panels = sorted(self.panels, key=lambda panel: panel.order)
            shown = (_shown(self.admin_site, panel, request, obj) for panel in panels)  # type: ignore[attr-defined]
            context["panels"] = [panel for panel in shown if panel]
        return super().render_change_form(request, context, add, change, form_url, obj)  # type: ignore[misc]


def _shown(site: Any, panel: Panel, request: HttpRequest, obj: Model) -> dict[str, Any] | None:  # noqa: ANN401
    """Return what the template shows of ``panel``; None for who may not view such rows."""
    options, page = panel.model._meta, site._registry.get(panel.model)
    if not request.user.has_perm(f"{options.app_label}.view_{options.model_name}"):
        return None
    found = list(panel.rows(obj)[: panel.limit + 1])
    base = f"{site.name}:{options.app_label}_{options.model_name}"
    change = f"{base}_change" if page else ""
    return {
        "title": panel.title,
        "table": {
            "headers": list(panel.columns),
            "rows": [_cells(panel, row, change) for row in found[: panel.limit]],
        },
        "count": min(len(found), panel.limit),
        "more": len(found) > panel.limit,
        "all": page and panel.filter and f"{reverse(f'{base}_changelist')}?{panel.filter}={obj.pk}",
    }


def _cells(panel: Panel, row: Model, change: str) -> list[str]:
    cells = []
    for column in panel.columns.values():
        value = column(row) if callable(column) else getattr(row, column)
        value = value() if callable(value) else value  # such as get_kind_display
        cells.append(display_for_value(value, "-", boolean=isinstance(value, bool)))
    if change:
        link = '<a class="text-primary-600 dark:text-primary-500" href="{}">{}</a>'
        cells[0] = format_html(link, reverse(change, args=[row.pk]), cells[0])
    return cells
