"""A network drawn in characters."""

from __future__ import annotations

from collections.abc import Sequence

from rich.text import Text

from nas.layout import Cell, Edge, Layout
from nas.parts import with_number
from search_spaces.slot import size_at

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
    lines: list[Line] = []
    main = cell.main
    if main is not None:
        lines.append([(main.name, NAME), (f" {main.channels}ch{'' if main.inference else ' *'}", FAINT)])
        others = [stage.name + ("" if stage.inference else " *") for stage in cell.stages if stage is not main]
        if len(others) > 3:
            others = [f"{others[0]} … {others[-1]}"]
        lines += [[(name, FAINT)] for name in others]
    elif len(cell.holders) == 1 and cell.filled:
        lines.append([(cell.name, NAME)])
    elif not cell.filled:
        lines.append([])
    if empty:
        lines[:0] = [] if lines else [[]]
        lines[0].append(((" " if lines[0] else "") + empty, FAINT))
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
        source, target = self.cells[edge.source], self.cells[edge.target]
        across, deeper = target.column - source.column, target.level - source.level
        start, end = self.left[source.column], self.left[target.column]
        free = {
            row: not any(
                cell.level == row
                and min(source.column, target.column) <= cell.column <= max(source.column, target.column)
                for index, cell in self.cells.items()
                if index not in (edge.source, edge.target)
            )
            for row in (source.level, target.level)
        }
        if deeper == 0:
            if across > 0 and free[source.level]:
                self._right(edge.source, self.top[source.level], end - 2, "▶")
        elif across == 0:
            if deeper > 0 and self._is_free(target.column, source.level, target.level):
                self._vertical(start + DOWN, self._bottom(edge.source), self.top[target.level] - 1, "│", "▼")
            elif deeper < 0 and self._is_free(target.column, target.level, source.level):
                self._vertical(start + UP, self._bottom(edge.target), self.top[source.level] - 1, "▲", "│")
        elif across > 0 and deeper < 0:
            if free[source.level] and self._is_free(target.column, target.level, source.level):
                y = self.top[source.level]
                self._right(edge.source, y, end + UP, "╯")
                self._vertical(end + UP, self._bottom(edge.target), y - 1, "▲", "│")
            elif deeper == -1:
                self._write(self.top[source.level] - 1, end - 2, "↗", RAIL)
        elif across < 0:
            if deeper == 1:
                self._write(self.top[target.level] - 1, end + DOWN, "↙", RAIL)
        else:
            if free[target.level] and self._is_free(source.column, source.level, target.level):
                y = self.top[target.level]
                self._vertical(start + DOWN, self._bottom(edge.source), y - 1, "│", "│")
                self._write(y, start + DOWN, "╰" + "─" * (end - start - DOWN - 3) + "▶", RAIL)
            elif deeper == 1:
                self._write(self.top[target.level] - 1, end - 2, "↘", RAIL)

    def _bottom(self, index: int) -> int:
        return self.top[self.cells[index].level] + len(self.lines[index])

    def _is_free(self, column: int, above: int, below: int) -> bool:
        return not any(cell.column == column and above < cell.level < below for cell in self.cells.values())

    def _right(self, index: int, y: int, end: int, tip: str) -> None:
        begin = self.left[self.cells[index].column] + min(self.limit, _length(self.lines[index][0])) + 1
        self._write(y, begin, "─" * (end - begin) + tip, RAIL)

    def _vertical(self, x: int, begin: int, end: int, top: str, bottom: str) -> None:
        for y in range(begin, end + 1):
            mark = bottom if y == end and bottom != "│" else top if y == begin and top != "│" else "│"
            self._write(y, x, mark, RAIL)
