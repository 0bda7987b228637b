"""Pages of the back office that ask before something is done to a row: GET asks, POST does."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from django import forms
from django.contrib import messages
from django.contrib.admin import ModelAdmin
from django.core.exceptions import PermissionDenied
from django.db.models import Model
from django.http import Http404, HttpRequest
from django.http.response import HttpResponseBase, HttpResponseRedirect
from django.template.response import TemplateResponse
from django.urls import reverse

TEMPLATE = "accounts/back_office/question.html"


class Refused(Exception):
    """Nothing was done, for the reason that the text tells."""


@dataclass(frozen=True)
class Question:
    """What is asked; ``text`` says what will happen."""

    title: str
    text: str
    button: str
    is_dangerous: bool = False
    form: type[forms.Form] = forms.Form


def ask(
    page: ModelAdmin,
    request: HttpRequest,
    object_id: str,
    question: Question,
    do: Callable[[Any, dict[str, Any]], str | HttpResponseBase],
    *,
    may: Callable[[HttpRequest, Any], bool] | None = None,
    initial: Callable[[Any], dict[str, Any]] = lambda row: {},
) -> HttpResponseBase:
    """Ask ``question`` of who may change the row; on a yes, ``do`` it and tell what it returns.

    ``do`` gets the row and what the form holds. It raises Refused where it cannot be done. ``may``
    tells who may, where that is not whoever changes the row; ``initial`` what the form begins with.
    """
    row = page.get_object(request, object_id)
    if row is None:
        raise Http404
    if not (may or page.has_change_permission)(request, row):
        raise PermissionDenied
    sent = request.POST if request.method == "POST" else None
    form = question.form(sent, initial=initial(row))
    if form.is_valid():
        try:
            done = do(row, form.cleaned_data)
        except Refused as error:
            form.add_error(None, str(error))
        else:
            return _done(page, request, row, done)
    return _page(page, request, row, question, form)


def _done(
    page: ModelAdmin, request: HttpRequest, row: Model, done: str | HttpResponseBase
) -> HttpResponseBase:
    if isinstance(done, HttpResponseBase):
        return done
    page.message_user(request, done, messages.SUCCESS)
    return HttpResponseRedirect(_where(page, row))


def _where(page: ModelAdmin, row: Model) -> str:
    options = page.opts
    name = f"{page.admin_site.name}:{options.app_label}_{options.model_name}_change"
    return reverse(name, args=[row.pk])


def _page(
    page: ModelAdmin, request: HttpRequest, row: Model, question: Question, form: forms.Form
) -> TemplateResponse:
    context = page.admin_site.each_context(request) | {
        "title": question.title,
        "question": question,
        "form": form,
        "original": row,
        "opts": page.opts,
        "back": _where(page, row),
        "media": page.media + form.media,
    }
    request.current_app = page.admin_site.name
    return TemplateResponse(request, TEMPLATE, context)
