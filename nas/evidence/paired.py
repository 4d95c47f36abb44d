"""Networks held against others by case and seed: how far they are ahead, how sure that is, and the test."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from nas.evidence.bootstrap import table_mean
from nas.evidence.comparison import Comparison, compare
from nas.evidence.point import FrontPoint


@dataclass(frozen=True)
class Paired:
    """One network held against another.

    Attributes:
        gain: mean paired difference by case and seed; None where nothing can be paired.
        low, high: its 95% interval over cases and all trainings there might be.
        comparison: the test, corrected for all pairs that were compared together.
    """

    gain: float | None
    low: float | None
    high: float | None
    comparison: Comparison


def compare_pairs(pairs: Sequence[tuple[FrontPoint, FrontPoint]]) -> list[Paired]:
    """The first network of each pair against the second."""
    tables = [one.differences_to(other) for one, other in pairs]
    intervals = [one.interval_of(table, other.architecture) for (one, other), table in zip(pairs, tables, strict=True)]
    ends = [interval or (None, None) for interval in intervals]
    return [
        Paired(table_mean(table), low, high, comparison)
        for table, (low, high), comparison in zip(tables, ends, compare(tables, intervals), strict=True)
    ]
