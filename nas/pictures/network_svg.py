"""A network drawn as an SVG file: stages as boxes, attention in colour, levels as rows."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from xml.etree import ElementTree as xml

from evaluators.files import write_text
from nas.pictures.boxes import CHARACTER, CHIP, FAMILIES, FONT, LINE, PAD, Box, Chip
from nas.pictures.layout import Edge, Holder, Layout
from nas.profiles.profile import Profile
from search_spaces.attention import MECHANISMS
from search_spaces.errors import InputError
from search_spaces.hosts.slot import size_at

MARGIN, GAP_ACROSS, GAP_DOWN = 24, 46, 40
INK, FAINT, RAIL, GUIDE = "#1f2933", "#6b7480", "#8a939e", "#b08d57"
STAGE, EMPTY = "#eef1f4", "#ffffff"


def write_picture(path: Path, layout: Layout, profile: Profile) -> Path:
    """Write the drawing of ``layout``, with what attention costs below it.

    Raises ``InputError`` on another file type than SVG.
    """
    if path.suffix.lower() != ".svg":
        raise InputError(f"picture '{path}': expected .svg, got '{path.suffix}'")
    picture = xml.tostring(_Picture(layout, profile.image[1:], _words_of(profile)).root, encoding="unicode")
    write_text(path, f'<?xml version="1.0" encoding="UTF-8"?>\n{picture}\n')
    return path


def network_template(layout: Layout, size: Sequence[int], room: Mapping[str, tuple[int, str]], always: Layout) -> str:
    """A drawing of many networks that differ in what sits in their slots alone, for a page to fill in, as SVG.

    What depends on a slot has its name in an attribute: ``data-slot`` an element for each mechanism in series (with
    ``data-note``, which follows its name), ``data-empty`` the mark of an empty slot. ``data-filled`` holds names of
    slots one of which has to be filled, ``data-guided`` with a mechanism that is told where to look, and ``data-bare``
    those that all have to be empty. ``data-channels`` marks numbers of channels.

    Args:
        layout: with something in every slot that can hold something.
        size: of the image.
        room: by slot, how many mechanisms in series there has to be room for, and the longest name of one.
        always: the layout with empty slots; what flows here alone depends on what is filled.
    """
    return xml.tostring(_Picture(layout, size, None, room, always).root, encoding="unicode")


@dataclass(frozen=True)
class _Words:
    """What is written above and below a network."""

    name: str
    title: str
    sums: str
    closing: str


def _words_of(profile: Profile) -> _Words:
    host = profile.architecture
    title = f"{host.host}, {host.dims}D, one image of {_times(profile.image)}"
    sums = f"{profile.total.params:,} parameters, {profile.total.macs:,} MACs"
    return _Words(str(host), title, sums, profile.summary())


class _Picture:
    """The elements of one picture."""

    def __init__(
        self,
        layout: Layout,
        size: Sequence[int],
        words: _Words | None,
        room: Mapping[str, tuple[int, str]] | None = None,
        always: Layout | None = None,
    ) -> None:
        self.layout = layout
        self.template = room is not None
        self.boxes = [Box(cell, room) for cell in layout.cells]
        self.rows = sorted({cell.level for cell in layout.cells})
        labels = [_times(size_at(size, row)) for row in self.rows]
        used = {MECHANISMS[name].family for cell in layout.cells for one in cell.filled for name, _ in one.mechanisms}
        families = [family for family in FAMILIES if family in used]
        left, top = 2 * MARGIN + CHARACTER * max(map(len, labels)), MARGIN + (3 * LINE if words else 0)
        bottom, right = self._arrange(left, top)
        width, height = right + MARGIN, bottom + MARGIN
        if words:
            texts = CHARACTER * max(map(len, (words.title, words.sums, words.closing)))
            legend = sum(30 + CHARACTER * len(family) for family in families) + 260
            width, height = max(width, 2 * MARGIN + texts, 2 * MARGIN + legend), height + 3 * LINE
        self.root = self._page(width, height)
        if words:
            xml.SubElement(self.root, "title").text = words.name
        self._arrow_heads()
        self._shape("rect", x=0, y=0, width=width, height=height, fill=EMPTY)
        for row, label in zip(self.rows, labels, strict=True):
            self._text(MARGIN, self.axis[row] + 4, label, fill=FAINT)
        for edge in layout.edges:
            self._edge(edge, always is None or edge in always.edges)
        for box in self.boxes:
            self._box(box)
        if words:
            self._text(MARGIN, MARGIN + 4, words.title, weight="bold")
            self._text(MARGIN, MARGIN + 4 + LINE, words.sums, fill=FAINT)
            self._legend(families, bottom + MARGIN)
            self._text(MARGIN, bottom + MARGIN + 2 * LINE, words.closing)

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

    def _blocked(self, source: Box, target: Box) -> bool:
        """Whether something stands between ``source`` and the column of ``target``."""
        return any(
            cell.level == source.cell.level and source.cell.column < cell.column <= target.cell.column
            for cell in self.layout.cells
        )

    def _edge(self, edge: Edge, always: bool = True) -> None:
        source, target = self.boxes[edge.source], self.boxes[edge.target]
        style: dict[str, Any] = {"stroke-dasharray": "3 4", "stroke": GUIDE} if edge.guide else {"stroke": RAIL}
        if not always:
            style["data-guided" if edge.guide else "data-filled"] = _names(target.cell.holders)
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

    def _box(self, box: Box) -> None:
        bare = self.template and not box.cell.stages and not box.is_point  # a page may empty its slots
        if box.is_point or bare:
            hidden: dict[str, Any] = {"data-bare": _names(box.cell.holders)} if bare else {}
            x, y = box.middle[0], self.axis[box.cell.level]
            if bare:
                across = f"M {box.x:.1f} {y:.1f} h {box.width:.1f}"
                self._shape("path", d=across, stroke=RAIL, stroke_width=1.3, **hidden)
            self._shape("circle", cx=x, cy=y, r=5, fill=EMPTY, stroke=RAIL, **hidden)
        if box.is_point:
            return
        group = xml.SubElement(self.root, "g", {"data-filled": _names(box.cell.holders)}) if bare else self.root
        dash: dict[str, Any] = {} if all(stage.inference for stage in box.cell.stages) else {"stroke-dasharray": "4 3"}
        fill = STAGE if box.cell.stages else EMPTY
        frame: dict[str, Any] = {"x": box.x, "y": box.y, "width": box.width, "height": box.height, "rx": 5}
        self._shape("rect", group, **frame, fill=fill, stroke=RAIL, **dash)
        x, y = box.x + PAD, box.y + PAD + FONT - 1
        main = box.cell.main
        name = self._text(x, y, box.title, weight="bold", parent=group)
        if main is not None:
            channels = {"data-channels": ""} if self.template else {}
            part = xml.SubElement(name, "tspan", {"font-weight": "normal", "fill": FAINT, **channels})
            part.text = f" {main.channels} ch"
        for line, note in enumerate(box.notes, start=1):
            self._text(x, y + line * LINE, note, fill=FAINT, parent=group)
        y = box.y + box.head
        for chip in box.chips:
            self._chip(chip, x, y, box.width - 2 * PAD, group)
            y += CHIP + 4
        for at, holder in enumerate(box.empty):
            mark: dict[str, Any] = {"data-empty": holder.name} if self.template else {}
            cx, cy = box.x + box.width - PAD - 2 - 11 * at, box.y + box.height - 8
            if holder.block:
                square: dict[str, Any] = {"x": cx - 3, "y": cy - 3, "width": 6, "height": 6}
                self._shape("rect", group, **square, fill=EMPTY, stroke=RAIL, **mark)
            else:
                self._shape("circle", group, cx=cx, cy=cy, r=3, fill=EMPTY, stroke=RAIL, **mark)

    def _chip(self, chip: Chip, x: float, y: float, width: float, group: xml.Element) -> None:
        if self.template:
            group = xml.SubElement(group, "g", {"data-slot": chip.holder.name, "data-note": chip.note})
        round_ = 2 if chip.holder.block else CHIP / 2
        self._shape("rect", group, x=x, y=y, width=width, height=CHIP, rx=round_, fill=chip.colour)
        self._text(x + CHARACTER, y + 14, chip.text + chip.note, fill="#ffffff", parent=group)

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

    def _shape(self, kind: str, parent: xml.Element | None = None, **attributes: object) -> None:
        texts = {
            name.replace("_", "-"): f"{value:.1f}" if isinstance(value, float) else str(value)
            for name, value in attributes.items()
        }
        xml.SubElement(self.root if parent is None else parent, kind, texts)

    def _text(
        self,
        x: float,
        y: float,
        text: str,
        fill: str = INK,
        weight: str = "normal",
        parent: xml.Element | None = None,
    ) -> xml.Element:
        place = {"x": f"{x:.1f}", "y": f"{y:.1f}", "fill": fill, "font-weight": weight}
        element = xml.SubElement(self.root if parent is None else parent, "text", place)
        element.text = text
        return element


def _names(holders: Sequence[Holder]) -> str:
    return " ".join(holder.name for holder in holders)


def _times(shape: Sequence[int]) -> str:
    return " x ".join(map(str, shape))
