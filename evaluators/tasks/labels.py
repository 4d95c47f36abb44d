"""From stored label values to indices: ``{polyp: '127<'}``, ``{cell: [255, 1]}``, ``{nucleus: instances}``."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import chain
from pathlib import Path

import numpy as np

from evaluators.labelling import IGNORED, MOST_INDICES, Labelling
from evaluators.tasks.faults import raise_faults
from evaluators.tasks.label_rules import GRAMMAR, Span, parse_rule, point
from evaluators.tasks.regions import Cell, Regions, crossings, share_values, tell_apart
from evaluators.tasks.value_counts import ValueCounts, nearly_whole
from search_spaces.errors import InputError

ClassRules = Mapping[str, int | str | Sequence[int | str]]

BACKGROUND = "background"
IGNORE = "ignore"
RESERVED = {BACKGROUND: 0, IGNORE: IGNORED}
INSTANCES = "instances"
OUTSIDE = 254  # index of a value that no rule takes
TABLE_LIMIT = 1 << 16


@dataclass(frozen=True)
class LabelMap:
    """Maps stored values to label indices, see ``Labelling``. Build it with ``parse_classes``.

    Attributes:
        classes: names, in the order of the network's outputs.
        members: for each class its indices.
        painted: for each class the index that a voxel of it gets in a prediction.
        takes: stored values and their index; later ones win.
        instances: index of every non-zero value that nothing else takes, or ``None``.
        rest: whether what nothing takes is background rather than a fault.
        own: stored value of each index for which the rules tell one.
        described: the rules in words.
    """

    classes: tuple[str, ...]
    members: tuple[tuple[int, ...], ...]
    painted: tuple[int, ...]
    takes: tuple[tuple[Span, int], ...]
    instances: int | None
    rest: bool
    own: Mapping[int, int]
    described: str

    @property
    def open(self) -> bool:
        """Whether only the labels can tell the own value of some index."""
        return len(self.own) <= self._last

    @property
    def named(self) -> dict[str, int]:
        """A stored value that stands for each class by name."""
        values = self.labelling().values
        return {name: values[index] for name, index in zip(self.classes, self.painted, strict=True)}

    def index(self, values: np.ndarray) -> np.ndarray:
        """uint8 index of each of ``values``, ``OUTSIDE`` for what nothing takes."""
        index = np.full(values.shape, 0 if self.rest else OUTSIDE, dtype=np.uint8)
        if self.instances is not None:
            index[values != 0] = self.instances
        for span, target in self.takes:
            index[span.holds(values)] = target
        return index

    def apply(self, label: np.ndarray, file: Path | str) -> np.ndarray:
        """Indices, uint8, of the stored values ``label``; ``file`` names it in messages.

        Raises:
            InputError: values outside the map, NaN and infinite ones.
        """
        label = nearly_whole(label.view(np.uint8) if label.dtype == bool else label)
        whole = np.issubdtype(label.dtype, np.integer)
        low, high = (int(label.min()), int(label.max())) if whole else (0, TABLE_LIMIT)
        if high - low < TABLE_LIMIT:
            table = self.index(np.arange(low, high + 1))
            mapped = table[label.astype(np.intp) - low]
        else:
            mapped = self.index(label)
        if (mapped == OUTSIDE).any() or not (whole or np.isfinite(label).all()):
            raise_faults(self.faults(ValueCounts.of(label), file))
        return mapped

    def faults(self, counts: ValueCounts, file: Path | str) -> list[str]:
        """A line where a label with these values does not fit, else none."""
        if not counts.finite:
            return [f"{file}: the label holds NaN or infinite values"]
        outside = counts.where(self.index(counts.values) == OUTSIDE)
        if not len(outside):
            return []
        total = int(counts.counts.sum())
        if not outside.whole:
            broken = outside.where(outside.values != np.rint(outside.values))
            return [
                f"{file}: label values {broken.listed(total)} are no whole numbers, as in an interpolated or "
                f"probability map; expected {self.described}"
            ]
        hint = "" if any(target == 0 for _, target in self.takes) else f" (and '{BACKGROUND}' with its own values)"
        hint += " (a range such as '128..255' takes all that lies between)" * (len(outside) > 6)
        listed = outside.listed(total)
        return [f"{file}: label values {listed} are outside the class map; expected {self.described}{hint}"]

    def count(self, counts: ValueCounts) -> np.ndarray:
        """Voxels of each index, int64 ``(256,)``."""
        return np.bincount(self.index(counts.values), weights=counts.counts, minlength=256).astype(np.int64)

    def labelling(self, counts: ValueCounts | None = None) -> Labelling:
        """What the indices mean.

        An index that no single value stands for is written as the most frequent whole value that it takes in
        ``counts``, those of the training labels, else as the smallest that it could take.
        """
        seen = [int(value) for value in counts.common() if value == round(value)] if counts else []
        ends = [end for span, _ in self.takes for end in (np.ceil(span.low), np.floor(span.high))]
        known = [*seen, *sorted(int(end) for end in ends if abs(end) < 2**31), *range(256)]
        own = dict(self.own)
        for value, index in zip(known, self.index(np.array(known)).tolist(), strict=True):
            own.setdefault(index, value)
        free = (value for value in range(1, 1 + len(own) + MOST_INDICES) if value not in own.values())
        values = tuple(own[index] if index in own else next(free) for index in range(1 + self._last))
        return Labelling(self.classes, self.members, values, self.painted)

    def notes(self, counts: ValueCounts | None) -> list[str]:
        """What a user should know of what the labels hold in all, ``counts``, or may not have meant."""
        notes = []
        if any(len(indices) > 1 for indices in self.members):
            notes.append(f"the classes are regions, each is learnt for itself: {self.described}")
        if counts and self.rest:
            real = np.array(counts.real(noisy=True))
            taken = counts.where(np.isin(counts.values, real[self.index(real) == 0]))
            if len(taken) > 1:
                listed = taken.listed(int(counts.counts.sum()))
                notes.append(f"label values {listed} are background, since no class takes them")
        return notes

    @property
    def _last(self) -> int:
        return max(chain.from_iterable(self.members))


def parse_classes(classes: ClassRules, order: Sequence[int] = (), *, regions: bool = False) -> LabelMap:
    """The map that ``classes`` describes: name to what it takes, see ``label_rules``, or ``instances``.

    ``instances`` takes every non-zero value that nothing else takes. The name ``background`` gives the background its
    values; without it, it is 0 and, where there are ranges or thresholds, what no rule takes. The values of the name
    ``ignore`` are in no loss and no score. Classes that share values are regions, see ``regions``.

    Args:
        classes: the rules by name.
        order: of regions, the value that paints each; see ``regions.tell_apart``.
        regions: keep the values of each class apart even where no two classes share one.

    Raises:
        InputError: every rule that cannot be read, and values that cannot be told apart.
    """
    if not isinstance(classes, Mapping) or not any(name not in RESERVED for name in classes):
        raise InputError(f"classes: expected at least one class name with its label values, got {classes!r}")
    names = [name for name in classes if name not in RESERVED]
    if len(names) > MOST_INDICES:
        raise InputError(f"classes: expected at most {MOST_INDICES}, got {len(names)}")
    spans, faults = _read(classes)
    taken = {name: spans[name] for name in names if name in spans}
    reserved = {name: spans[name] for name in RESERVED if name in spans}
    raise_faults(faults + _claimed(taken, reserved) + crossings(taken))
    shared = regions or share_values(taken)
    if order and not shared:
        raise InputError("regions_class_order: no two classes share a value, so there is nothing to order")
    told = tell_apart(taken, order) if shared else _apart(taken)
    return _label_map(told, taken, reserved)


def _read(classes: ClassRules) -> tuple[dict[str, tuple[Span, ...]], list[str]]:
    """What each name takes, nothing for ``instances``; and a line for each that cannot be read."""
    spans: dict[str, tuple[Span, ...]] = {}
    faults = []
    for name, rule in classes.items():
        found = parse_rule(rule)
        if not isinstance(name, str) or not name.strip():
            faults.append(f"classes: expected names as text, got {name!r}")
        elif rule == INSTANCES and (name in RESERVED or () in spans.values()):
            faults.append(f"classes.{name}: only one foreground class can be '{INSTANCES}'")
        elif rule == INSTANCES or found:
            spans[name] = found
        else:
            faults.append(f"classes.{name}: expected {GRAMMAR}, or '{INSTANCES}', got {rule!r}")
    return spans, faults


def _claimed(taken: Mapping[str, Sequence[Span]], reserved: Mapping[str, Sequence[Span]]) -> list[str]:
    """A line for everything that background or ``ignore`` takes and another takes too."""
    return [
        f"classes.{name}: {span.text} and {other.text} of '{second}' overlap"
        for position, name in enumerate(reserved)
        for second, others in (*list(reserved.items())[:position], *taken.items())
        for span in reserved[name]
        for other in others
        if span.meets(other)
    ]


def _apart(taken: Mapping[str, Sequence[Span]]) -> Regions:
    """Classes that share nothing: each is one cell."""
    cells = [Cell(tuple(spans), frozenset([name]), spans[0].value if spans else None) for name, spans in taken.items()]
    numbers = tuple(range(1, 1 + len(cells)))
    return Regions(tuple(cells), tuple(taken), tuple((number,) for number in numbers), numbers)


def _label_map(told: Regions, taken: Mapping[str, Sequence[Span]], reserved: Mapping[str, Sequence[Span]]) -> LabelMap:
    takes = [(span, index) for index, cell in enumerate(told.cells, start=1) for span in cell.spans]
    takes += [(span, RESERVED[name]) for name, spans in reserved.items() for span in spans]
    own: dict[int, int | None] = {index: cell.value for index, cell in enumerate(told.cells, start=1)}
    rest = BACKGROUND not in reserved and any(span.value is None for spans in taken.values() for span in spans)
    if not rest and BACKGROUND not in reserved and not any(span.holds(np.array(0)) for span, _ in takes):
        takes.append((point(0), 0))
    takes.sort(key=lambda take: take[0].value is not None)  # a listed value wins over a range that holds it
    of_zero = [0] * rest + [index for span, index in takes if span.holds(np.array(0))]
    own[0] = 0 if of_zero[-1:] == [0] else reserved[BACKGROUND][0].value if BACKGROUND in reserved else None
    instances = next((index for index, cell in enumerate(told.cells, start=1) if not cell.spans), None)
    rules = {**reserved, **taken} if BACKGROUND in reserved else {**taken, **reserved}
    parts = [f"{name} {' or '.join(span.text for span in spans) or 'any other but 0'}" for name, spans in rules.items()]
    parts = ["background 0"] * (BACKGROUND not in reserved and own[0] == 0) + parts
    return LabelMap(
        told.classes,
        told.members,
        told.painted,
        tuple(takes),
        instances,
        rest,
        {index: value for index, value in own.items() if value is not None},
        ", ".join(parts),
    )
