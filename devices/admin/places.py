"""Places in the back office, corrected where somebody knows better than GeoNames.

Here, above the places themselves, because the devices that are there have to learn of it.
"""

from typing import Any

from django import forms
from django.contrib import admin, messages
from django.core.exceptions import ValidationError
from django.db.models import Model, QuerySet
from django.http import HttpRequest
from django.http.response import HttpResponseBase
from django.shortcuts import redirect
from django.utils.html import format_html
from unfold.admin import ModelAdmin
from unfold.contrib.filters.admin import AutocompleteSelectFilter
from unfold.dataclasses import UnfoldAction
from unfold.decorators import action, display
from unfold.widgets import UnfoldAdminDecimalFieldWidget

from accounts.admin_mixins import LongList, SavesWhatWasEdited, edited_columns
from accounts.admin_questions import Question, ask
from devices import places
from geography import correcting
from geography.admin import CityAdmin, PlaceAdmin, TimezoneAdmin
from geography.models import City, Correction, Timezone

GIVE_BACK = Question(
    "Give the place back to GeoNames",
    "It stays as it is until the next run of load_geonames, which makes it what GeoNames says.",
    "Give back",
)

# The pages that only show them
admin.site.unregister([City, Timezone])


class CorrectedFilter(admin.SimpleListFilter):
    """Places that differ from GeoNames."""

    title = "corrected here"
    parameter_name = "corrected"

    def lookups(self, request: HttpRequest, model_admin: admin.ModelAdmin) -> list[tuple[str, str]]:
        return [("yes", "Yes")]

    def queryset(self, request: HttpRequest, places: QuerySet[Any]) -> QuerySet[Any]:
        if not self.value():
            return places
        # From the few to the many; a join would read all cities.
        kind = places.model._meta.model_name
        chosen = Correction.objects.exclude(**{kind: None}).values(kind)
        return places.filter(pk__in=chosen)


class Correctable(LongList, SavesWhatWasEdited, PlaceAdmin):
    """Places that staff with the right may correct; devices there follow on their next poll."""

    change_form_before_template = "devices/back_office/correct.html"
    actions_detail = ["give_back"]

    def has_change_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        return ModelAdmin.has_change_permission(self, request, obj)

    def get_actions_detail(self, request: HttpRequest, object_id: Any) -> list[UnfoldAction]:  # noqa: ANN401
        place = self.get_object(request, str(object_id))
        if not hasattr(place, "correction") or not self.has_change_permission(request, place):
            return []
        return super().get_actions_detail(request, object_id)

    @display(description="corrected here")
    def corrected(self, place: City | Timezone) -> str:
        is_corrected = hasattr(place, "correction")
        return f"{place.correction.corrected_at:%Y-%m-%d}" if is_corrected else "-"

    @action(description="Give back to GeoNames", icon="undo")
    def give_back(self, request: HttpRequest, object_id: str) -> HttpResponseBase:
        def do(place: City | Timezone, _: dict[str, Any]) -> str:
            correcting.give_back(place)
            return "The next run of load_geonames makes it what GeoNames says"

        return ask(self, request, object_id, GIVE_BACK, do)


class CityForm(forms.ModelForm):
    class Meta:
        labels = {"timezone": "Time zone"}

    latitude = forms.FloatField(
        min_value=-90,
        max_value=90,
        show_hidden_initial=True,
        widget=UnfoldAdminDecimalFieldWidget,
        help_text="Degrees north.",
    )
    longitude = forms.FloatField(
        min_value=-180,
        max_value=180,
        show_hidden_initial=True,
        widget=UnfoldAdminDecimalFieldWidget,
        help_text="Degrees east.",
    )

    def clean_name(self) -> str:
        name = self.cleaned_data["name"]
        others = City.objects.filter(region=self.instance.region_id, name=name)
        if others.exclude(pk=self.instance.pk).exists():
            raise ValidationError("another city of the region has this name")
        return name


@admin.register(City)
class CorrectableCityAdmin(Correctable, CityAdmin):
    form = CityForm
    list_filter = [("region__country", AutocompleteSelectFilter), CorrectedFilter]
    fields = ["name", "timezone", "latitude", "longitude", "population", "region", "country"]
    fields += ["corrected", "at_geonames", "id"]
    readonly_fields = ["id", "region", "country", "corrected", "at_geonames"]
    autocomplete_fields = ["timezone"]

    @display(description="country")
    def country(self, city: City) -> str:
        return str(city.region.country)

    @display(description="at GeoNames")
    def at_geonames(self, city: City) -> str:
        link = '<a class="text-primary-600 dark:text-primary-500" href="{}" rel="noreferrer">{}</a>'
        return format_html(link, f"https://www.geonames.org/{city.geonames_id}", city.geonames_id)

    def change_view(
        self,
        request: HttpRequest,
        object_id: str,
        form_url: str = "",
        extra_context: dict | None = None,
    ) -> HttpResponseBase:
        try:
            return super().change_view(request, object_id, form_url, extra_context)
        except correcting.NameTaken:
            # The form has looked already; this is somebody else in the same moment.
            text = "another city of the region has this name by now"
            self.message_user(request, text, messages.ERROR)
            return redirect(request.path)

    def save_model(
        self, request: HttpRequest, city: City, form: forms.ModelForm, change: bool
    ) -> None:
        news = {name: form.cleaned_data[name] for name in edited_columns(form)}
        places.correct_city(city, **news)


class TimezoneForm(forms.ModelForm):
    gmt_offset = forms.FloatField(
        label="In January",
        min_value=-15,
        max_value=15,
        show_hidden_initial=True,
        widget=UnfoldAdminDecimalFieldWidget,
        help_text="Hours from UTC on 1 January.",
    )
    dst_offset = forms.FloatField(
        label="In July",
        min_value=-15,
        max_value=15,
        show_hidden_initial=True,
        widget=UnfoldAdminDecimalFieldWidget,
        help_text="Hours from UTC on 1 July.",
    )


@admin.register(Timezone)
class CorrectableTimezoneAdmin(Correctable, TimezoneAdmin):
    form = TimezoneForm
    list_filter = [CorrectedFilter]
    list_filter_submit = True
    fields = ["name", "country", "gmt_offset", "dst_offset", "corrected", "id"]
    readonly_fields = ["id", "name", "country", "corrected"]

    def save_model(
        self, request: HttpRequest, zone: Timezone, form: forms.ModelForm, change: bool
    ) -> None:
        news = {name: form.cleaned_data[name] for name in edited_columns(form)}
        places.correct_timezone(zone, **news)
