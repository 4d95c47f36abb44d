"""Where the parts of a network stand in a drawing: levels are rows, fine at the top, and the data flow to the right.

Columns follow from names (``encoder.0`` stands above ``encoder.1``) and from the flow, so any host can be drawn.
"""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from nas.pictures.flow import Node, trace
from nas.profiles.parts import PartKey, in_series
from search_spaces.architecture.architecture import Architecture
from search_spaces.architecture.placement import Placement


@dataclass(frozen=True)
class Stage:
    """A stage in a cell: its name, the channels of its result, and whether it runs in inference too."""

    name: str
    channels: int
    inference: bool


@dataclass(frozen=True)
class Holder:
    """A slot in a cell, and what sits in it in series: nothing where it is empty."""

    name: str
    series: tuple[Placement, ...]
    block: bool

    @property
    def mechanisms(self) -> list[tuple[str, int]]:
        """The mechanisms in series, each with how often it is repeated."""
        return in_series(placement.mechanism for placement in self.series)

    @property
    def place(self) -> str:
        """The name of the stage that the slot belongs to, where there is one."""
        return self.name.removeprefix("block.")


@dataclass(frozen=True)
class Cell:
    """What stands at one place: stages that run one after another at one level, and the slots behind and in them.

    ``main`` is the stage that gives the cell its name; a cell of slots alone has none.
    """

    level: int
    column: int
    main: Stage | None
    stages: tuple[Stage, ...]
    holders: tuple[Holder, ...]

    @property
    def name(self) -> str:
        return self.main.name if self.main else self.holders[0].name

    def note(self, holder: Holder) -> str:
        """The name of one of its slots, where that of the cell does not tell it."""
        return "" if holder.place == self.name and (self.main or len(self.holders) == 1) else holder.place

    @property
    def filled(self) -> tuple[Holder, ...]:
        return tuple(holder for holder in self.holders if holder.series)


@dataclass(frozen=True)
class Edge:
    """A result that goes from one cell, an index, to another; ``guide`` where it only tells attention where to look."""

    source: int
    target: int
    guide: bool = False


@dataclass(frozen=True)
class Layout:
    """The cells and what flows between them."""

    cells: tuple[Cell, ...]
    edges: tuple[Edge, ...]

    @property
    def columns(self) -> int:
        return 1 + max(cell.column for cell in self.cells)

    def folded(self) -> Layout:
        """A narrower one: cells of slots alone join the cell of the stage that they lead to."""
        into = {}
        for index, cell in enumerate(self.cells):
            targets = {edge.target for edge in self.edges if edge.source == index and not edge.guide}
            if not cell.stages and len(targets) == 1:
                into[index] = targets.pop()
        return self._joined(into)

    def stacked(self) -> Layout:
        """A narrower one: stages that nothing follows, such as heads, join the cell that feeds them."""
        into = {}
        for index in range(len(self.cells)):
            sources = {edge.source for edge in self.edges if edge.target == index and not edge.guide}
            if len(sources) == 1 and not any(edge.source == index for edge in self.edges):
                into[index] = sources.pop()
        return self._joined(into)

    def _joined(self, into: Mapping[int, int]) -> Layout:
        """Cells taken into others, where both are at one level."""
        into = {one: other for one, other in into.items() if self.cells[one].level == self.cells[other].level}

        def end(index: int) -> int:
            return end(into[index]) if index in into else index

        members: dict[int, list[Cell]] = {}
        for index, cell in enumerate(self.cells):
            members.setdefault(end(index), []).append(cell)
        cells = [
            dataclasses.replace(
                cell,
                stages=tuple(stage for member in members.get(index, ()) for stage in member.stages),
                holders=tuple(holder for member in members.get(index, ()) for holder in member.holders),
            )
            for index, cell in enumerate(self.cells)
        ]
        return _compact(cells, [Edge(end(e.source), end(e.target), e.guide) for e in self.edges], set(members))


@dataclass
class _Draft:
    """A cell in the making."""

    level: int
    nodes: list[Node] = field(default_factory=list)

    @property
    def only_slots(self) -> bool:
        return all(node.slot for node in self.nodes)

    @property
    def only_stages(self) -> bool:
        return all(node.slot is None or node.within for node in self.nodes)


def layout_of(architecture: Architecture, in_channels: int = 1, classes: int = 1) -> Layout:
    """The layout of a network; channels and classes only change the numbers in it."""
    nodes = trace(architecture, in_channels, classes)
    series = dict(architecture.attention)
    homes = _homes(nodes)
    drafts = list({id(draft): draft for draft in homes.values()}.values())
    index = {key: next(i for i, draft in enumerate(drafts) if draft is home) for key, home in homes.items()}
    cells = [_cell(draft, series) for draft in drafts]
    edges: list[Edge] = []
    for node in nodes:
        placed = series.get(node.key.name, ()) if node.slot else ()
        empty_pyramid = node.slot is not None and node.slot.pyramid_channels and not placed
        for source in node.features if node.within is None else ():
            if not (empty_pyramid and drafts[index[source]].level != node.level):  # an empty one passes the finest on
                edges.append(Edge(index[source], index[node.key]))
        if any(placement.inputs in ("gated", "guided") for placement in placed):
            edges += [Edge(index[source], index[node.key], guide=True) for source in node.guides]
    return _compact(_in_columns(cells, edges), edges, set(range(len(cells))))


def _cell(draft: _Draft, series: Mapping[str, tuple[Placement, ...]]) -> Cell:
    """The cell of a draft, in column 0 for now; a stage that slots are named after gives it its name, or the last."""
    stages = [Stage(node.key.name, node.channels, node.inference) for node in draft.nodes if node.slot is None]
    holders = [
        Holder(node.key.name, series.get(node.key.name, ()), node.slot.replaces is not None)
        for node in draft.nodes
        if node.slot is not None
    ]
    places = {holder.place for holder in holders}
    main = next((stage for stage in stages if stage.name in places), stages[-1] if stages else None)
    return Cell(draft.level, 0, main, tuple(stages), tuple(holders))


def _homes(nodes: Sequence[Node]) -> dict[PartKey, _Draft]:
    """The cell of each stage and slot."""
    stages = {node.key: node for node in nodes if node.slot is None}
    followers: dict[PartKey, set[PartKey]] = {node.key: set() for node in nodes}
    for node in nodes:
        for source in (node.features | node.guides) - {node.key}:
            followers[source].add(node.within or node.key)
    homes: dict[PartKey, _Draft] = {}
    of_stages: dict[PartKey, _Draft] = {}  # also of those that come after a slot of theirs

    def of_stage(key: PartKey) -> _Draft:
        """With the stages that lead to this one alone, at the same level."""
        if key not in of_stages:
            level = stages[key].level
            before = [homes[source] for source in stages[key].features & set(stages) if followers[source] == {key}]
            joined = (draft for draft in before if draft.level == level and draft.only_stages)
            of_stages[key] = next(joined, _Draft(level))
        return of_stages[key]

    def home(node: Node, before: Node | None) -> _Draft:
        named = PartKey(node.key.name)
        if node.slot is None:
            return of_stage(node.key)
        if node.within is not None:
            return of_stage(node.within)
        if named in stages and stages[named].level == node.level:
            return of_stage(named)
        if before is not None and homes[before.key].level == node.level:
            numbered = re.search(r"\d", node.key.name) is not None
            if node.features == {before.key} and (before.slot is None or not numbered):
                return homes[before.key]  # as the bottleneck's, behind the deepest stage
            if homes[before.key].only_slots and _pattern(node.key.name) == _pattern(before.key.name):
                return homes[before.key]
        return _Draft(node.level)

    before = None
    for node in nodes:
        homes[node.key] = draft = home(node, before)
        draft.nodes.append(node)
        before = node
    return homes


def _pattern(name: str) -> str:
    return re.sub(r"\d+", "*", name)


def _in_columns(cells: Sequence[Cell], edges: Iterable[Edge]) -> list[Cell]:
    """Cells that are named alike stand in one column; within a row what feeds stands left of what is fed."""
    keys: list[tuple[str, int]] = []
    for cell in cells:
        named = re.sub(r"\d+", "*", cell.name, count=1)
        keys.append((named, sum(key[0] == named and cells[i].level == cell.level for i, key in enumerate(keys))))
    before: dict[tuple[str, int], set[tuple[str, int]]] = {key: set() for key in keys}
    for edge in edges:
        source, target = keys[edge.source], keys[edge.target]
        if not edge.guide and source != target and cells[edge.source].level == cells[edge.target].level:
            before[target].add(source)
    downwards = {keys[edge.source] for edge in edges if cells[edge.target].level > cells[edge.source].level}
    order: list[tuple[str, int]] = []
    left = sorted(dict.fromkeys(keys), key=lambda key: key not in downwards)  # an encoder stands left of its skips
    while left:
        ready = [key for key in left if before[key] <= set(order)]
        order.append((ready or left)[0])
        left.remove(order[-1])
    return [dataclasses.replace(cell, column=order.index(key)) for cell, key in zip(cells, keys, strict=True)]


def _compact(cells: Sequence[Cell], edges: Iterable[Edge], kept: set[int]) -> Layout:
    """Only the cells ``kept``; neighbouring columns without a common row become one."""
    rows: dict[int, set[int]] = {}
    for index in sorted(kept, key=lambda index: cells[index].column):
        rows.setdefault(cells[index].column, set()).add(cells[index].level)
    merged: dict[int, int] = {}
    taken: list[set[int]] = []
    for column, levels in rows.items():
        if taken and not taken[-1] & levels:
            taken[-1] |= levels
        else:
            taken.append(set(levels))
        merged[column] = len(taken) - 1
    order = sorted(kept)
    new = {old: index for index, old in enumerate(order)}
    placed = tuple(dataclasses.replace(cells[old], column=merged[cells[old].column]) for old in order)
    ends = sorted(
        ((new[e.source], new[e.target], e.guide) for e in edges if e.source != e.target), key=lambda end: end[2]
    )
    unique = {(source, target): Edge(source, target, guide) for source, target, guide in reversed(ends)}
    return Layout(placed, tuple(unique.values()))
