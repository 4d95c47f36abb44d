"""Segmentations that name their segments: a name counts, and not the number that it has in one file."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from itertools import count
from pathlib import Path

import numpy as np

from evaluators.tasks.label_map import LabelMap
from search_spaces.errors import InputError


def by_name(label: np.ndarray, names: Mapping[int, str], labels: LabelMap, file: Path) -> np.ndarray:
    """``label`` with the values that ``labels`` has for the classes that its segments are named after.

    As it is where no segment has the name of a class. Raises ``InputError`` for a segment that is neither a class nor,
    by its value, background.
    """
    values = labels.named
    if not any(name in values for name in names.values()):
        return label
    renamed = np.zeros_like(label, dtype=np.int64)
    for value, name in names.items():
        own = label == value
        if name in values:
            renamed[own] = values[name]
        elif own.any() and labels.index(np.array(value)) != 0:
            raise InputError(f"{file}: the segment '{name}' is none of the classes {', '.join(labels.classes)}")
        else:
            renamed[own] = value
    return renamed


def classes_of(files: Iterable[Mapping[int, str]]) -> dict[str, int]:
    """A class for each name that a file has, with the value that the name has in the first, or a free one."""
    classes: dict[str, int] = {}
    for names in files:
        for value, name in sorted(names.items()):
            if name not in classes:
                free = (number for number in count(1) if number not in classes.values())
                classes[name] = value if value and value not in classes.values() else next(free)
    return classes
