"""Networks held against the plain one, case by case: how sure a difference is when several are looked at.

Wilcoxon: Individual comparisons by ranking methods, Biometrics Bulletin 1(6), 1945, https://doi.org/10.2307/3001968;
Holm: A simple sequentially rejective multiple test procedure, Scandinavian Journal of Statistics 6(2), 1979,
https://www.jstor.org/stable/4615733.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from scipy.special import ndtr, ndtri

from nas.evidence.bootstrap import LEVEL

POWER = 0.8  # with which a test at 1 - ``LEVEL`` finds a difference that is ``detectable``
LEAST = 6  # cases without which no p value can fall below 0.05
EXACT = 200  # cases; of more a sum of ranks is as good as normal


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
    half = ndtri((1 + LEVEL) / 2)
    error = (interval[1] - interval[0]) / (2 * half)
    return float((half + ndtri(POWER)) * error)


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


def signed_rank(differences: np.ndarray) -> float:
    """Two-sided p value of Wilcoxon's signed-rank test of ``(cases,)``.

    Equal sizes share their mean rank; zeros keep theirs and speak for neither side (Pratt, Journal of the American
    Statistical Association 54, 1959, https://doi.org/10.1080/01621459.1959.10501526). It is exact, whatever is equal,
    up to ``EXACT`` cases: the share of all choices of signs whose sum of ranks lies as far from the middle.
    """
    _, places, counts = np.unique(np.abs(differences), return_inverse=True, return_counts=True)
    ranks = (2 * np.cumsum(counts) - counts + 1)[places]  # twice the rank: whole numbers
    ranks, signs = ranks[differences != 0], np.sign(differences[differences != 0])
    away = abs(float(signs @ ranks))
    if not away:
        return 1.0
    if len(differences) > EXACT:
        return float(2 * ndtr(-away / np.sqrt((ranks.astype(float) ** 2).sum())))
    total = int(ranks.sum())
    chances = np.zeros(total + 1)  # of each sum of those that are positive
    chances[0] = 1.0
    for rank in ranks.tolist():
        chances[rank:] += chances[:-rank].copy()
        chances /= 2
    return float(min(2 * chances[round((total + away) / 2) :].sum(), 1.0))
