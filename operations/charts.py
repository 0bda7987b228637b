"""Pictures of numbers, drawn here as SVG: no script, no library, light or dark as the page is.

Shapes have classes and the style sheet gives them their colours. Words are HTML around the picture,
where they keep their size on a phone, and the numbers are in a table below it for who cannot see.
"""

import math
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

from django.conf import settings
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString, mark_safe

WIDTH, HEIGHT = 600, 160
OTHER = "(other)"  # as in the counts of the fleet
MAP_BOX = "0 60 3600 1400"
SHOWN_DOTS = 800
SMALLEST_DOT, BIGGEST_DOT = 8, 60  # tenths of a degree
FULL_DOT = 20  # devices: where there are few altogether, a dot for one is still a small one


@dataclass(frozen=True)
class Bar:
    """A number among others of its kind."""

    label: str
    number: int
    length: float | None  # in percent of the longest; None: not drawn
    percent: float  # of all

    @property
    def width(self) -> str:
        return "" if self.length is None else f"{self.length:.1f}"


@dataclass(frozen=True)
class Line:
    """What one line, or one part of each column, shows; None where nobody counted."""

    name: str
    values: Sequence[float | None]
    unit: str = ""

    @property
    def last(self) -> float | None:
        return next((value for value in reversed(self.values) if value is not None), None)


@dataclass(frozen=True)
class Chart:
    """A picture over time with all that is written around it."""

    title: str
    svg: SafeString
    lines: Sequence[Line]
    labels: Sequence[str]
    top: float
    note: str = ""

    @property
    def is_empty(self) -> bool:
        return not any(value for line in self.lines for value in line.values)

    @property
    def top_label(self) -> str:
        return _brief(self.top)

    @property
    def middle_label(self) -> str:
        return _brief(self.top / 2)

    @property
    def end_label(self) -> str:
        return self.labels[-1] if len(self.labels) > 1 else ""

    @property
    def rows(self) -> list[tuple[str, list[float | None]]]:
        """Return the table: each label with the values of the lines."""
        columns = zip(*(line.values for line in self.lines), strict=True)
        return [(label, list(values)) for label, values in zip(self.labels, columns, strict=True)]


@dataclass(frozen=True)
class Dot:
    """Devices at a place on the map."""

    latitude: float
    longitude: float
    devices: int


@dataclass
class _Heap:
    """Dots that are drawn as one."""

    north: float = 0.0
    east: float = 0.0
    devices: int = 0

    def add(self, dot: Dot) -> None:
        self.north += dot.latitude * dot.devices
        self.east += dot.longitude * dot.devices
        self.devices += dot.devices

    @property
    def dot(self) -> Dot:
        return Dot(self.north / self.devices, self.east / self.devices, self.devices)


def bars(counts: dict[str, int], *, shown: int = 8) -> list[Bar]:
    """Return the longest bars of ``counts``, and without a bar what is left: many small ones."""
    named = [(label, number) for label, number in counts.items() if label != OTHER and number]
    kept = sorted(named, key=lambda each: -each[1])[:shown]
    total, most = sum(counts.values()), kept[0][1] if kept else 1
    drawn = [
        Bar(label or "unknown", number, 100 * number / most, 100 * number / total)
        for label, number in kept
    ]
    left = total - sum(bar.number for bar in drawn)
    return [*drawn, Bar("others", left, None, 100 * left / total)] if left else drawn


def steps(counts: dict[str, int]) -> list[Bar]:
    """Return a bar for each step of what people do one after the other, the first as 100 %."""
    if not (first := next(iter(counts.values()), 0)):
        return []
    return [
        Bar(step, number, min(100, 100 * number / first), 100 * number / first)
        for step, number in counts.items()
    ]


def line_chart(title: str, labels: Sequence[str], lines: Sequence[Line], note: str = "") -> Chart:
    """Draw ``lines`` over ``labels``, from zero."""
    top = _top(value for line in lines for value in line.values)
    paths = format_html_join(
        "",
        '<path class="line s{}" d="{}"/>',
        ((number, _path(line.values, top)) for number, line in enumerate(lines, 1)),
    )
    return Chart(title, _frame(paths), lines, labels, top, note)


def column_chart(title: str, labels: Sequence[str], parts: Sequence[Line], note: str = "") -> Chart:
    """Draw a column for each label, made of ``parts`` one upon the other."""
    columns = list(zip(*(part.values for part in parts), strict=True))
    top = _top(sum(value or 0 for value in column) for column in columns)
    step = WIDTH / max(1, len(columns))
    shapes = format_html_join(
        "",
        '<rect class="fill s{}" x="{}" y="{}" width="{}" height="{}"/>',
        (
            (number, _short((place + 0.1) * step), _short(y), _short(0.8 * step), _short(height))
            for place, column in enumerate(columns)
            for number, y, height in _stacked(column, top)
        ),
    )
    return Chart(title, _frame(shapes), parts, labels, top, note)


def world_map(dots: Iterable[Dot]) -> SafeString:
    """Draw ``dots`` on the world, the area of each after its devices; at most ``SHOWN_DOTS``."""
    drawn = sorted(_heaped(list(dots)), key=lambda dot: -dot.devices)
    most = max(FULL_DOT, *(dot.devices for dot in drawn), 0)
    circles = format_html_join(
        "",
        '<circle cx="{}" cy="{}" r="{}"><title>{}</title></circle>',
        (
            (
                round(dot.longitude * 10 + 1800),
                round(900 - dot.latitude * 10),
                _radius(dot.devices, most),
                f"{dot.devices:,} at {_degrees(dot)}",
            )
            for dot in drawn
        ),
    )
    return format_html(
        '<svg class="world" viewBox="{}" role="img" aria-label="Devices on a map of the world">'
        '<path class="land" d="{}"/>{}</svg>',
        MAP_BOX,
        _land(),
        circles,
    )


def _frame(shapes: SafeString) -> SafeString:
    """Return the picture, which stretches with the page: its words are not in it."""
    return format_html(
        '<svg viewBox="0 0 {} {}" preserveAspectRatio="none" aria-hidden="true">'
        '<path class="grid" d="M0 0H{}M0 {}H{}M0 {}H{}"/>{}</svg>',
        WIDTH, HEIGHT, WIDTH, HEIGHT // 2, WIDTH, HEIGHT, WIDTH, shapes,
    )  # fmt: skip


def _path(values: Sequence[float | None], top: float) -> SafeString:
    """Return a line through ``values``; a number alone among unknown ones is a point."""
    step = WIDTH / max(1, len(values) - 1)
    commands, is_drawing = [], False
    for place, value in enumerate(values):
        if value is not None:
            point = f"{_short(place * step)} {_short(HEIGHT - HEIGHT * value / top)}"
            commands.append(f"L{point}" if is_drawing else f"M{point}h0")
        is_drawing = value is not None
    return mark_safe("".join(commands))  # noqa: S308 - numbers


def _stacked(column: Sequence[float | None], top: float) -> Iterator[tuple[int, float, float]]:
    """Yield number, upper edge and height of each part of a column."""
    below = 0.0
    for number, value in enumerate(column, 1):
        height = HEIGHT * (value or 0) / top
        below += height
        if height:
            yield number, HEIGHT - below, height


def _top(values: Iterable[float | None]) -> float:
    """Return a round number that all ``values`` are below, or at."""
    highest = max((value for value in values if value is not None), default=0)
    if highest <= 0:
        return 1.0
    power = 10.0 ** math.floor(math.log10(highest))
    tops = (power * factor for factor in (1, 2, 4, 5, 8, 10))
    return next(top for top in tops if highest <= top * 1.0001)


def _brief(number: float) -> str:
    """Return ``number`` in four or five letters."""
    for size, letter in ((1e9, "G"), (1e6, "M"), (1e3, "k")):
        if number >= size:
            return f"{number / size:g}{letter}"
    return f"{number:g}"


def _short(number: float) -> str:
    return f"{number:.1f}".removesuffix(".0")


def _heaped(dots: list[Dot]) -> list[Dot]:
    """Put neighbours together until there are few enough to draw."""
    degrees = 1
    while len(dots) > SHOWN_DOTS:
        degrees *= 2
        heaps: dict[tuple[int, int], _Heap] = {}
        for dot in dots:
            cell = (math.floor(dot.latitude / degrees), math.floor(dot.longitude / degrees))
            heaps.setdefault(cell, _Heap()).add(dot)
        dots = [heap.dot for heap in heaps.values()]
    return dots


def _radius(devices: int, most: int) -> int:
    return round(SMALLEST_DOT + (BIGGEST_DOT - SMALLEST_DOT) * math.sqrt(devices / most))


def _degrees(dot: Dot) -> str:
    north, east = round(dot.latitude), round(dot.longitude)
    return f"{abs(north)}° {'S' if north < 0 else 'N'}, {abs(east)}° {'W' if east < 0 else 'E'}"


@lru_cache(maxsize=1)
def _land() -> SafeString:
    outline = Path(settings.FIXTURES_DIR, "world.svg").read_text()
    return mark_safe(outline.split('<path d="')[1].split('"')[0])  # noqa: S308 - our own file
