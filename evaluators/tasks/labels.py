"""From stored label values to class indices: ``{polyp: '127<'}``, ``{cell: [255, 1]}``, ``{nucleus: instances}``."""

from __future__ import annotations

import math
import operator
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from evaluators.tasks.faults import raise_faults
from search_spaces.errors import InputError

ClassRules = Mapping[str, int | list[int] | str]

BACKGROUND = "background"
INSTANCES = "instances"
OUTSIDE = 255  # index of a value that no rule takes
MOST_CLASSES = 254
TABLE_LIMIT = 1 << 16

_COMPARE: dict[str, Callable[[np.ndarray, float], np.ndarray]] = {
    "<": operator.lt,
    "<=": operator.le,
    ">": operator.gt,
    ">=": operator.ge,
}
_MIRROR = {"<": ">", "<=": ">=", ">": "<", ">=": "<="}
_NUMBER = r"[-+]?\d+(?:\.\d*)?"
_THRESHOLD = re.compile(rf"(?:({_NUMBER})\s*(<=|>=|<|>)|(<=|>=|<|>)\s*({_NUMBER}))")


@dataclass(frozen=True)
class Threshold:
    """The values for which ``value <sign> bound`` holds."""

    sign: str
    bound: float

    def holds(self, values: np.ndarray) -> np.ndarray:
        return _COMPARE[self.sign](values, self.bound)

    def __str__(self) -> str:
        return f"{self.sign}{self.bound:g}"


@dataclass(frozen=True)
class LabelMap:
    """Maps stored values to class indices. Build it with ``parse_classes``.

    Attributes:
        classes: names of the foreground classes; class ``i`` has index ``i + 1``.
        values: stored value to index.
        thresholds: rule and index; they take what ``values`` does not.
        instances: index of every non-zero value that nothing else takes, or ``None``.
        background_rest: whether what no rule takes is background rather than a fault.
    """

    classes: tuple[str, ...]
    values: Mapping[int, int]
    thresholds: tuple[tuple[Threshold, int], ...] = ()
    instances: int | None = None
    background_rest: bool = False

    def apply(self, label: np.ndarray, file: Path | str) -> np.ndarray:
        """Class indices, uint8, of the stored values ``label``; ``file`` names it in messages.

        Raises:
            InputError: values that are no whole numbers (and no threshold asks for them), or outside the map.
        """
        if label.dtype == bool:
            label = label.astype(np.uint8)
        if not np.issubdtype(label.dtype, np.integer):
            label = self._whole_numbers(label, file)
        low, high = label.min(), label.max()
        if np.issubdtype(label.dtype, np.integer) and int(high) - int(low) < TABLE_LIMIT:
            table = self._index(np.arange(int(low), int(high) + 1))
            mapped = table[label.astype(np.intp) - int(low)]
        else:
            mapped = self._index(label)
        if (mapped == OUTSIDE).any():
            found = np.unique(label[mapped == OUTSIDE])
            hint = "" if 0 in self.values.values() else f" (and '{BACKGROUND}' with its own values)"
            raise InputError(f"{file}: label values {_few(found)} are outside the class map; expected {self}{hint}")
        return mapped

    def _whole_numbers(self, label: np.ndarray, file: Path | str) -> np.ndarray:
        if not np.isfinite(label).all():
            raise InputError(f"{file}: the label holds NaN or infinite values")
        whole = np.rint(label)
        if (whole == label).all() and np.abs(label).max(initial=0) < 2**31:
            return whole.astype(np.int64)
        if self.thresholds:
            return label
        broken = np.unique(label[whole != label])
        raise InputError(
            f"{file}: label values {_few(broken)} are no whole numbers, as in an interpolated or probability map; "
            f"expected {self}"
        )

    def _index(self, values: np.ndarray) -> np.ndarray:
        index = np.full(values.shape, 0 if self.background_rest else OUTSIDE, dtype=np.uint8)
        if self.instances is not None:
            index[values != 0] = self.instances
        for threshold, target in self.thresholds:
            index[threshold.holds(values)] = target
        for value, target in self.values.items():
            index[values == value] = target
        return index

    def __str__(self) -> str:
        parts = []
        for index, name in enumerate((BACKGROUND, *self.classes)):
            rules = [str(value) for value, target in self.values.items() if target == index]
            rules += [str(threshold) for threshold, target in self.thresholds if target == index]
            rules += ["any other but 0"] * (self.instances == index)
            if rules:
                parts.append(f"{name} {' or '.join(rules)}")
        return ", ".join(parts)


def parse_classes(classes: ClassRules) -> LabelMap:
    """The map that ``classes`` describes: name to a value, a list of values, a threshold, or ``instances``.

    A threshold is written ``127<`` or ``>127`` (both: value > 127), ``127<=``, ``>=128``, and so on; what it
    does not take is background. ``instances`` takes every non-zero value that nothing else takes.
    The name ``background`` gives the background its values, with the same grammar; without it, it is 0.

    Raises:
        InputError: every rule that cannot be read, and every value that two classes claim.
    """
    if not isinstance(classes, Mapping) or not any(name != BACKGROUND for name in classes):
        raise InputError(f"classes: expected at least one class name with its label values, got {classes!r}")
    names = tuple(name for name in classes if name != BACKGROUND)
    if len(names) > MOST_CLASSES:
        raise InputError(f"classes: expected at most {MOST_CLASSES}, got {len(names)}")
    values: dict[int, int] = {}
    thresholds: list[tuple[Threshold, int]] = []
    instances: int | None = None
    faults: list[str] = []
    for name, rule in classes.items():
        index = 0 if name == BACKGROUND else names.index(name) + 1
        if not isinstance(name, str) or not name.strip():
            faults.append(f"classes: expected names as text, got {name!r}")
        elif rule == INSTANCES and index and instances is None:
            instances = index
        elif rule == INSTANCES:
            faults.append(f"classes.{name}: only one foreground class can be '{INSTANCES}'")
        elif threshold := _threshold(rule):
            thresholds.append((threshold, index))
        elif whole := _whole_values(rule):
            for value in whole:
                if values.setdefault(value, index) != index:
                    faults.append(f"classes.{name}: value {value} already belongs to '{_name(names, values[value])}'")
        else:
            faults.append(
                f"classes.{name}: expected a whole number, a list of them, a threshold such as '127<', "
                f"or '{INSTANCES}', got {rule!r}"
            )
    faults += _overlaps(names, values, thresholds)
    raise_faults(faults)
    if BACKGROUND not in classes and not any(threshold.holds(np.array(0)) for threshold, _ in thresholds):
        values.setdefault(0, 0)
    rest = bool(thresholds) and BACKGROUND not in classes
    return LabelMap(names, values, tuple(thresholds), instances, rest)


def _threshold(rule: object) -> Threshold | None:
    match = _THRESHOLD.fullmatch(rule.strip()) if isinstance(rule, str) else None
    if match is None:
        return None
    left, after, before, right = match.groups()
    return Threshold(_MIRROR[after], float(left)) if left else Threshold(before, float(right))


def _whole_values(rule: object) -> list[int]:
    values = rule if isinstance(rule, (list, tuple)) else [rule]
    whole = [value for value in values if isinstance(value, int) and not isinstance(value, bool)]
    return whole if len(whole) == len(values) else []


def _overlaps(names: tuple[str, ...], values: Mapping[int, int], thresholds: list[tuple[Threshold, int]]) -> list[str]:
    faults = []
    for position, (threshold, index) in enumerate(thresholds):
        for value, other in values.items():
            if other != index and threshold.holds(np.array(value)):
                faults.append(
                    f"classes.{_name(names, index)}: {threshold} also takes {value} of '{_name(names, other)}'"
                )
        for second, other in thresholds[:position]:
            bounds = (threshold.bound, second.bound)
            edges = [edge for bound in bounds for edge in (math.floor(bound), math.ceil(bound))]
            near = np.array([edge + step for edge in edges for step in (-1, 0, 1)])
            if (threshold.holds(near) & second.holds(near)).any():
                faults.append(
                    f"classes.{_name(names, index)}: {threshold} and {second} of '{_name(names, other)}' overlap"
                )
    return faults


def _name(names: tuple[str, ...], index: int) -> str:
    return names[index - 1] if index else BACKGROUND


def _few(values: np.ndarray, limit: int = 6) -> str:
    shown = ", ".join(f"{value:g}" for value in values[:limit].tolist())
    return shown + (f", ... ({len(values)} values)" if len(values) > limit else "")
