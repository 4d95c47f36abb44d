"""Segmentations that name their segments: a name counts, and not the number that it has in one file."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import numpy as np

from evaluators.tasks.labels import LabelMap
from search_spaces.errors import InputError


def by_name(label: np.ndarray, names: Mapping[int, str], labels: LabelMap, file: Path) -> np.ndarray:
    """``label`` with the values that ``labels`` has for the classes that its segments are named after.

    As it is where no segment has the name of a class. Raises ``InputError`` for a segment that is neither a class nor,
    by its value, background.
    """
    values = {labels.classes[index - 1]: value for value, index in labels.values.items() if index}
    if not any(name in values for name in names.values()):
        return label
    renamed = np.zeros_like(label, dtype=np.int64)
    for value, name in names.items():
        own = label == value
        if name in values:
            renamed[own] = values[name]
        elif own.any() and labels.values.get(value) != 0:
            raise InputError(f"{file}: the segment '{name}' is none of the classes {', '.join(labels.classes)}")
        else:
            renamed[own] = value
    return renamed
