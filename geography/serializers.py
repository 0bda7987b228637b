"""The JSON of the lists of places."""

from uuid import UUID

import orjson
from django.db.models import Model
from rest_framework import serializers

from geography import revision


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


@revision.kept(64)
def list_places(
    model: type[Model],
    shape: type[serializers.Serializer],
    order: tuple[str, ...],
    **within: UUID,
) -> bytes:
    """Return all places of a kind ``within`` another in ``shape``, as JSON.

    They are ordered by the columns ``order``, here, since collations differ between databases. A
    region has thousands of cities, so no model instances are made and no fields run.
    """
    places = model._base_manager.filter(**within)
    fields = shape().fields
    columns = [(field.source or "").replace(".", "__") for field in fields.values()]
    rows = sorted(places.order_by().values_list(*order, *columns))
    return orjson.dumps([dict(zip(fields, row[len(order) :], strict=True)) for row in rows])
