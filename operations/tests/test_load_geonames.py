"""The command load_geonames, and what it means for devices."""

from io import StringIO

import pytest
from django.core.management import CommandError, call_command

from accounts.tests.factories import make_account
from accounts.tests.threads import at_once
from devices.models import AccountDefaults, Device
from devices.tests.factories import make_device
from geography import geonames
from geography.models import City
from geography.tests.factories import city_line, timezone_line, write_dump
from operations.models import JobRun

LINE = (
    "1 countries, 1 regions, 1 time zones, 2 cities (2 new, 0 updated, 0 removed, 0 kept for what "
    "refers to them); left out: 1 of a name that is taken, 1 of unknown region, 0 of unknown time "
    "zone"
)


@pytest.fixture
def dump(tmp_path):
    """A dump of two cities, and two that are left out."""
    lines = [city_line(1, "Kansas City"), city_line(2, "Independence")]
    lines += [city_line(3, "Independence", population=5), city_line(4, "Atlantis", "US.XX")]
    return write_dump(tmp_path / "dump", lines)


def load(folder):
    out = StringIO()
    call_command("load_geonames", **{"source": folder}, stdout=out)
    return out.getvalue()


@pytest.mark.django_db
def test_the_command_prints_one_line_and_is_recorded(dump):
    out = StringIO()

    call_command("load_geonames", "--from", str(dump), stdout=out)

    run = JobRun.objects.get(name="load_geonames")
    assert out.getvalue() == f"{LINE}\n"
    assert (run.succeeded, run.output) == (True, LINE)


@pytest.mark.django_db
def test_a_malformed_dump_is_an_error_that_is_recorded(dump):
    (dump / "timeZones.txt").unlink()

    with pytest.raises(CommandError, match=r"timeZones.txt: No such file or directory"):
        load(dump)

    run = JobRun.objects.get(name="load_geonames")
    assert run.succeeded is False
    assert "timeZones.txt" in run.output
    assert City.objects.count() == 0


@pytest.mark.django_db
def test_devices_at_changed_places_poll_anew(dump):
    load(dump)
    cities = {city.geonames_id: city for city in City.objects.select_related("timezone")}
    moved, unmoved = (
        make_device(city=cities[number], timezone=cities[number].timezone) for number in (1, 2)
    )
    elsewhere = make_device()
    before = dict(Device.objects.values_list("pk", "version"))

    load(write_dump(dump, [city_line(1, "Kaw City"), city_line(2, "Independence")]))

    after = dict(Device.objects.values_list("pk", "version"))
    assert after[moved.pk] > before[moved.pk]
    assert after[unmoved.pk] == before[unmoved.pk]
    assert after[elsewhere.pk] == before[elsewhere.pk]


@pytest.mark.django_db
def test_devices_of_a_time_zone_with_other_offsets_poll_anew(dump):
    load(dump)
    city = City.objects.get(geonames_id=1)
    device = make_device(city=city, timezone=city.timezone)
    before = Device.objects.get(pk=device.pk).version
    lines = [city_line(1, "Kansas City"), city_line(2, "Independence")]

    load(write_dump(dump, lines, timezones=[timezone_line(dst_offset=-6.0)]))

    assert Device.objects.get(pk=device.pk).version > before


@pytest.mark.django_db
def test_a_city_of_an_accounts_defaults_stays(dump):
    load(dump)
    city = City.objects.select_related("region__country").get(geonames_id=2)
    AccountDefaults.objects.create(
        account=make_account(), country=city.region.country, region=city.region, city=city
    )

    printed = load(write_dump(dump, [city_line(1, "Kansas City")]))

    assert City.objects.filter(pk=city.pk).exists()
    assert "0 removed, 1 kept for what refers to them" in printed


@pytest.mark.django_db(transaction=True)
def test_two_machines_may_load_at_once(dump):
    reports = at_once(lambda: geonames.load(dump), lambda: geonames.load(dump))

    assert sorted(report.added for report in reports) == [0, 2]
    assert City.objects.count() == 2
