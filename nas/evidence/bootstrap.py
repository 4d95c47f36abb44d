"""How sure a mean Dice is: over cases by the bootstrap, over trainings by what is learnt of their spread.

Efron: Annals of Statistics 7(1), 1979, https://doi.org/10.1214/aos/1176344552; made wider where there are few cases:
Hesterberg: The American Statistician 69(4), 2015, https://doi.org/10.1080/00031305.2015.1089789.

A table of scores is an array ``(seeds, cases, classes)`` with nan where there is no score.
"""

from __future__ import annotations

import functools
from collections.abc import Sequence
from statistics import NormalDist

import numpy as np

from evaluators.scoring import CaseScores

RESAMPLES = 2000
LEVEL = 0.95


def score_table(seeds: Sequence[CaseScores], cases: Sequence[str], classes: Sequence[str]) -> np.ndarray:
    """The table ``(seeds, cases, classes)`` of the given cases and classes."""
    values = [[[scores.get(case, {}).get(name) for name in classes] for case in cases] for scores in seeds]
    return np.array(values, dtype=float).reshape(len(seeds), len(cases), len(classes))  # None becomes nan


def table_mean(table: np.ndarray) -> float | None:
    """Mean over seeds of ``evaluators.scoring.mean_score``; None when the table holds no score."""
    mean = _means(table, np.ones((1, table.shape[1])))[0]
    return None if np.isnan(mean) else float(mean)


def mean_interval(table: np.ndarray, deviation: float, freedom: float) -> tuple[float, float] | None:
    """95% interval of ``table_mean`` over cases and all trainings there might be.

    Two or three seeds are too few to be resampled: an interval that rests on them alone leaves out the truth three
    times as often as it says. What trainings differ by is told by all networks together, see ``learn_noise``. None
    with fewer than two cases that have a score: one case says nothing of others.

    Args:
        table: scores of a network, or those less another's with the same seed.
        deviation: of one training, or of the difference of two.
        freedom: degrees of freedom that it is known with.
    """
    mean = table_mean(table)
    if mean is None or _scored(table).shape[1] < 2:
        return None
    return central(mean + off_by_case(table) + deviation / len(table) ** 0.5 * _student(freedom))


@functools.lru_cache(maxsize=64)
def _student(freedom: float) -> np.ndarray:
    """Draws of Student's distribution, ``(resamples,)``, always the same."""
    return np.random.default_rng(2).standard_t(freedom, RESAMPLES)


def central(draws: np.ndarray) -> tuple[float, float]:
    """The middle 95% of draws; nan among them counts for nothing."""
    tail = (1 - LEVEL) / 2
    low, high = np.quantile(draws[~np.isnan(draws)], [tail, 1 - tail])
    return float(low), float(high)


def resampled_cases(table: np.ndarray) -> np.ndarray:
    """``table_mean`` over each resample of the cases that have a score, ``(resamples,)``.

    Tables of as many cases are resampled alike, so that what they give can be paired.
    """
    table = _scored(table)
    return _means(table, resamples(table.shape[1], 0))


def off_by_case(table: np.ndarray) -> np.ndarray:
    """How far the mean over these cases may lie from that over all, ``(resamples,)``; 0 with fewer than two cases.

    Resamples of few cases differ too little: of ``n`` by ``sqrt(n / (n - 1))``, and as if the spread of cases were
    known. So they are drawn apart until their middle 95% are as wide as Student's.
    """
    cases = _scored(table).shape[1]
    if cases < 2:
        return np.zeros(RESAMPLES)
    means = resampled_cases(table)
    wider = (cases / (cases - 1)) ** 0.5 * student_quantile(cases - 1) / NormalDist().inv_cdf((1 + LEVEL) / 2)
    return np.asarray(wider * (means - means.mean()))


@functools.lru_cache(maxsize=64)
def student_quantile(freedom: int) -> float:
    """What 2.5 % of Student's distribution lie above.

    It is that of ``sqrt(freedom) tan(a)``, where ``a`` has a density of ``cos(a) ** (freedom - 1)``. scipy takes longer
    to import than all else that a front needs.
    """
    angles = np.linspace(0, np.pi / 2, 200_001)
    density = np.cos(angles) ** (freedom - 1)
    reached = np.cumsum(density) - (density[0] + density) / 2  # by trapezia
    return float(freedom**0.5 * np.tan(np.interp(LEVEL * reached[-1], reached, angles)))


def _scored(table: np.ndarray) -> np.ndarray:
    """The cases that have a score."""
    return table[:, ~np.isnan(table).all(axis=(0, 2))]


@functools.lru_cache(maxsize=64)
def resamples(count: int, seed: int) -> np.ndarray:
    """How often each of ``count`` things is drawn in each resample, ``(resamples, count)``; always the same draws."""
    rng = np.random.default_rng((seed, count))
    return rng.multinomial(count, np.full(count, 1 / count), size=RESAMPLES).astype(float)


def _means(table: np.ndarray, weights: np.ndarray) -> np.ndarray:
    """``table_mean`` with each case as often as ``weights`` ``(resamples, cases)`` say; nan where there is no score.

    Where a resample lost all cases of a class, the class has the mean of all its cases: a mean over fewer classes
    would be another number.
    """
    seeds, cases, classes = table.shape
    columns = table.transpose(1, 0, 2).reshape(cases, seeds * classes)
    scored = ~np.isnan(columns)
    filled = np.where(scored, columns, 0)
    of_all = _shares(filled.sum(axis=0), scored.sum(axis=0))
    sums, counts = weights @ filled, weights @ scored
    by_class = np.where(counts > 0, _shares(sums, counts), of_all).reshape(len(weights), seeds, classes)
    present = scored.any(axis=0).reshape(seeds, classes)
    by_seed = _shares(by_class.sum(axis=2), present.sum(axis=1))
    trained = present.any(axis=1)
    return by_seed[:, trained].mean(axis=1) if trained.any() else np.full(len(weights), np.nan)


def _shares(sums: np.ndarray, counts: np.ndarray) -> np.ndarray:
    """Their ratio, 0 where there is nothing to count."""
    return np.asarray(np.divide(sums, counts, out=np.zeros(sums.shape), where=counts > 0))
