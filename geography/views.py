"""The lists of places, open to everybody."""

from uuid import UUID

from django.db.models import Model
from django.http import HttpResponse
from drf_spectacular.utils import extend_schema
from rest_framework.permissions import AllowAny
from rest_framework.request import Request
from rest_framework.serializers import Serializer
from rest_framework.views import APIView

from geography import serializers
from geography.models import City, Country, Region, Timezone

BY_NAME = ("search_name", "name")


def _list(
    model: type[Model], shape: type[Serializer], order: tuple[str, ...], **within: UUID
) -> HttpResponse:
    body = serializers.list_places(model, shape, order, **within)
    return HttpResponse(body, content_type="application/json")


class PlacesView(APIView):
    authentication_classes = ()
    permission_classes = (AllowAny,)


class CountriesView(PlacesView):
    """GET /api/countries: all countries."""

    @extend_schema(responses=serializers.CountrySerializer(many=True))
    def get(self, request: Request) -> HttpResponse:
        return _list(Country, serializers.CountrySerializer, BY_NAME)


class RegionsView(PlacesView):
    """GET /api/regions?country=: the regions of a country."""

    @extend_schema(
        parameters=[serializers.OfCountrySerializer],
        responses=serializers.RegionSerializer(many=True),
    )
    def get(self, request: Request) -> HttpResponse:
        asked = serializers.OfCountrySerializer(data=request.query_params)
        asked.is_valid(raise_exception=True)
        return _list(Region, serializers.RegionSerializer, BY_NAME, **asked.validated_data)


class CitiesView(PlacesView):
    """GET /api/cities?region=: the cities of a region."""

    @extend_schema(
        parameters=[serializers.OfRegionSerializer],
        responses=serializers.CitySerializer(many=True),
    )
    def get(self, request: Request) -> HttpResponse:
        asked = serializers.OfRegionSerializer(data=request.query_params)
        asked.is_valid(raise_exception=True)
        return _list(City, serializers.CitySerializer, BY_NAME, **asked.validated_data)


class TimezonesView(PlacesView):
    """GET /api/timezones?country=: the time zones of a country."""

    @extend_schema(
        parameters=[serializers.OfCountrySerializer],
        responses=serializers.TimezoneSerializer(many=True),
    )
    def get(self, request: Request) -> HttpResponse:
        asked = serializers.OfCountrySerializer(data=request.query_params)
        asked.is_valid(raise_exception=True)
        return _list(Timezone, serializers.TimezoneSerializer, ("name",), **asked.validated_data)
