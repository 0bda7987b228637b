"""The lists of places, open to everybody."""

from drf_spectacular.utils import extend_schema
from rest_framework.permissions import AllowAny
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from geography import serializers
from geography.models import City, Country, Region, Timezone
from geography.serializers import list_places

BY_NAME = ("search_name", "name")


class PlacesView(APIView):
    authentication_classes = ()
    permission_classes = (AllowAny,)


class CountriesView(PlacesView):
    """GET /api/countries: all countries."""

    @extend_schema(responses=serializers.CountrySerializer(many=True))
    def get(self, request: Request) -> Response:
        countries = Country.objects.all()
        return Response(list_places(countries, serializers.CountrySerializer, order=BY_NAME))


class RegionsView(PlacesView):
    """GET /api/regions?country=: the regions of a country."""

    @extend_schema(
        parameters=[serializers.OfCountrySerializer],
        responses=serializers.RegionSerializer(many=True),
    )
    def get(self, request: Request) -> Response:
        asked = serializers.OfCountrySerializer(data=request.query_params)
        asked.is_valid(raise_exception=True)
        regions = Region.objects.filter(**asked.validated_data)
        return Response(list_places(regions, serializers.RegionSerializer, order=BY_NAME))


class CitiesView(PlacesView):
    """GET /api/cities?region=: the cities of a region."""

    @extend_schema(
        parameters=[serializers.OfRegionSerializer],
        responses=serializers.CitySerializer(many=True),
    )
    def get(self, request: Request) -> Response:
        asked = serializers.OfRegionSerializer(data=request.query_params)
        asked.is_valid(raise_exception=True)
        cities = City.objects.filter(**asked.validated_data)
        return Response(list_places(cities, serializers.CitySerializer, order=BY_NAME))


class TimezonesView(PlacesView):
    """GET /api/timezones?country=: the time zones of a country."""

    @extend_schema(
        parameters=[serializers.OfCountrySerializer],
        responses=serializers.TimezoneSerializer(many=True),
    )
    def get(self, request: Request) -> Response:
        asked = serializers.OfCountrySerializer(data=request.query_params)
        asked.is_valid(raise_exception=True)
        timezones = Timezone.objects.filter(**asked.validated_data)
        return Response(list_places(timezones, serializers.TimezoneSerializer, order=("name",)))
