"""Making the geography that ships."""

from geography import geonames_files
from geography.tests.factories import city_line, region_line, write_dump
from tools.shrink_geonames import shrink


def test_larger_places_and_the_largest_of_each_region_are_kept(tmp_path):
    lines = [
        city_line(1, "Large", population=5_000),
        city_line(2, "Larger", population=6_000),
        city_line(3, "Small", population=4_999),
        city_line(4, "Hamlet", "US.KS", population=0),
        city_line(5, "Village", "US.KS", population=1),
    ]
    regions = [region_line(), region_line("US.KS", "Kansas")]
    dump = write_dump(tmp_path / "dump", lines, regions=regions)

    count = shrink(dump, tmp_path / "small")

    rows = geonames_files.read_cities(tmp_path / "small")
    assert count == 3
    assert [row.name for row in rows] == ["Large", "Larger", "Village"]


def test_of_several_places_of_a_name_the_one_that_a_load_chooses_is_kept(tmp_path):
    lines = [city_line(number, "Springfield", population=8_000 + number) for number in range(3)]

    shrink(write_dump(tmp_path / "dump", lines), tmp_path / "small")

    [row] = geonames_files.read_cities(tmp_path / "small")
    assert row == (2, "Springfield", "US.MO", "America/Chicago", 39.1, -94.6, 8_002)


def test_what_no_load_would_take_is_left_out(tmp_path):
    lines = [city_line(1, population=9_000), city_line(2, "Atlantis", "US.XX", population=9_000)]

    assert shrink(write_dump(tmp_path / "dump", lines), tmp_path / "small") == 1


def test_the_same_dump_gives_the_same_files(tmp_path):
    dump = write_dump(tmp_path / "dump", [city_line(1)])

    for name in ("one", "two"):
        shrink(dump, tmp_path / name)

    for path in (tmp_path / "one").iterdir():
        assert path.read_bytes() == (tmp_path / "two" / path.name).read_bytes()
