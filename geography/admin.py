"""Places in the back office: to be looked at; ``devices.admin.places`` corrects some."""

from typing import Any

from django.contrib import admin
from django.db.models import Model, QuerySet
from django.http import HttpRequest
from unfold.admin import ModelAdmin
from unfold.contrib.filters.admin import AutocompleteSelectFilter

from geography.models import City, Country, Region, Timezone
from geography.names import fold


def place_name(city: City) -> str:
    """Return the name by which somebody can tell ``city`` from others of its name."""
    return f"{city.name}, {city.region.name}, {city.region.country.name}"


class PlaceAdmin(ModelAdmin):
    """To be looked at: the next load of GeoNames' files would overwrite a change."""

    search_fields = ["search_name__startswith"]
    search_help_text = "How the name begins; case and accents do not matter."
    loaded_from, loaded_by = "From GeoNames (CC BY 4.0)", "load_geonames"
    ordering = ["search_name"]  # which has an index
    sortable_by: list[str] = []

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        return False

    def get_search_results(
        self, request: HttpRequest, queryset: QuerySet[Any], search_term: str
    ) -> tuple[QuerySet[Any], bool]:
        """Search for the name as it is folded in the table."""
        return queryset.filter(search_name__startswith=fold(search_term)), False


@admin.register(Country)
class CountryAdmin(PlaceAdmin):
    list_display = ["name", "iso_code"]


@admin.register(Region)
class RegionAdmin(PlaceAdmin):
    list_display = ["name", "region_code", "country"]
    list_filter = [("country", AutocompleteSelectFilter)]
    list_filter_submit = True
    list_select_related = ["country"]


@admin.register(City)
class CityAdmin(PlaceAdmin):
    list_display = ["name", "region", "timezone", "population", "latitude", "longitude"]
    list_filter: list[Any] = [("region__country", AutocompleteSelectFilter)]
    list_filter_submit = True
    ordering = ["search_name", "-population"]

    def get_queryset(self, request: HttpRequest) -> QuerySet[City]:
        related = ["region__country", "timezone", "correction"]
        return super().get_queryset(request).select_related(*related)

    def suggestion(self, city: City) -> str:
        """Return what an autocomplete shows: there are many Springfields."""
        return place_name(city)


@admin.register(Timezone)
class TimezoneAdmin(PlaceAdmin):
    list_display = ["name", "country", "gmt_offset", "dst_offset"]
    list_select_related = ["country", "correction"]
    ordering = ["name"]
    search_fields = ["name"]
    search_help_text = ""

    def get_search_results(
        self, request: HttpRequest, queryset: QuerySet[Any], search_term: str
    ) -> tuple[QuerySet[Any], bool]:
        """Search anywhere in the name."""
        return queryset.filter(name__icontains=search_term), False
