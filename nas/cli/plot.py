"""A scatter plot in characters: parameters on a logarithmic axis, Dice upwards."""

from __future__ import annotations

import math

from rich.text import Text

from nas.evidence.front import Front
from nas.evidence.point import FrontPoint
from nas.quantities import format_count

MARGIN = 8  # columns left of the plot, for the labels of the vertical axis
FRONT, OTHER, PLAIN = ("●", "bold green"), ("·", "not bold"), ("+", "bold yellow")
REFERENCE, CONTROL = ("◆", "bold cyan"), ("○", "bold yellow")
LINE = ("─", "not bold green")


def front_plot(front: Front, title: str, width: int = 90, height: int = 16) -> Text:
    """The front and its staircase, the dominated points, the plain network, controls and references."""
    points = front.everything
    across = _Axis([math.log10(point.cost.params) for point in points], width - MARGIN - 1)
    upward = _Axis([point.dice for point in points], height)
    canvas: list[list[tuple[str, str]]] = [[(" ", "not bold")] * across.cells for _ in range(height)]

    def place(point: FrontPoint) -> tuple[int, int]:
        return upward.cell(point.dice), across.cell(math.log10(point.cost.params))

    for point, after in zip(front.points, [*front.points[1:], None], strict=True):
        row, column = place(point)
        end = place(after)[1] if after else across.cells - 1
        for cell in range(column, end + 1):
            canvas[row][cell] = LINE
        if after:
            for cell in range(row + 1, place(after)[0]):
                canvas[cell][end] = ("│", LINE[1])
            canvas[row][end] = ("╯", LINE[1]) if place(after)[0] > row else LINE
    plain = (front.plain,) if front.plain else ()
    marked = ((front.dominated, OTHER), (front.points, FRONT), (front.controls, CONTROL), (front.references, REFERENCE))
    for group, mark in (*marked, (plain, PLAIN)):
        for point in group:
            row, column = place(point)
            canvas[row][column] = mark

    text = Text(f"{title}\n", style="bold", no_wrap=True)
    for row in reversed(range(height)):
        label = f"{upward.value(row):.3f}" if row % 4 == 0 or row == height - 1 else ""
        text.append(f"{label:>{MARGIN - 2}} │", style="not bold")
        for character, style in canvas[row]:
            text.append(character, style=style)
        text.append("\n")
    text.append(" " * (MARGIN - 1) + "└" + "─" * across.cells + "\n", style="not bold")
    text.append(_labels(across) + "\n", style="not bold")
    others = [(CONTROL, "control")] if front.controls else []
    others += [(REFERENCE, "reference")] if front.references else []
    for mark, name in ((FRONT, "front"), (OTHER, "dominated"), (PLAIN, "plain network"), *others):
        text.append(f"   {mark[0]}", style=mark[1])
        text.append(f" {name}", style="not bold")
    return text


class _Axis:
    """A range of values on a number of cells, with a little room at both ends."""

    def __init__(self, values: list[float], cells: int) -> None:
        room = 0.05 * (max(values) - min(values)) or 0.05
        self.low, self.high, self.cells = min(values) - room, max(values) + room, cells

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
