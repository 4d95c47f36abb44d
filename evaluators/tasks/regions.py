"""Classes that share stored values, as whole tumour, core and enhancing part do: told apart into cells.

A cell is what the label files can tell apart: a listed value, or what is left of ranges and thresholds for one set of
classes. Each cell is one index of the labels inside; a class is a set of cells.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations, pairwise

import numpy as np

from evaluators.labelling import MOST_INDICES
from evaluators.tasks.faults import raise_faults
from evaluators.tasks.label_rules import Span, point
from search_spaces.errors import InputError


@dataclass(frozen=True)
class Cell:
    """Stored values that belong to the same classes, and where it is a single one, that value."""

    spans: tuple[Span, ...]
    classes: frozenset[str]
    value: int | None = None


@dataclass(frozen=True)
class Regions:
    """Cells and classes, in the order in which a prediction is painted; see ``Labelling`` for members and painted."""

    cells: tuple[Cell, ...]
    classes: tuple[str, ...]
    members: tuple[tuple[int, ...], ...]
    painted: tuple[int, ...]


def share_values(classes: Mapping[str, Sequence[Span]]) -> bool:
    """Whether some stored value belongs to two classes."""
    pairs = combinations(classes.values(), 2)
    return any(span.meets(other) for first, second in pairs for span in first for other in second)


def crossings(classes: Mapping[str, Sequence[Span]]) -> list[str]:
    """A line for every two ranges or thresholds of two classes that overlap and neither of which is in the other."""
    return [
        f"classes.{second}: {span.text} and {other.text} of '{first}' overlap; list the values where that is meant"
        for first, second in combinations(classes, 2)
        for span in classes[second]
        for other in classes[first]
        if span.meets(other) and not span.within(other) and not other.within(span)
    ]


def tell_apart(classes: Mapping[str, Sequence[Span]], order: Sequence[int] = ()) -> Regions:
    """The cells of ``classes``, and how a prediction is painted.

    Args:
        classes: what each takes; one without spans is a cell of its own.
        order: a stored value for each class, with which it is painted, later ones over earlier ones (nnU-Net's
            ``regions_class_order``). Without it, larger classes come first, each with a value that it does not share
            with a later one.

    Raises:
        InputError: equal classes, an order that does not fit, or that none can be found.
    """
    cells = _cells(classes)
    members = {
        name: tuple(number for number, cell in enumerate(cells, start=1) if name in cell.classes) for name in classes
    }
    if len(cells) > MOST_INDICES:
        raise InputError(f"classes: expected at most {MOST_INDICES} values that tell them apart, got {len(cells)}")
    raise_faults(
        [
            f"classes.{second}: takes the same values as '{first}'"
            for first, second in combinations(classes, 2)
            if members[first] == members[second]
        ]
    )
    names = list(classes) if order else sorted(classes, key=lambda name: -len(members[name]))
    painted = _in_order(names, members, cells, order) if order else _without_order(names, members, cells)
    if order:
        cells = _with_values(cells, painted, order)
    return Regions(tuple(cells), tuple(names), tuple(members[name] for name in names), painted)


def _cells(classes: Mapping[str, Sequence[Span]]) -> list[Cell]:
    spans = [(name, span) for name in classes for span in classes[name]]
    listed = sorted({span.value for _, span in spans if span.value is not None})
    cells = [Cell((point(value),), _takers(spans, value), value) for value in listed]
    wide = [(name, span) for name, span in spans if span.value is None]
    edges = sorted({end for _, span in wide for end in (span.low, float(np.nextafter(span.high, np.inf)))})
    pieces: dict[frozenset[str], list[Span]] = defaultdict(list)
    for low, following in pairwise(edges):
        piece = Span(low, float(np.nextafter(following, -np.inf)), "")
        if _stands_for_more(piece, wide, listed):
            pieces[_takers(wide, low)].append(piece)
    cells += [Cell(tuple(found), takers) for takers, found in pieces.items()]
    return cells + [Cell((), frozenset([name])) for name, taken in classes.items() if not taken]


def _stands_for_more(piece: Span, wide: Sequence[tuple[str, Span]], listed: Sequence[int]) -> bool:
    """Whether a ``piece`` of thresholds and ranges holds more than listed values; ranges hold whole numbers alone."""
    around = [span for _, span in wide if piece.within(span)]
    if any(not np.isfinite([span.low, span.high]).all() for span in around):
        return True
    whole = range(int(np.ceil(piece.low)), int(np.floor(piece.high)) + 1) if around else ()
    return len(whole) > sum(value in whole for value in listed)


def _takers(spans: Sequence[tuple[str, Span]], value: float) -> frozenset[str]:
    return frozenset(name for name, span in spans if span.low <= value <= span.high)


def _in_order(
    names: Sequence[str], members: Mapping[str, Sequence[int]], cells: Sequence[Cell], order: Sequence[int]
) -> tuple[int, ...]:
    if len(order) != len(names):
        raise InputError(
            f"regions_class_order: expected a value for each of {', '.join(names)}; got {', '.join(map(str, order))}"
        )
    faults, painted = [], []
    for name, value in zip(names, order, strict=True):
        holding = [number for number in members[name] if _holds(cells[number - 1], value)]
        if not holding:
            faults.append(f"regions_class_order: {value} is no value of '{name}', which it is to paint")
        elif holding[-1] in painted:
            faults.append(f"regions_class_order: {value} paints '{name}' and a class before it")
        painted += holding[-1:]
    raise_faults(faults)
    return tuple(painted)


def _holds(cell: Cell, value: int) -> bool:
    return cell.value == value if cell.value is not None else any(span.low <= value <= span.high for span in cell.spans)


def _with_values(cells: Sequence[Cell], painted: Sequence[int], order: Sequence[int]) -> list[Cell]:
    told = dict(zip(painted, order, strict=True))
    return [Cell(cell.spans, cell.classes, told.get(number, cell.value)) for number, cell in enumerate(cells, start=1)]


def _without_order(
    names: Sequence[str], members: Mapping[str, Sequence[int]], cells: Sequence[Cell]
) -> tuple[int, ...]:
    faults, painted = [], []
    for position, name in enumerate(names):
        later = {number for other in names[position + 1 :] for number in members[other]}
        free = [number for number in members[name] if number not in later]
        if not free:
            faults.append(
                f"classes.{name}: every value of it belongs to another class too, so a prediction cannot show it; "
                "give regions_class_order, a value for each class"
            )
        painted += sorted(free, key=lambda number: len(cells[number - 1].classes))[:1]
    raise_faults(faults)
    return tuple(painted)
