"""What the pages of several apps in the back office have in common."""

from typing import Generic, TypeVar

from django import forms
from django.db import models
from django.http import HttpRequest

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
