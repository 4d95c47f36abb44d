"""A scatter plot in characters: parameters on a logarithmic axis, Dice upwards."""

from __future__ import annotations

import math
import string
from collections.abc import Mapping, Sequence

from rich.text import Text

from nas.evidence.front import Front
from nas.evidence.point import FrontPoint
from nas.quantities import format_count

MARGIN = 8  # columns left of the plot, for the labels of the vertical axis
LEAST_DICE, LEAST_MAGNITUDE = 0.02, 0.3  # that the axes span: differences within the noise shall not fill a plot
Mark = tuple[str, str]  # a character and its style
FRONT, OTHER, PLAIN = ("●", "bold green"), ("∘", "not bold"), ("+", "bold yellow")
REFERENCE, CONTROL, SEARCH = ("◆", "bold cyan"), ("○", "bold yellow"), ("·", "dim not bold")
FAINT = "not bold"
LETTERS, COLOURS = (
    string.ascii_uppercase + string.ascii_lowercase,
    ("green", "magenta", "cyan", "yellow", "red", "blue"),
)


def front_plot(front: Front, title: str, width: int = 90, height: int = 16, search: Sequence[FrontPoint] = ()) -> Text:
    """The front and its staircase, the dominated points, the plain network, controls and references.

    ``search``: points of the search, scored on other cases, to be shown faintly behind where they lie within the plot.
    """
    plot = _Plot(front.everything, width, height)
    inside = plot.mark(search, SEARCH)
    plot.staircase(front.points, "not bold green")
    shown = [  # what comes later lies above
        (front.dominated, OTHER, "dominated"),
        (front.points, FRONT, "front"),
        (front.controls, CONTROL, "control"),
        (front.references, REFERENCE, "reference"),
        ([front.plain] if front.plain else [], PLAIN, "plain network"),
    ]
    for group, mark, _ in shown:
        plot.mark(group, mark)
    legend = [(mark, name) for group, mark, name in shown if group]
    legend += [(SEARCH, "search, validation cases")] if inside else []
    return plot.text(title, legend)


def fronts_plot(fronts: Mapping[str, Front], title: str, width: int = 90, height: int = 16) -> Text:
    """Several fronts over each other, by name: their points alone, each with its mark."""
    plot = _Plot([point for front in fronts.values() for point in front.points], width, height)
    marks = dict(zip(fronts, run_marks(len(fronts)), strict=True))
    for name, front in fronts.items():
        plot.staircase(front.points, marks[name][1].replace("bold", "not bold"))
    for name, front in fronts.items():
        plot.mark(front.points, marks[name])
    return plot.text(title, [(mark, name) for name, mark in marks.items()])


def run_marks(count: int) -> list[Mark]:
    """A letter for each of so many runs."""
    return [(LETTERS[index % len(LETTERS)], f"bold {COLOURS[index % len(COLOURS)]}") for index in range(count)]


class _Plot:
    """A canvas of characters with room for all of ``points``."""

    def __init__(self, points: Sequence[FrontPoint], width: int, height: int) -> None:
        magnitudes = [math.log10(point.cost.params) for point in points]
        self.across = _Axis(magnitudes, width - MARGIN - 1, LEAST_MAGNITUDE)
        self.upward = _Axis([point.dice for point in points], height, LEAST_DICE)
        self.canvas: list[list[Mark]] = [[(" ", FAINT)] * self.across.cells for _ in range(height)]

    def place(self, point: FrontPoint) -> tuple[int, int]:
        return self.upward.cell(point.dice), self.across.cell(math.log10(point.cost.params))

    def mark(self, points: Sequence[FrontPoint], mark: Mark) -> bool:
        """Put ``mark`` where each point is that lies within; whether any does."""
        inside = [
            (row, column)
            for row, column in map(self.place, points)
            if 0 <= row < self.upward.cells and 0 <= column < self.across.cells
        ]
        for row, column in inside:
            self.canvas[row][column] = mark
        return bool(inside)

    def staircase(self, points: Sequence[FrontPoint], style: str) -> None:
        """What a front dominates is right of and below this line."""
        for point, after in zip(points, [*points[1:], None], strict=True):
            row, column = self.place(point)
            end = self.place(after)[1] if after else self.across.cells - 1
            for cell in range(column, end + 1):
                self.canvas[row][cell] = ("─", style)
            if after:
                for cell in range(row + 1, self.place(after)[0]):
                    self.canvas[cell][end] = ("│", style)
                self.canvas[row][end] = ("╯" if self.place(after)[0] > row else "─", style)

    def text(self, title: str, legend: Sequence[tuple[Mark, str]]) -> Text:
        """The canvas with its axes, under a title and above the legend."""
        height = len(self.canvas)
        text = Text(f"{title}\n", style="bold", no_wrap=True)
        for row in reversed(range(height)):
            label = f"{self.upward.value(row):.3f}" if row % 4 == 0 or row == height - 1 else ""
            text.append(f"{label:>{MARGIN - 2}} │", style=FAINT)
            for character, style in self.canvas[row]:
                text.append(character, style=style)
            text.append("\n")
        text.append(" " * (MARGIN - 1) + "└" + "─" * self.across.cells + "\n", style=FAINT)
        text.append(_labels(self.across) + "\n", style=FAINT)
        for mark, name in legend:
            text.append(f"   {mark[0]}", style=mark[1])
            text.append(f" {name}", style=FAINT)
        return text


class _Axis:
    """A range of values, at least ``least`` long, on a number of cells, with a little room at both ends."""

    def __init__(self, values: Sequence[float], cells: int, least: float) -> None:
        low, high = min(values), max(values)
        room = max(0.05 * (high - low), (least - (high - low)) / 2)
        self.low, self.high, self.cells = low - room, high + room, cells

    def cell(self, value: float) -> int:
        return round((value - self.low) / (self.high - self.low) * (self.cells - 1))

    def value(self, cell: int) -> float:
        return self.low + cell / (self.cells - 1) * (self.high - self.low)


def _labels(axis: _Axis) -> str:
    """Counts of parameters under the axis, about every 16 columns."""
    line = " " * (MARGIN + axis.cells)
    for cell in range(0, axis.cells - 16, 16):
        label = format_count(round(10 ** axis.value(cell)))
        line = line[: MARGIN + cell] + label + line[MARGIN + cell + len(label) :]
    return line.rstrip() + " parameters"
