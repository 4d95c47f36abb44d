"""A network drawn as an SVG file: stages as boxes, attention in colour, levels as rows."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from xml.etree import ElementTree as xml

from evaluators.files import write_text
from nas.pictures.layout import Cell, Edge, Holder, Layout
from nas.profiles.parts import with_number
from nas.profiles.profile import Profile
from search_spaces.attention import MECHANISMS
from search_spaces.errors import InputError
from search_spaces.hosts.slot import size_at

# All lengths in pixels. A monospaced font, so that the width of a text is known without one.
FONT, CHARACTER, LINE = 12, 7.25, 17
PAD, CHIP, MARGIN = 8, 20, 24
GAP_ACROSS, GAP_DOWN = 46, 40
INK, FAINT, RAIL, GUIDE = "#1f2933", "#6b7480", "#8a939e", "#b08d57"
STAGE, EMPTY = "#eef1f4", "#ffffff"
FAMILIES = {
    "conventional": "#0b6e4f",
    "multi-scale": "#7b3fa0",
    "self-similarity": "#1d5fa8",
    "other": "#8a5a00",
    "gate": "#b3261e",
}
OTHER = "#4a5560"


def write_picture(path: Path, layout: Layout, profile: Profile) -> Path:
    """Write the drawing of ``layout``, with what attention costs below it.

    Raises ``InputError`` on another file type than SVG.
    """
    if path.suffix.lower() != ".svg":
        raise InputError(f"picture '{path}': expected .svg, got '{path.suffix}'")
    picture = xml.tostring(_Picture(layout, profile).root, encoding="unicode")
    write_text(path, f'<?xml version="1.0" encoding="UTF-8"?>\n{picture}\n')
    return path


class _Box:
    """A cell with its size, and later its place."""

    def __init__(self, cell: Cell) -> None:
        self.cell = cell
        self.chips = [(holder, *one) for holder in cell.filled for one in holder.mechanisms]
        self.notes = self._notes()
        self.empty = [holder for holder in cell.holders if not holder.series]
        lines = [self.title + (f" {cell.main.channels} ch" if cell.main else ""), *self.notes]
        texts = [] if self.is_point else [*lines, *(self.chip_text(*chip) + "  " for chip in self.chips)]
        self.width = 12.0 if self.is_point else 2 * PAD + CHARACTER * max(map(len, texts))
        self.head = PAD + LINE * (bool(self.title) + len(self.notes))
        self.height = (
            12.0 if self.is_point else self.head + (CHIP + 4) * len(self.chips) + PAD + (6 if self.empty else 0)
        )
        self.x = self.y = 0.0

    @property
    def title(self) -> str:
        """The name of the cell; several slots without a stage have none in common."""
        return self.cell.name if self.cell.main or len(self.cell.holders) == 1 else ""

    @property
    def is_point(self) -> bool:
        """Whether there is nothing but empty slots."""
        return not self.cell.stages and not self.chips

    @property
    def middle(self) -> tuple[float, float]:
        return self.x + self.width / 2, self.y + self.height / 2

    def chip_text(self, holder: Holder, mechanism: str, count: int) -> str:
        """The mechanism, and the slot where the cell does not tell it."""
        name = with_number(mechanism, count)
        note = self.cell.note(holder)
        return f"{name} ({note})" if note else name

    def _notes(self) -> list[str]:
        others = [stage.name for stage in self.cell.stages if stage is not self.cell.main]
        notes = [f"{others[0]} … {others[-1]}"] if len(others) > 2 else others
        if any(not stage.inference for stage in self.cell.stages):
            notes.append("in training only")
        return notes


class _Picture:
    """The elements of one picture."""

    def __init__(self, layout: Layout, profile: Profile) -> None:
        self.layout = layout
        self.boxes = [_Box(cell) for cell in layout.cells]
        self.rows = sorted({cell.level for cell in layout.cells})
        labels = [_times(size_at(profile.image[1:], row)) for row in self.rows]
        used = {MECHANISMS[mechanism].family for box in self.boxes for _, mechanism, _ in box.chips}
        families = [family for family in FAMILIES if family in used]
        title = f"{profile.architecture.host}, {profile.architecture.dims}D, one image of {_times(profile.image)}"
        sums = f"{profile.total.params:,} parameters, {profile.total.macs:,} MACs"
        closing = profile.summary()

        left, top = 2 * MARGIN + CHARACTER * max(map(len, labels)), MARGIN + 3 * LINE
        bottom, right = self._arrange(left, top)
        texts = CHARACTER * max(map(len, (title, sums, closing)))
        legend = sum(30 + CHARACTER * len(family) for family in families) + 260
        width, height = max(right + MARGIN, 2 * MARGIN + texts, 2 * MARGIN + legend), bottom + MARGIN + 3 * LINE
        self.root = self._page(width, height)
        xml.SubElement(self.root, "title").text = str(profile.architecture)
        self._arrow_heads()
        self._shape("rect", x=0, y=0, width=width, height=height, fill=EMPTY)
        self._text(MARGIN, MARGIN + 4, title, weight="bold")
        self._text(MARGIN, MARGIN + 4 + LINE, sums, fill=FAINT)
        for row, label in zip(self.rows, labels, strict=True):
            self._text(MARGIN, self.axis[row] + 4, label, fill=FAINT)
        for edge in layout.edges:
            self._edge(edge)
        for box in self.boxes:
            self._box(box)
        self._legend(families, bottom + MARGIN)
        self._text(MARGIN, bottom + MARGIN + 2 * LINE, closing)

    def _page(self, width: float, height: float) -> xml.Element:
        return xml.Element(
            "svg",
            {
                "xmlns": "http://www.w3.org/2000/svg",
                "width": f"{width:.0f}",
                "height": f"{height:.0f}",
                "viewBox": f"0 0 {width:.0f} {height:.0f}",
                "font-family": "ui-monospace, 'DejaVu Sans Mono', Menlo, Consolas, monospace",
                "font-size": str(FONT),
            },
        )

    def _arrange(self, x: float, y: float) -> tuple[float, float]:
        """Place the boxes; tells where the last row and the last column end."""
        above = {row: self._arcs(row) for row in self.rows}
        self.axis: dict[int, float] = {}
        for row in self.rows:
            y += 14 * above[row]
            inside = [box for box in self.boxes if box.cell.level == row]
            self.axis[row] = y + PAD + LINE / 2 + 2
            for box in inside:
                box.y = self.axis[row] - 6 if box.is_point else y
            y += max(max(box.height for box in inside), 2 * PAD + LINE) + GAP_DOWN
        for column in range(self.layout.columns):
            inside = [box for box in self.boxes if box.cell.column == column]
            width = max(box.width for box in inside)
            for box in inside:
                box.x = x + (width - box.width) / 2
            x += width + GAP_ACROSS
        return y - GAP_DOWN, x - GAP_ACROSS

    def _arcs(self, row: int) -> int:
        """How many columns the longest connection in a row jumps over."""
        return max((self._jumps(edge) for edge in self.layout.edges if self._levels(edge) == (row, row)), default=0)

    def _levels(self, edge: Edge) -> tuple[int, int]:
        return self.layout.cells[edge.source].level, self.layout.cells[edge.target].level

    def _jumps(self, edge: Edge) -> int:
        source, target = self.layout.cells[edge.source], self.layout.cells[edge.target]
        return sum(
            cell.level == source.level and source.column < cell.column < target.column for cell in self.layout.cells
        )

    def _blocked(self, source: _Box, target: _Box) -> bool:
        """Whether something stands between ``source`` and the column of ``target``."""
        return any(
            cell.level == source.cell.level and source.cell.column < cell.column <= target.cell.column
            for cell in self.layout.cells
        )

    def _edge(self, edge: Edge) -> None:
        source, target = self.boxes[edge.source], self.boxes[edge.target]
        style = {"stroke-dasharray": "3 4", "stroke": GUIDE} if edge.guide else {"stroke": RAIL}
        above, below = self._levels(edge)
        right, left = source.x + source.width, target.x - 2
        if above == below:
            y, jumps = self.axis[above], self._jumps(edge)
            path = f"M {right:.1f} {y:.1f} H {left:.1f}"
            if left < right:
                path = f"M {source.x:.1f} {y:.1f} H {target.x + target.width + 2:.1f}"
            elif jumps:
                height = min(source.y, target.y) - 10 - 12 * jumps
                path = (
                    f"M {right - 10:.1f} {source.y:.1f} C {right + 14:.1f} {height:.1f} "
                    f"{left - 14:.1f} {height:.1f} {left + 10:.1f} {target.y - 2:.1f}"
                )
        else:
            down = below > above
            (start, _), (end, _) = source.middle, target.middle
            y1 = source.y + source.height if down else source.y
            y2 = target.y - 2 if down else target.y + target.height + 2
            if source.cell.column == target.cell.column:
                end = start = max(source.x, target.x) + min(source.width, target.width) * (0.4 if down else 0.6)
                path = f"M {start:.1f} {y1:.1f} V {y2:.1f}"
            elif not down and source.cell.column < target.cell.column and not self._blocked(source, target):
                y1 = self.axis[above]
                path = f"M {right:.1f} {y1:.1f} C {end:.1f} {y1:.1f} {end:.1f} {y1:.1f} {end:.1f} {y2:.1f}"
            else:
                half = (y1 + y2) / 2
                path = f"M {start:.1f} {y1:.1f} C {start:.1f} {half:.1f} {end:.1f} {half:.1f} {end:.1f} {y2:.1f}"
        head = "url(#guide)" if edge.guide else "url(#head)"
        self._shape("path", d=path, fill="none", marker_end=head, stroke_width=1.3, **style)

    def _box(self, box: _Box) -> None:
        if box.is_point:
            self._shape("circle", cx=box.middle[0], cy=box.middle[1], r=5, fill=EMPTY, stroke=RAIL)
            return
        dash = {} if all(stage.inference for stage in box.cell.stages) else {"stroke-dasharray": "4 3"}
        fill = STAGE if box.cell.stages else EMPTY
        self._shape("rect", x=box.x, y=box.y, width=box.width, height=box.height, rx=5, fill=fill, stroke=RAIL, **dash)
        x, y = box.x + PAD, box.y + PAD + FONT - 1
        main = box.cell.main
        name = self._text(x, y, box.title, weight="bold")
        if main is not None:
            part = xml.SubElement(name, "tspan", {"font-weight": "normal", "fill": FAINT})
            part.text = f" {main.channels} ch"
        for line, note in enumerate(box.notes, start=1):
            self._text(x, y + line * LINE, note, fill=FAINT)
        y = box.y + box.head
        for holder, mechanism, count in box.chips:
            colour = FAMILIES.get(MECHANISMS[mechanism].family, OTHER)
            width = box.width - 2 * PAD
            self._shape("rect", x=x, y=y, width=width, height=CHIP, rx=2 if holder.block else CHIP / 2, fill=colour)
            self._text(x + CHARACTER, y + 14, box.chip_text(holder, mechanism, count), fill="#ffffff")
            y += CHIP + 4
        for at, holder in enumerate(box.empty):
            cx, cy = box.x + box.width - PAD - 2 - 11 * at, box.y + box.height - 8
            if holder.block:
                self._shape("rect", x=cx - 3, y=cy - 3, width=6, height=6, fill=EMPTY, stroke=RAIL)
            else:
                self._shape("circle", cx=cx, cy=cy, r=3, fill=EMPTY, stroke=RAIL)

    def _legend(self, families: Sequence[str], y: float) -> None:
        x: float = MARGIN
        for family in families:
            self._shape("rect", x=x, y=y + 1, width=14, height=12, rx=6, fill=FAMILIES[family])
            self._text(x + 19, y + 11, family, fill=FAINT)
            x += 30 + CHARACTER * len(family)
        self._shape("circle", cx=x + 5, cy=y + 7, r=3, fill=EMPTY, stroke=RAIL)
        self._shape("rect", x=x + 12, y=y + 4, width=6, height=6, fill=EMPTY, stroke=RAIL)
        self._text(x + 24, y + 11, "empty slots", fill=FAINT)
        if any(edge.guide for edge in self.layout.edges):
            self._shape(
                "path", d=f"M {x + 120:.1f} {y + 7:.1f} h 24", fill="none", stroke=GUIDE, stroke_dasharray="3 4"
            )
            self._text(x + 150, y + 11, "gate or guide", fill=FAINT)

    def _arrow_heads(self) -> None:
        definitions = xml.SubElement(self.root, "defs")
        for name, colour in (("head", RAIL), ("guide", GUIDE)):
            box = {"id": name, "viewBox": "0 0 8 8", "refX": "6", "refY": "4", "orient": "auto"}
            marker = xml.SubElement(definitions, "marker", {**box, "markerWidth": "6", "markerHeight": "6"})
            xml.SubElement(marker, "path", {"d": "M 0 0 L 8 4 L 0 8 z", "fill": colour})

    def _shape(self, kind: str, **attributes: object) -> None:
        texts = {
            name.replace("_", "-"): f"{value:.1f}" if isinstance(value, float) else str(value)
            for name, value in attributes.items()
        }
        xml.SubElement(self.root, kind, texts)

    def _text(self, x: float, y: float, text: str, fill: str = INK, weight: str = "normal") -> xml.Element:
        place = {"x": f"{x:.1f}", "y": f"{y:.1f}", "fill": fill, "font-weight": weight}
        element = xml.SubElement(self.root, "text", place)
        element.text = text
        return element


def _times(shape: Sequence[int]) -> str:
    return " x ".join(map(str, shape))
