"""What one class takes, as the user writes it: ``255``, ``[1, 4]``, ``"64..191"``, ``"127<"``.

A threshold is written ``127<`` or ``>127`` (both: value > 127), ``127<=``, ``>=128``, and so on. A range has both its
ends in. A list may hold ranges and thresholds too.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

import numpy as np

from evaluators.tasks.value_counts import TOLERANCE

GRAMMAR = "a whole number, a range such as '64..191', a threshold such as '127<', or a list of them"

_MIRROR = {"<": ">", "<=": ">=", ">": "<", ">=": "<="}
_NUMBER = r"[-+]?\d+(?:\.\d*)?"
_THRESHOLD = re.compile(rf"(?:({_NUMBER})\s*(<=|>=|<|>)|(<=|>=|<|>)\s*({_NUMBER}))")
_RANGE = re.compile(r"([-+]?\d+)\s*\.\.\s*([-+]?\d+)")


@dataclass(frozen=True)
class Span:
    """Stored values from ``low`` to ``high``, both in.

    Attributes:
        low, high: the ends; of whole numbers moved outwards by ``TOLERANCE``.
        text: as a user knows it.
        value: the one value, where it is one.
    """

    low: float
    high: float
    text: str
    value: int | None = None

    def holds(self, values: np.ndarray) -> np.ndarray:
        # 64 bits on both sides: in 32, 127 and what comes next are one
        return (values >= np.float64(self.low)) & (values <= np.float64(self.high))

    def meets(self, other: Span) -> bool:
        """Whether a whole number is in both."""
        return bool(np.ceil(max(self.low, other.low)) <= np.floor(min(self.high, other.high)))

    def within(self, other: Span) -> bool:
        return other.low <= self.low and self.high <= other.high


def parse_rule(rule: object) -> tuple[Span, ...]:
    """What ``rule`` takes; empty where it is none of ``GRAMMAR``."""
    parts = [_span(part) for part in rule] if isinstance(rule, (list, tuple)) else [_span(rule)]
    found = tuple(part for part in parts if part is not None)
    return found if len(found) == len(parts) else ()


def point(value: int) -> Span:
    """One whole number."""
    return Span(value - TOLERANCE, value + TOLERANCE, str(value), value)


def _span(part: object) -> Span | None:
    if isinstance(part, int) and not isinstance(part, bool):
        return point(part)
    text = part.strip() if isinstance(part, str) else ""
    if ends := _RANGE.fullmatch(text):
        low, high = int(ends[1]), int(ends[2])
        return Span(low - TOLERANCE, high + TOLERANCE, f"{low}..{high}") if low <= high else None
    if threshold := _THRESHOLD.fullmatch(text):
        left, after, before, right = threshold.groups()
        return _beyond(_MIRROR[after], float(left)) if left else _beyond(before, float(right))
    return None


def _beyond(sign: str, bound: float) -> Span:
    text = f"{sign}{bound:g}"
    away = float(np.inf if sign[0] == ">" else -np.inf)
    first = bound if sign.endswith("=") else float(np.nextafter(bound, away))
    return Span(first, away, text) if away > 0 else Span(away, first, text)
