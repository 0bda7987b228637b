"""What the pages of several apps in the back office have in common."""

from functools import cached_property
from typing import Any, Generic, TypeVar, cast

from django import forms
from django.contrib import messages
from django.core.paginator import Paginator
from django.db import models
from django.http import HttpRequest, HttpResponse
from unfold.views import ChangeList

from accounts import search

Row = TypeVar("Row", bound=models.Model)
# What a page needs to say that nothing stands in the way of a deletion, or what does.
Deletion = tuple[list[str], dict[str, int], set[str], list[str]]


class MadeElsewhere:
    """For rows that the back office does not add."""

    def has_add_permission(self, request: HttpRequest, obj: models.Model | None = None) -> bool:
        return False


class ReadOnly(MadeElsewhere):
    """For rows that only the server writes."""

    def has_change_permission(self, request: HttpRequest, obj: models.Model | None = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: models.Model | None = None) -> bool:
        return False


class CountsSoFar(Paginator):
    """Pages of a list that may have a million rows: counts, and leads to, the first 10,000.

    To count them all would take longer than to show a page, and nobody turns a hundred of them:
    whoever looks for a row further on searches or filters.
    """

    MOST = 10_000
    template_name = "accounts/back_office/pagination.html"

    @cached_property
    def count(self) -> int:
        rows = cast(models.QuerySet, self.object_list)
        return rows.order_by()[: self.MOST].count()

    @property
    def may_have_more(self) -> bool:
        return self.count == self.MOST


class FirstRows(ChangeList):
    """Says how many rows there are beside the title only of those searched or filtered for."""

    def get_results(self, request: HttpRequest) -> None:
        super().get_results(request)
        if not (self.query or self.has_active_filters):
            self.full_result_count = self.result_count  # "Show all" would lead here


class LongList:
    """A list that opens as fast with a million rows as with ten."""

    MOST_SELECTED = 1_000

    paginator = CountsSoFar
    show_full_result_count = False
    list_per_page = 50

    def get_changelist(self, request: HttpRequest, **options: object) -> type[FirstRows]:
        return FirstRows

    def response_action(
        self, request: HttpRequest, queryset: models.QuerySet
    ) -> HttpResponse | None:
        """Refuse to act on more rows at once than a request has time for."""
        if request.POST.get("select_across") == "1":
            beyond = queryset.order_by().values("pk")[self.MOST_SELECTED : self.MOST_SELECTED + 1]
            if beyond.exists():
                text = f"Nothing was done: at most {self.MOST_SELECTED:,} rows at a time."
                self.message_user(request, text, messages.ERROR)  # type: ignore[attr-defined]
                return None
        return super().response_action(request, queryset)  # type: ignore[misc]


class FoundByAccount(LongList):
    """A list that is searched by whose rows they are, and by columns in ``also`` exactly."""

    account_field = "account"
    also: tuple[str, ...] = ()
    search_fields = ["account"]  # for a box to type in
    search_help_text = "How the account's address or user name begins, or its id"

    def get_search_results(
        self, request: HttpRequest, queryset: models.QuerySet, search_term: str
    ) -> tuple[models.QuerySet, bool]:
        term = search_term.strip()
        if not term:
            return queryset, False
        wanted = models.Q(**{f"{self.account_field}__in": self.find(term)})
        for column in self.also:
            wanted |= models.Q(**{column: term})
        return queryset.filter(wanted), False

    def find(self, term: str) -> list[Any]:
        """Return keys of what ``account_field`` refers to."""
        return search.by_account(term)


class KeepsWhatWasLeftAlone(forms.BaseModelForm):
    """A form in which a field that was sent as it was shown takes the value the row has by now.

    What was shown comes back in hidden inputs. A program that sends none has seen no page: its
    values count against those of the row, as in any other form.
    """

    def __init__(self, *args: object, **options: object) -> None:
        super().__init__(*args, **options)  # type: ignore[arg-type]
        if self.is_bound and not any(name.startswith("initial-") for name in self.data):
            for field in self.fields.values():
                field.show_hidden_initial = False

    def full_clean(self) -> None:
        left_alone = [
            field
            for name, field in self.fields.items()
            if self.is_bound and not field.disabled and name not in self.changed_data
        ]
        # A disabled field is cleaned from the row.
        for field in left_alone:
            field.disabled = True
        super().full_clean()
        for field in left_alone:
            field.disabled = False


class SavesWhatWasEdited(Generic[Row]):
    """Writes what was changed on the page; the rest may have been changed elsewhere meanwhile."""

    def formfield_for_dbfield(
        self, db_field: models.Field, request: HttpRequest, **options: object
    ) -> forms.Field | None:
        return super().formfield_for_dbfield(  # type: ignore[misc]
            db_field, request, show_hidden_initial=True, **options
        )

    def get_form(
        self,
        request: HttpRequest,
        obj: Row | None = None,
        change: bool = False,
        **options: object,
    ) -> type[forms.ModelForm]:
        form = super().get_form(request, obj, change=change, **options)  # type: ignore[misc]
        return type(form.__name__, (KeepsWhatWasLeftAlone, form), {}) if change else form

    def save_model(
        self, request: HttpRequest, obj: Row, form: forms.ModelForm, change: bool
    ) -> None:
        obj.save(update_fields=edited_columns(form) if change else None)


def edited_columns(form: forms.ModelForm) -> set[str]:
    """Return the columns of the form's row that were changed on the page."""
    columns = {field.name for field in form._meta.model._meta.concrete_fields}
    return columns.intersection(form.changed_data)
