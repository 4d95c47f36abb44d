"""How sure a mean Dice is: bootstrap intervals over cases and seeds. Efron: Annals of Statistics 7(1), 1979,
https://doi.org/10.1214/aos/1176344552; both factors resampled at once: Owen, Annals of Applied Statistics 1(2), 2007,
https://doi.org/10.1214/07-AOAS122.

A table of scores is an array ``(seeds, cases, classes)`` with nan where there is no score.
"""

from __future__ import annotations

import functools
from collections.abc import Sequence

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
    mean = _means(table, np.ones((1, table.shape[1])), np.ones((1, table.shape[0])))[0]
    return None if np.isnan(mean) else float(mean)


def bootstrap_interval(table: np.ndarray) -> tuple[float, float] | None:
    """95% percentile interval of ``table_mean`` over resampled cases and, where there are several, seeds.

    With one seed it says nothing of the spread between seeds. None with fewer than two cases that have a score:
    resampling one case would claim certainty.
    """
    means = resampled_means(table)
    return None if means is None else central(means)


def paired_interval(differences: np.ndarray, deviation: float, freedom: float) -> tuple[float, float] | None:
    """95% interval of ``table_mean`` of paired differences, over resampled cases and all trainings there might be.

    Two or three seeds are too few to be resampled: an interval that rests on them alone leaves out the truth three
    times as often as it says. What trainings differ by is told by all networks together, see ``learn_noise``.

    Args:
        differences: table of one network's scores less another's with the same seed.
        deviation: of the difference of two trainings.
        freedom: degrees of freedom that it is known with.
    """
    means = resampled_cases(differences)
    return None if means is None else central(means + deviation / len(differences) ** 0.5 * _student(freedom))


@functools.lru_cache(maxsize=64)
def _student(freedom: float) -> np.ndarray:
    """Draws of Student's distribution, ``(resamples,)``, always the same."""
    return np.random.default_rng(2).standard_t(freedom, RESAMPLES)


def central(draws: np.ndarray) -> tuple[float, float]:
    """The middle 95% of draws; nan among them counts for nothing."""
    tail = (1 - LEVEL) / 2
    low, high = np.quantile(draws[~np.isnan(draws)], [tail, 1 - tail])
    return float(low), float(high)


def resampled_means(table: np.ndarray) -> np.ndarray | None:
    """``table_mean`` over each resample, ``(resamples,)``; None with fewer than two cases that have a score.

    Tables of as many cases and seeds are resampled alike, so that what they give can be paired.
    """
    table = _scored(table)
    seeds, cases, _ = table.shape
    return _means(table, resamples(cases, 0), resamples(seeds, 1)) if cases > 1 else None


def resampled_cases(table: np.ndarray) -> np.ndarray | None:
    """``resampled_means`` with the seeds as they are."""
    table = _scored(table)
    seeds, cases, _ = table.shape
    return _means(table, resamples(cases, 0), np.ones((RESAMPLES, seeds))) if cases > 1 else None


def off_by_case(table: np.ndarray) -> np.ndarray | float:
    """By how much each resample of the cases changes the mean, ``(resamples,)``; 0 with fewer than two cases."""
    means = resampled_cases(table)
    return 0.0 if means is None else np.nan_to_num(means - np.nanmean(means))


def _scored(table: np.ndarray) -> np.ndarray:
    """The cases that have a score."""
    return table[:, ~np.isnan(table).all(axis=(0, 2))]


@functools.lru_cache(maxsize=64)
def resamples(count: int, seed: int) -> np.ndarray:
    """How often each of ``count`` things is drawn in each resample, ``(resamples, count)``; always the same draws."""
    rng = np.random.default_rng((seed, count))
    return rng.multinomial(count, np.full(count, 1 / count), size=RESAMPLES).astype(float)


def _means(table: np.ndarray, case_weights: np.ndarray, seed_weights: np.ndarray) -> np.ndarray:
    """Weighted ``table_mean`` of each resample: weights ``(resamples, cases)`` and ``(resamples, seeds)``."""
    seeds, cases, classes = table.shape
    shape = (len(case_weights), seeds, classes)
    columns = table.transpose(1, 0, 2).reshape(cases, seeds * classes)
    scored = ~np.isnan(columns)
    sums, counts = case_weights @ np.where(scored, columns, 0), case_weights @ scored
    by_class = np.divide(sums, counts, out=np.zeros_like(sums), where=counts > 0).reshape(shape)
    present = (counts > 0).reshape(shape).sum(axis=2)
    by_seed = np.divide(by_class.sum(axis=2), present, out=np.zeros(present.shape), where=present > 0)
    weights = seed_weights * (present > 0)
    total = weights.sum(axis=1)
    return np.divide((by_seed * weights).sum(axis=1), total, out=np.full(total.shape, np.nan), where=total > 0)
