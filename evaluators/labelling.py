"""What the indices of a label mean: classes, regions that share voxels, and voxels that do not count."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from functools import cached_property
from typing import Any

import numpy as np

IGNORED = 255  # index of a voxel that is in no loss and no score
MOST_INDICES = 253  # above background; 254 is left for what a label map does not take


@dataclass(frozen=True)
class Labelling:
    """The meaning of label indices. Index 0 is background, ``IGNORED`` counts nowhere.

    Where no two classes share a voxel, class ``i`` is index ``i + 1`` and a network's output of that number. Where
    they do (whole tumour, core, enhancing part), an index is one of the values that the label files tell apart, each
    class is a set of indices, and output ``i + 1`` says for itself whether a voxel is in class ``i``.

    Attributes:
        classes: what is predicted and scored.
        members: for each class the indices that belong to it.
        values: the data set's own value of each index, background first; what predictions are written with.
        painted: for each class the index that a voxel of it gets; later classes paint over earlier ones.
    """

    classes: tuple[str, ...]
    members: tuple[tuple[int, ...], ...]
    values: tuple[int, ...]
    painted: tuple[int, ...]

    def __post_init__(self) -> None:
        known = range(1, len(self.values))
        if not self.classes or not len(self.classes) == len(self.members) == len(self.painted):
            raise ValueError(f"expected members and a painted index for each of {len(self.classes)} classes")
        if any(index not in known for indices in (*self.members, self.painted) for index in indices):
            raise ValueError(f"expected indices from 1 to {len(self.values) - 1} in {self.members} and {self.painted}")

    @classmethod
    def exclusive(cls, classes: Sequence[str], values: Sequence[int] | None = None) -> Labelling:
        """Classes that share no voxel; ``values``: those of the data, background first, else 0, 1, 2, ..."""
        numbers = range(1, 1 + len(classes))
        own = range(1 + len(classes)) if values is None else values
        return cls(tuple(classes), tuple((number,) for number in numbers), tuple(own), tuple(numbers))

    @property
    def regions(self) -> bool:
        """Whether classes are sets of indices that may share some."""
        return self.members != tuple((number,) for number in range(1, 1 + len(self.classes)))

    @cached_property
    def membership(self) -> np.ndarray:
        """Bool ``(classes, 256)``: whether a voxel of each index is in each class."""
        table = np.zeros((len(self.classes), 256), bool)
        for row, indices in zip(table, self.members, strict=True):
            row[list(indices)] = True
        return table

    def shown(self, counts: np.ndarray) -> list[str]:
        """The classes that a label with these voxels of each index shows; ``counts``: ``(256,)``."""
        present = counts > 0
        return [name for name, row in zip(self.classes, self.membership, strict=True) if present[row].any()]

    def to_values(self, label: np.ndarray) -> np.ndarray:
        """Indices to the data set's own values, in the smallest whole-number type that holds them."""
        smallest, largest = min(self.values), max(self.values)
        kinds = (np.uint8, np.uint16, np.int16, np.int32, np.int64)
        kind = next(k for k in kinds if np.iinfo(k).min <= smallest and largest <= np.iinfo(k).max)
        table = np.full(256, self.values[0], kind)
        table[: len(self.values)] = self.values
        return table[label]

    def to_dict(self) -> dict[str, Any]:
        data = asdict(self)
        return (
            data
            | {"members": [list(indices) for indices in self.members]}
            | {key: list(data[key]) for key in ("classes", "values", "painted")}
        )

    @classmethod
    def from_dict(cls, data: dict[str, Any]) -> Labelling:
        members = tuple(tuple(indices) for indices in data["members"])
        return cls(tuple(data["classes"]), members, tuple(data["values"]), tuple(data["painted"]))
