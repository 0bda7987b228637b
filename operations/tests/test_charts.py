import re
from html.parser import HTMLParser

import pytest

from operations import charts
from operations.charts import Dot, Line


def numbers(svg, attribute):
    return [float(each) for each in re.findall(rf'{attribute}="([\d.-]+)"', svg)]


def test_bars_are_the_longest_and_what_is_left_has_none():
    bars = charts.bars({"a": 1, "b": 10, "(other)": 4, "c": 5, "": 2}, shown=2)

    assert [(bar.label, bar.number, bar.width) for bar in bars] == [
        ("b", 10, "100.0"),
        ("c", 5, "50.0"),
        ("others", 7, ""),
    ]
    assert round(sum(bar.percent for bar in bars)) == 100


@pytest.mark.parametrize("counts", [{}, {"a": 0}])
def test_nothing_counted_is_no_bar(counts):
    assert charts.bars(counts) == []
    assert charts.steps(counts) == []


def test_steps_are_parts_of_the_first():
    steps = charts.steps({"issued": 8, "claimed": 4, "activated": 9})

    assert [(step.width, step.percent) for step in steps] == [
        ("100.0", 100), ("50.0", 50), ("100.0", 112.5),
    ]  # fmt: skip


def test_a_line_goes_from_edge_to_edge_and_leaves_out_what_nobody_counted():
    chart = charts.line_chart("x", list("abcde"), [Line("n", [0, 5, None, 10, 10])])

    assert 'd="M0 160h0L150 80M450 0h0L600 0"' in chart.svg
    assert chart.rows[2] == ("c", [None])
    assert (chart.top_label, chart.middle_label) == ("10", "5")


def test_columns_stand_on_each_other_within_the_picture():
    chart = charts.column_chart("x", ["a", "b"], [Line("y", [60, 0]), Line("z", [20, None])])

    assert numbers(chart.svg, " y") == [40, 0]
    assert numbers(chart.svg, "height") == [120, 40]


@pytest.mark.parametrize("values", [[], [0], [None], [3], [0.0001], [10**12, 1]])
def test_any_numbers_make_a_picture_within_its_frame(values):
    labels = [str(each) for each in range(len(values))]

    lines = charts.line_chart("x", labels, [Line("n", values)])
    columns = charts.column_chart("x", labels, [Line("n", values)])

    HTMLParser().feed(lines.svg + columns.svg)
    assert all(0 <= y <= charts.HEIGHT for y in numbers(columns.svg, " y"))
    assert lines.is_empty == (not any(values))


@pytest.mark.parametrize(
    ("highest", "top", "label"),
    [(3, 4, "4"), (1234, 2000, "2k"), (61e6, 80e6, "80M"), (0.6, 0.8, "0.8"), (100, 100, "100")],
)
def test_the_scale_ends_at_a_round_number(highest, top, label):
    chart = charts.line_chart("x", ["a"], [Line("n", [highest])])

    assert chart.top == pytest.approx(top)
    assert chart.top_label == label


def test_places_are_where_they_are_on_the_map():
    svg = charts.world_map([Dot(52, 13, 90), Dot(-34, 151, 10)])

    assert '<circle cx="1930" cy="380" r="60"><title>90 at 52° N, 13° E</title>' in svg
    assert "<title>10 at 34° S, 151° E</title>" in svg
    assert len(svg) < 20_000


def test_a_single_device_is_a_small_dot():
    assert 'r="20"' in charts.world_map([Dot(0, 0, 1)])


def test_a_chart_that_ends_in_nothing_is_still_shown():
    assert not charts.column_chart("x", ["a", "b"], [Line("n", [3, 0])]).is_empty


def test_crowded_places_are_drawn_together_and_nothing_is_lost():
    dots = [Dot(north, east, 1) for north in range(-60, 80) for east in range(-180, 180, 4)]

    drawn = charts._heaped(dots)

    assert len(drawn) <= charts.SHOWN_DOTS
    assert sum(dot.devices for dot in drawn) == len(dots)
    assert all(-90 <= dot.latitude <= 90 and -180 <= dot.longitude <= 180 for dot in drawn)


def test_names_that_devices_made_up_do_no_harm():
    chart = charts.line_chart("<script>", ["<b>"], [Line("<i>", [1])])

    assert "<script>" not in chart.svg
