"""Networks held against the plain one, case by case: how sure a difference is when several are looked at.

The test is that of ``signed_ranks``, and its p values are corrected for being several.
Holm: A simple sequentially rejective multiple test procedure, Scandinavian Journal of Statistics 6(2), 1979,
https://www.jstor.org/stable/4615733.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from statistics import NormalDist

import numpy as np

from nas.evidence.bootstrap import LEVEL
from nas.evidence.signed_ranks import signed_rank

POWER = 0.8  # with which a test at 1 - ``LEVEL`` finds a difference that is ``detectable``
LEAST = 6  # cases without which no p value can fall below 0.05


@dataclass(frozen=True)
class Comparison:
    """One network against the plain one.

    Attributes:
        p: of Wilcoxon's signed-rank test over cases, the mean of seeds and classes of each, two-sided, by Holm's
            correction over all networks compared; None with hardly any case. It speaks of these trainings: what others
            would give is in no test over cases, but in the interval.
        detectable: the smallest true difference that these cases and seeds would show in four of five such studies;
            None where it cannot be told.
    """

    p: float | None
    detectable: float | None


def compare(differences: Sequence[np.ndarray], intervals: Sequence[tuple[float, float] | None]) -> list[Comparison]:
    """Each network against the plain one.

    Args:
        differences: of each network a table ``(seeds, cases, classes)`` of Dice less the plain network's with the same
            seed and case, nan where there is none; an empty one for a network that is not compared.
        intervals: of the mean of each, None where there is none.
    """
    values = [_wilcoxon(table) for table in differences]
    corrected = holm([value for value in values if value is not None])
    left = iter(corrected)
    return [
        Comparison(None if value is None else next(left), None if interval is None else detectable(interval))
        for value, interval in zip(values, intervals, strict=True)
    ]


def holm(values: Sequence[float]) -> list[float]:
    """P values corrected for being several, in the same order."""
    corrected, reached = [1.0] * len(values), 0.0
    for place, index in enumerate(np.argsort(values, kind="stable").tolist()):
        reached = max(reached, min(1.0, values[index] * (len(values) - place)))
        corrected[index] = reached
    return corrected


def detectable(interval: tuple[float, float]) -> float:
    """The smallest true difference that would be found in four of five studies as sure as an interval tells."""
    quantile = NormalDist().inv_cdf
    half = quantile((1 + LEVEL) / 2)
    error = (interval[1] - interval[0]) / (2 * half)
    return (half + quantile(POWER)) * error


def by_case(table: np.ndarray) -> np.ndarray:
    """The mean over seeds and classes of each case that has one."""
    known = ~np.isnan(table)
    counts = known.sum(axis=(0, 2))
    sums = np.where(known, table, 0).sum(axis=(0, 2))
    return np.asarray(sums[counts > 0] / counts[counts > 0])


def _wilcoxon(table: np.ndarray) -> float | None:
    if not table.size:
        return None
    cases = by_case(table)
    return signed_rank(cases) if len(cases) >= LEAST else None
