"""From stored label values to indices."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from itertools import chain
from pathlib import Path

import numpy as np

from evaluators.labelling import MOST_INDICES, Labelling
from evaluators.tasks.faults import raise_faults
from evaluators.tasks.label_rules import Span
from evaluators.tasks.value_counts import ValueCounts, nearly_whole

OUTSIDE = 254  # index of a value that no rule takes
TABLE_LIMIT = 1 << 16


@dataclass(frozen=True)
class LabelMap:
    """Maps stored values to label indices, see ``Labelling``. Build it with ``labels.parse_classes``.

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
        hint = "" if any(target == 0 for _, target in self.takes) else " (and 'background' with its own values)"
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
        of_zero = [name for name, indices in zip(self.classes, self.members, strict=True) if self._of(0) in indices]
        if of_zero and not self.rest and 0 not in self.own:
            notes.append(
                f"no label value is background: where 0 is, '{of_zero[0]}' is to be called so, else it is scored"
            )
        if counts and self.rest:
            real = np.array(counts.real(noisy=True))
            taken = counts.where(np.isin(counts.values, real[self.index(real) == 0]))
            if len(taken) > 1:
                listed = taken.listed(int(counts.counts.sum()))
                notes.append(f"label values {listed} are background, since no class takes them")
        return notes

    def _of(self, value: int) -> int:
        return int(self.index(np.array(value)))

    @property
    def _last(self) -> int:
        return max(chain.from_iterable(self.members))
