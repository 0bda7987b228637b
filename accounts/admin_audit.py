"""Noting in the audit log what pages of the back office do beside saving single rows."""

from collections.abc import Callable, Iterable
from functools import wraps

from django.contrib.admin import ModelAdmin
from django.contrib.admin.helpers import ACTION_CHECKBOX_NAME
from django.contrib.admin.utils import unquote
from django.db.models import Model, QuerySet
from django.http import HttpRequest
from django.http.response import HttpResponseBase

from accounts import audit

Page = Callable[..., HttpResponseBase]
MOST_ROWS = 1_000  # of one action that are noted one by one
# Django's own pages say what they change.
SPEAKING = {"add_view", "change_view", "changeform_view", "delete_view"}


def noting(view: Page) -> Page:
    """Return ``view``, but that the audit log tells what it changed."""

    @wraps(view)
    def noted(request: HttpRequest, *arguments: object, **options: object) -> HttpResponseBase:
        with audit.by(request):
            owner = _owner(view, options)
            if request.method != "POST" or owner is None:
                return view(request, *arguments, **options)
            rows = _rows(owner, view, request, options)
            response = view(request, *arguments, **options)
            if 300 <= response.status_code < 400:  # done: pages that ask back, or refuse, are 200
                _note(owner, view, request, rows)
            return response

    return noted


def _owner(view: Page, options: dict[str, object]) -> ModelAdmin | None:
    owner = options.get("model_admin") or getattr(view, "__self__", None)
    return owner if isinstance(owner, ModelAdmin) else None


def _rows(
    owner: ModelAdmin, view: Page, request: HttpRequest, options: dict[str, object]
) -> dict[str, str]:
    """Return the names, by key, of the rows that a page or an action is about."""
    rows: Iterable[Model] = []
    if view.__name__ == "changelist_view":
        rows = _selected(owner, request)[:MOST_ROWS]
    elif options.get("object_id"):
        row = owner.get_object(request, unquote(str(options["object_id"])))
        rows = [row] if row else []
        for each in rows:
            audit.remember(each)
    return {str(row.pk): str(row) for row in rows}


def _selected(owner: ModelAdmin, request: HttpRequest) -> QuerySet:
    if request.POST.get("select_across") == "1":
        return owner.get_changelist_instance(request).get_queryset(request)
    return owner.get_queryset(request).filter(pk__in=request.POST.getlist(ACTION_CHECKBOX_NAME))


def _note(owner: ModelAdmin, view: Page, request: HttpRequest, rows: dict[str, str]) -> None:
    if view.__name__ in SPEAKING:
        return
    what, action = view.__name__.replace("_", " "), audit.Action.UPDATE
    if view.__name__ == "changelist_view":
        name = request.POST.get("action", "")
        known = owner.get_actions(request).get(name)
        if known is None:
            return  # none there was, or none for this person
        what = f"{known[2]}" if "%" not in known[2] else name.replace("_", " ")
        if name == "delete_selected":
            action = audit.Action.DELETE
    audit.note_rest(rows, owner.model, what, action)
