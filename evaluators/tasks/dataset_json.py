"""The ``dataset.json`` that the Medical Segmentation Decathlon and nnU-Net both have."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from evaluators.files import file_called
from evaluators.tasks.label_map import LabelMap
from evaluators.tasks.labels import RESERVED, parse_classes
from evaluators.tasks.request import Request
from search_spaces.errors import InputError, InputErrors

FILE = "dataset.json"


def find(path: Path) -> Path:
    """The description at ``path``: the file itself, or the one in the folder."""
    return file_called(path, FILE) if path.is_dir() else path


def exists(path: Path) -> bool:
    """Whether there is a ``dataset.json`` at ``path``, or ``path`` is a JSON file of another name."""
    return find(path).suffix.lower() == ".json" and find(path).is_file()


def load(path: Path) -> dict[str, Any]:
    """The description at ``path``; raises ``InputError`` when it is no JSON object."""
    description = read_json(find(path))
    if not isinstance(description, dict):
        raise InputError(f"{find(path)}: expected an object, got {type(description).__name__}")
    return description


def read_json(file: Path) -> Any:
    """What a JSON file holds; raises ``InputError`` when it is none."""
    try:
        return json.loads(file.read_text(encoding="utf-8-sig"))
    except (OSError, ValueError) as error:
        raise InputError(f"{file}: cannot be read as JSON ({error})") from error


def label_map(description: Mapping[str, Any], file: Path, request: Request) -> LabelMap | None:
    """The classes of the entry ``labels``; both spellings, ``{"1": name}`` and ``{name: 1}``.

    As in nnU-Net, a class with several values makes all of them regions, in the order in which they are written.

    Args:
        description: with ``labels`` and, for regions, perhaps ``regions_class_order``.
        file: it is from, for messages.
        request: its ``regions_class_order`` wins; where it has ``classes``, those of ``labels`` are not looked at.

    Returns:
        None where the user gives the classes, or there is no such entry.

    Raises:
        InputError: an entry that is neither, and values that cannot be told apart.
    """
    if request.classes is not None or "labels" not in description:
        return None
    rules = _rules(description["labels"], file)
    regions = any(isinstance(rule, list) and name.lower() not in RESERVED for name, rule in rules.items())
    if not regions:
        rules = dict(sorted(rules.items(), key=lambda item: np.min(item[1])))
    order = request.regions_class_order or (_order(description, file) if regions else ())
    try:
        return parse_classes(rules, order, regions=regions)
    except InputError as error:
        raise InputErrors([f"{file}: {fault}" for fault in error.faults]) from None


def _order(description: Mapping[str, Any], file: Path) -> list[int]:
    order = description.get("regions_class_order") or []
    if not isinstance(order, list) or any(type(value) is not int for value in order):
        raise InputError(f"{file}: regions_class_order: expected a list of whole numbers, got {order!r}")
    return order


def _rules(labels: object, file: Path) -> dict[str, int | list[int]]:
    if not isinstance(labels, Mapping) or not labels:
        raise InputError(f"{file}: labels: expected names and values, got {labels!r}")
    try:
        if all(str(key).strip().isdigit() for key in labels):
            rules: dict[str, int | list[int]] = {str(name): int(str(value)) for value, name in labels.items()}
        else:
            rules = {str(name): _values(value) for name, value in labels.items()}
    except (TypeError, ValueError):
        raise InputError(f"{file}: labels: expected whole numbers as values, got {dict(labels)!r}") from None
    if len(rules) != len(labels):
        raise InputError(f"{file}: labels: a name is given to two values in {dict(labels)!r}")
    return rules


def _values(value: object) -> int | list[int]:
    if isinstance(value, list) and len(value) > 1:
        return [int(str(item)) for item in value]
    return int(str(value[0] if isinstance(value, list) and value else value))
