"""The ``dataset.json`` that the Medical Segmentation Decathlon and nnU-Net both have."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from evaluators.tasks.labels import BACKGROUND, ClassRules
from search_spaces.errors import InputError

FILE = "dataset.json"


def find(path: Path) -> Path:
    """The description at ``path``: the file itself, or the one in the folder."""
    return path / FILE if path.is_dir() else path


def exists(path: Path) -> bool:
    """Whether there is a ``dataset.json`` at ``path``."""
    return find(path).name == FILE and find(path).is_file()


def load(path: Path) -> dict[str, Any]:
    """The description at ``path``; raises ``InputError`` when it is no JSON object."""
    file = find(path)
    try:
        description = json.loads(file.read_text(encoding="utf-8-sig"))
    except (OSError, ValueError) as error:
        raise InputError(f"{file}: cannot be read as JSON ({error})") from error
    if not isinstance(description, dict):
        raise InputError(f"{file}: expected an object, got {type(description).__name__}")
    return description


def class_rules(labels: object, file: Path) -> ClassRules:
    """Class names and values of the entry ``labels``, by value; both spellings, ``{"1": name}`` and ``{name: 1}``.

    Raises:
        InputError: an entry that is neither, and nnU-Net's ``ignore`` label and overlapping regions, which
            no class map can express.
    """
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
    if "ignore" in rules:
        raise InputError(
            f"{file}: labels: an 'ignore' label is not supported; give classes, with its value under background"
        )
    named = {BACKGROUND if name.lower() == BACKGROUND else name: rule for name, rule in rules.items()}
    listed = [value for rule in named.values() for value in (rule if isinstance(rule, list) else [rule])]
    if len(set(listed)) < len(listed):
        raise InputError(f"{file}: labels: regions that overlap are not supported; give classes that share no value")
    return dict(sorted(named.items(), key=lambda item: min(item[1]) if isinstance(item[1], list) else item[1]))


def _values(value: object) -> int | list[int]:
    if isinstance(value, list) and value:
        return [int(str(item)) for item in value]
    return int(str(value))
