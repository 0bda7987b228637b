"""What pages about devices have in common."""

from django import forms

from geography.admin import place_name


class PlaceForm(forms.ModelForm):
    """A form that shows in which region and country its city lies."""

    def __init__(self, *args: object, **options: object) -> None:
        super().__init__(*args, **options)  # type: ignore[arg-type]
        if "city" in self.fields:  # not where staff may only look
            self.fields["city"].label_from_instance = place_name  # type: ignore[attr-defined]
        if "timezone" in self.fields:
            self.fields["timezone"].label = "Time zone"
