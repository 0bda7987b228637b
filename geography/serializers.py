"""The JSON of the lists of places."""

from typing import Any

from django.db.models import QuerySet
from rest_framework import serializers


class OfCountrySerializer(serializers.Serializer):
    """Which country's regions or time zones are asked for."""

    country = serializers.UUIDField()


class OfRegionSerializer(serializers.Serializer):
    """Which region's cities are asked for."""

    region = serializers.UUIDField()


class CountrySerializer(serializers.Serializer):
    id = serializers.UUIDField()
    isoCode = serializers.CharField(source="iso_code")
    name = serializers.CharField()


class RegionSerializer(serializers.Serializer):
    id = serializers.UUIDField()
    regionCode = serializers.CharField(source="region_code")
    name = serializers.CharField()


class CitySerializer(serializers.Serializer):
    id = serializers.UUIDField()
    name = serializers.CharField()
    latitude = serializers.FloatField()
    longitude = serializers.FloatField()
    timezone = serializers.CharField(source="timezone.name")


class TimezoneSerializer(serializers.Serializer):
    id = serializers.UUIDField()
    name = serializers.CharField()
    gmtOffset = serializers.FloatField(source="gmt_offset")
    dstOffset = serializers.FloatField(source="dst_offset")


def list_places(
    places: QuerySet[Any], shape: type[serializers.Serializer], *, order: tuple[str, ...]
) -> list[dict[str, object]]:
    """Return ``places`` in ``shape``, ordered by the columns ``order``, in one query.

    A region has thousands of cities, so no model instances are made and no fields run. They are
    ordered here, since collations differ between databases.
    """
    fields = shape().fields
    columns = [(field.source or "").replace(".", "__") for field in fields.values()]
    rows = sorted(places.order_by().values_list(*order, *columns))
    return [dict(zip(fields, row[len(order) :], strict=True)) for row in rows]
