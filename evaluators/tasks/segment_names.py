"""Segmentations that name their segments: a name counts, and not the number that it has in one file."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from itertools import count
from pathlib import Path

import numpy as np

from evaluators.tasks.faults import raise_faults
from evaluators.tasks.label_map import LabelMap
from search_spaces.errors import InputError


def by_name(label: np.ndarray, names: Mapping[int, str], labels: LabelMap, file: Path) -> np.ndarray:
    """``label`` with the values that ``labels`` has for the classes that its segments are named after.

    Upper and lower case are one. As it is where no segment has the name of a class. Raises ``InputError`` for a segment
    that is neither a class nor, by its value, background.
    """
    values = labels.named
    names = {value: called(name, values) for value, name in names.items()}
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


def called(name: str, known: Iterable[str]) -> str:
    """The one of ``known`` that ``name`` means, whatever the case of its letters; else ``name``."""
    if name in known:
        return name
    alike = [other for other in known if other.strip().casefold() == name.strip().casefold()]
    return alike[0] if len(alike) == 1 else name


def check_numbers(files: Mapping[Path, Mapping[int, str]], labels: LabelMap) -> list[str]:
    """Notes on files whose segments are named like no class, so that their numbers count.

    Raises:
        InputError: one of those names has different numbers in two of the files, so that no number means anything.
    """
    values = labels.named
    nameless = {
        file: names
        for file, names in files.items()
        if names and not any(called(n, values) in values for n in names.values())
    }
    first: dict[str, tuple[int, Path]] = {}
    faults: dict[str, str] = {}
    for file, names in nameless.items():
        for value, name in names.items():
            number, where = first.setdefault(name.strip().casefold(), (value, file))
            if number != value:
                faults.setdefault(
                    name.strip().casefold(),
                    f"{file}: the segment '{name}' is none of the classes {', '.join(labels.classes)}, and its number "
                    f"is {value} here but {number} in {where}",
                )
    raise_faults(list(faults.values()))
    if not nameless:
        return []
    file, name = next((file, name) for file, names in nameless.items() for name in names.values())
    count = f"{len(nameless)} of {len(files)} labels"
    return [f"the segments of {count} are named like no class ('{name}' in {file}): their numbers count"]


def classes_of(files: Iterable[Mapping[int, str]]) -> dict[str, int]:
    """A class for each name that a file has, with the value that the name has in the first, or a free one.

    Names that differ in the case of their letters alone are one, as the first file spells it.
    """
    classes: dict[str, int] = {}
    for names in files:
        for value, name in sorted(names.items()):
            if called(name, classes) not in classes:
                free = (number for number in count(1) if number not in classes.values())
                classes[name] = value if value and value not in classes.values() else next(free)
    return classes
