"""A network drawn in characters."""

from __future__ import annotations

from collections.abc import Sequence

from rich.text import Text

from nas.pictures.layout import Cell, Edge, Layout
from nas.profiles.parts import with_number
from search_spaces.hosts.slot import size_at

ATTENTION, BLOCK, EMPTY, EMPTY_BLOCK = "●", "■", "○", "□"
NAME, FILLED, FAINT, RAIL = "bold", "bold magenta", "dim", "dim"
ARMS = {"─": "lr", "│": "du", "╯": "lu", "╰": "ru", "┴": "lru", "┤": "dlu", "├": "dru", "┼": "dlru"}  # left, right, ...
MEETING = {"".join(sorted(arms)): mark for mark, arms in ARMS.items()}
GAP = 4  # characters between columns, for an arrow
DOWN, UP = 2, 5  # where in a column the lines to deeper and from deeper levels run
LIMITS = (30, 24, 20)  # widths that a cell may have, the first that fits is taken

Line = list[tuple[str, str]]


def drawing(layout: Layout, size: Sequence[int], width: int) -> Text:
    """``layout`` in at most ``width`` columns of characters; the rows are labelled with the ``size`` of the maps.

    Where it is too wide, slots join the stage that they lead to, long names are cut, and at last the columns are drawn
    one group below another.
    """
    for candidate in (layout, layout.folded(), layout.folded().stacked()):
        for limit in LIMITS:
            canvas = _Canvas(candidate, size, limit, range(candidate.columns))
            if canvas.width <= width:
                return canvas.text()
    text = Text(no_wrap=True)
    first = 0
    while first < candidate.columns:
        last = first + 1
        while last < candidate.columns and _Canvas(candidate, size, limit, range(first, last + 1)).width <= width:
            last += 1
        if first:
            text.append("  (further to the right)\n", style=FAINT)
        text.append(_Canvas(candidate, size, limit, range(first, last)).text())
        first = last
    return text


def legend(layout: Layout) -> Text:
    """What the marks in a drawing of ``layout`` stand for."""
    holders = [holder for cell in layout.cells for holder in cell.holders]
    marks = {
        f"{ATTENTION} attention": any(holder.series and not holder.block for holder in holders),
        f"{BLOCK} in place of a convolution": any(holder.series and holder.block for holder in holders),
        f"{EMPTY} {EMPTY_BLOCK} empty": any(not holder.series for holder in holders),
        "* in training only": any(not stage.inference for cell in layout.cells for stage in cell.stages),
    }
    return Text("   ".join(mark for mark, there in marks.items() if there), style=FAINT)


def _lines(cell: Cell, limit: int) -> list[Line]:
    """The text of a cell, the line that the arrows meet first; a slot's name that has no room takes a line more."""
    empty = "".join(
        EMPTY_BLOCK if holder.block else EMPTY
        for holder in sorted(cell.holders, key=lambda holder: not holder.block)
        if not holder.series
    )
    head: Line = []
    others: list[str] = []
    if cell.main is not None:
        head = [(cell.main.name, NAME), (f" {cell.main.channels}ch{'' if cell.main.inference else ' *'}", FAINT)]
        others = [stage.name + ("" if stage.inference else " *") for stage in cell.stages if stage is not cell.main]
        if len(others) > 3:
            others = [f"{others[0]} … {others[-1]}"]
    elif len(cell.holders) == 1 and cell.filled:
        head = [(cell.name, NAME)]
    if empty:
        head.append(((" " if head else "") + empty, FAINT))
    lines = ([head] if head else []) + [[(name, FAINT)] for name in others]
    for holder in cell.filled:
        note = cell.note(holder)
        for name, count in holder.mechanisms:
            line = [(f"{BLOCK if holder.block else ATTENTION} {with_number(name, count)}", FILLED)]
            beside = (f" ({note})", FAINT) if note else ("", FAINT)
            fits = not note or _length([*line, beside]) <= limit
            lines += [[*line, beside]] if fits else [line, [(f"  {note}", FAINT)]]
    return lines


def _length(line: Line) -> int:
    return sum(len(text) for text, _ in line)


class _Canvas:
    """Some columns of a layout, as a grid of characters."""

    def __init__(self, layout: Layout, size: Sequence[int], limit: int, columns: range) -> None:
        shown = [index for index, cell in enumerate(layout.cells) if cell.column in columns]
        self.cells = {index: layout.cells[index] for index in shown}
        self.lines = {index: _lines(cell, limit) for index, cell in self.cells.items()}
        rows = sorted({cell.level for cell in self.cells.values()})
        labels = {row: " x ".join(map(str, size_at(size, row))) for row in rows}
        x = max(map(len, labels.values())) + 3
        self.left: dict[int, int] = {}
        for column in columns:
            inside = [lines for index, lines in self.lines.items() if self.cells[index].column == column]
            self.left[column] = x
            x += min(limit, max(_length(line) for lines in inside for line in lines)) + GAP
        self.limit, self.width = limit, x - GAP
        self.top: dict[int, int] = {}
        y = 0
        for row in rows:
            self.top[row] = y
            y += 1 + max(len(lines) for index, lines in self.lines.items() if self.cells[index].level == row)
        self.height = y - 1
        self.grid: dict[tuple[int, int], tuple[str, str]] = {}
        for row in rows:
            self._write(self.top[row], 0, labels[row], FAINT)
        for index in self.cells:
            self._place(index)
        for edge in layout.edges:
            if edge.source in self.cells and edge.target in self.cells and not edge.guide:
                self._connect(edge)

    def text(self) -> Text:
        """The grid with its styles, and a line end after each row."""
        text = Text(no_wrap=True)
        for y in range(self.height):
            end = max((x for row, x in self.grid if row == y), default=-1)
            for x in range(end + 1):
                text.append(*self.grid.get((y, x), (" ", "")))
            text.append("\n")
        return text

    def _write(self, y: int, x: int, text: str, style: str) -> None:
        for at, character in enumerate(text, start=x):
            there, kept = self.grid.get((y, at), ("", style))
            if there in ARMS and character in ARMS:
                self.grid[y, at] = (MEETING["".join(sorted(set(ARMS[there] + ARMS[character])))], kept)
            else:
                self.grid[y, at] = (there or character, kept)

    def _place(self, index: int) -> None:
        cell = self.cells[index]
        for down, line in enumerate(self.lines[index]):
            x, room = self.left[cell.column], self.limit
            cut = _length(line) > room
            for text, style in line:
                kept = text[: max(room - cut, 0)]
                self._write(self.top[cell.level] + down, x, kept, style)
                x, room = x + len(kept), room - len(kept)
            if cut:
                self._write(self.top[cell.level] + down, x, "…", FAINT)

    def _connect(self, edge: Edge) -> None:
        """A line where there is room for one; else an arrow head in the gap, or nothing."""
        source, target = self.cells[edge.source], self.cells[edge.target]
        start, end = self.left[source.column], self.left[target.column]
        above = self.top[target.level] - 1
        if source.level == target.level:
            if source.column < target.column and self._row_is_free(edge, source.level):
                self._right(edge.source, end - 2, "▶")
        elif source.column == target.column:
            if self._column_is_free(source.column, source, target):
                if source.level < target.level:
                    self._vertical(start + DOWN, self._bottom(edge.source), above)
                    self.grid[above, start + DOWN] = ("▼", RAIL)
                else:
                    self._up(start + UP, edge.target, self.top[source.level] - 1)
        elif source.level > target.level and source.column < target.column:
            if self._row_is_free(edge, source.level) and self._column_is_free(target.column, source, target):
                self._right(edge.source, end + UP, "╯")
                self._up(end + UP, edge.target, self.top[source.level] - 1)
            elif source.level == target.level + 1:
                self._write(self.top[source.level] - 1, end - 2, "↗", RAIL)
        elif source.level < target.level and source.column < target.column:
            if self._row_is_free(edge, target.level) and self._column_is_free(source.column, source, target):
                self._vertical(start + DOWN, self._bottom(edge.source), above)
                self._write(above + 1, start + DOWN, "╰" + "─" * (end - start - DOWN - 3) + "▶", RAIL)
            elif source.level + 1 == target.level:
                self._write(above, end - 2, "↘", RAIL)
        elif source.level + 1 == target.level:
            self._write(above, end + DOWN, "↙", RAIL)

    def _row_is_free(self, edge: Edge, level: int) -> bool:
        """Whether nothing of ``level`` stands from the column of the source to that of the target, but these two."""
        columns = range(self.cells[edge.source].column, self.cells[edge.target].column + 1)
        return not any(
            cell.level == level and cell.column in columns
            for index, cell in self.cells.items()
            if index not in (edge.source, edge.target)
        )

    def _column_is_free(self, column: int, source: Cell, target: Cell) -> bool:
        """Whether nothing of ``column`` stands between the levels of the two."""
        levels = range(min(source.level, target.level) + 1, max(source.level, target.level))
        return not any(cell.column == column and cell.level in levels for cell in self.cells.values())

    def _bottom(self, index: int) -> int:
        return self.top[self.cells[index].level] + len(self.lines[index])

    def _right(self, index: int, end: int, tip: str) -> None:
        cell = self.cells[index]
        begin = self.left[cell.column] + min(self.limit, _length(self.lines[index][0])) + 1
        self._write(self.top[cell.level], begin, "─" * (end - begin) + tip, RAIL)

    def _vertical(self, x: int, begin: int, end: int) -> None:
        for y in range(begin, end + 1):
            self._write(y, x, "│", RAIL)

    def _up(self, x: int, target: int, end: int) -> None:
        self._vertical(x, self._bottom(target), end)
        self.grid[self._bottom(target), x] = ("▲", RAIL)
