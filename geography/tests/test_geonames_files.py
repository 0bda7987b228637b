"""Fetching and reading GeoNames' files."""

import socket
import zipfile

import pytest
from werkzeug import Response

from geography import geonames, geonames_files
from geography.models import City, Country
from geography.tests.factories import city_line, region_line, timezone_line, write_dump

pytestmark = pytest.mark.django_db
FILES = ["countryInfo.txt", "admin1CodesASCII.txt", "timeZones.txt", "cities500.zip"]


@pytest.fixture
def dump(tmp_path):
    """A well-formed dump of one city."""
    return write_dump(tmp_path / "dump", [city_line(1, "Kansas City")])


@pytest.fixture
def served_dump(dump, httpserver, settings):
    """GeoNames' server with ``dump`` on it."""
    for name in FILES:
        httpserver.expect_request(f"/dump/{name}").respond_with_data((dump / name).read_bytes())
    settings.GEONAMES_URL = httpserver.url_for("/dump")
    return httpserver


def test_a_city_is_read_as_geonames_documents_it(tmp_path):
    line = city_line(1, "Xi’an", "CN.26", "Asia/Shanghai", 34.25833, 108.92861, 9600000)

    rows = geonames_files.read_cities(write_dump(tmp_path / "dump", [line]))

    assert rows == [(1, "Xi’an", "CN.26", "Asia/Shanghai", 34.25833, 108.92861, 9600000)]


def test_spaces_around_a_name_are_dropped(tmp_path):
    dump = write_dump(tmp_path / "dump", [], countries=["BQ\t\t\t\tBonaire, Saba "])

    assert geonames_files.read_countries(dump) == [("BQ", "Bonaire, Saba")]


def test_without_a_folder_the_files_are_downloaded(served_dump):
    steps = []

    report = geonames.load(progress=lambda step, share: steps.append((step, share)))

    assert report.cities == 1
    assert City.objects.get().name == "Kansas City"
    assert [f"/dump/{name}" for name in FILES] == [call.path for call, _ in served_dump.log]
    assert ("downloading cities500.zip", 1) in steps


def test_a_file_that_the_server_lacks_is_named(served_dump):
    served_dump.clear()

    with pytest.raises(
        geonames_files.Unavailable, match=r"/dump/countryInfo.txt: 500 Server Error"
    ):
        geonames.load()

    assert not Country.objects.exists()


def test_a_download_that_breaks_off_changes_nothing(served_dump):
    answer = Response(b"US\t")
    answer.headers["Content-Length"] = "1000"
    served_dump.clear()
    served_dump.expect_request("/dump/countryInfo.txt").respond_with_response(answer)

    with pytest.raises(geonames_files.Unavailable, match=r"countryInfo.txt: .*3 bytes read"):
        geonames.load()

    assert not Country.objects.exists()


def test_a_dead_server_is_named(settings):
    with socket.create_server(("127.0.0.1", 0)) as server:
        settings.GEONAMES_URL = f"http://127.0.0.1:{server.getsockname()[1]}"

    with pytest.raises(geonames_files.Unavailable, match=settings.GEONAMES_URL):
        geonames.load()

    assert not Country.objects.exists()


@pytest.mark.parametrize("name", FILES)
def test_a_missing_file_is_named(dump, name):
    (dump / name).unlink()

    with pytest.raises(geonames_files.Malformed, match=f"{name}: .*No such file"):
        geonames.load(dump)

    assert not Country.objects.exists()


@pytest.mark.parametrize("name", FILES[:3])
def test_an_empty_file_is_no_dump(dump, name):
    (dump / name).write_text("# nothing\n\n")

    with pytest.raises(geonames_files.Malformed, match=f"{name}: no records"):
        geonames.load(dump)

    assert not Country.objects.exists()


def test_a_dump_without_cities_is_no_dump(tmp_path):
    with pytest.raises(geonames_files.Malformed, match=r"cities500.zip: no records"):
        geonames.load(write_dump(tmp_path / "dump", []))


@pytest.mark.parametrize("content", [b"", b"<html>not found</html>", b"PK\3\4 cut off"])
def test_an_archive_that_is_none_is_refused(dump, content):
    (dump / "cities500.zip").write_bytes(content)

    with pytest.raises(geonames_files.Malformed, match=r"cities500.zip: File is not a zip file"):
        geonames.load(dump)


def test_a_damaged_archive_is_refused(dump):
    with zipfile.ZipFile(dump / "cities500.zip", "w") as archive:
        archive.writestr("cities500.txt", f"{city_line(1, 'Kansas City')}\n")
    damaged = (dump / "cities500.zip").read_bytes().replace(b"Kansas", b"Kansos")
    (dump / "cities500.zip").write_bytes(damaged)

    with pytest.raises(geonames_files.Malformed, match="Bad CRC-32"):
        geonames.load(dump)


def test_an_archive_of_something_else_is_refused(dump):
    with zipfile.ZipFile(dump / "cities500.zip", "w") as archive:
        archive.writestr("cities1000.txt", city_line(1))

    with pytest.raises(geonames_files.Malformed, match=r"no item named 'cities500.txt'"):
        geonames.load(dump)


@pytest.mark.parametrize(
    ("line", "reason"),
    [
        ("1\tKansas City", "list index out of range"),
        ("<html>", "list index out of range"),
        (city_line("one"), "invalid literal"),
        (city_line(-1), "'-1' is not between 0 and 2147483648"),
        (city_line(2**31), "'2147483648' is not between"),
        (city_line(1, name=""), "'' is not a name"),
        (city_line(1, name="a" * 201), "is not a name or code of at most 200 characters"),
        (city_line(1, name="nul\0"), "is not a name"),
        (city_line(1, latitude="north"), "could not convert"),
        (city_line(1, latitude=90.1), "'90.1' is not between -90 and 90"),
        (city_line(1, latitude="nan"), "'nan' is not between"),
        (city_line(1, longitude=-180.1), "'-180.1' is not between"),
        (city_line(1, population=-5), "'-5' is not between"),
    ],
)
def test_a_record_that_is_not_as_documented_is_named(tmp_path, line, reason):
    dump = write_dump(tmp_path / "dump", [city_line(7), line])

    with pytest.raises(geonames_files.Malformed, match=rf"cities500.zip, line 2: .*{reason}"):
        geonames.load(dump)

    assert not Country.objects.exists()


def test_text_that_is_not_utf_8_is_refused(dump):
    (dump / "admin1CodesASCII.txt").write_bytes("US.MO\tMissourí\t\t1\n".encode("latin-1"))

    with pytest.raises(geonames_files.Malformed, match=r"admin1CodesASCII.txt: 'utf-8'"):
        geonames.load(dump)


@pytest.mark.parametrize(
    ("others", "reason"),
    [
        ({"countries": ["USA\t\t\t\tUnited States"]}, "countryInfo.txt, line 4: 'USA'"),
        ({"countries": ["US"]}, "countryInfo.txt, line 4: list index"),
        ({"regions": [region_line("US.MO", "")]}, "admin1CodesASCII.txt, line 1: ''"),
        ({"timezones": [timezone_line(gmt_offset=-16)]}, "timeZones.txt, line 2: '-16'"),
        ({"timezones": [timezone_line(dst_offset="inf")]}, "timeZones.txt, line 2: 'inf'"),
    ],
)
def test_the_other_files_are_checked_as_well(tmp_path, others, reason):
    dump = write_dump(tmp_path / "dump", [city_line(1)], **others)

    with pytest.raises(geonames_files.Malformed, match=reason):
        geonames.load(dump)

    assert not Country.objects.exists()
