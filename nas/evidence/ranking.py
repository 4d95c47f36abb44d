"""How alike two scores rank networks: Kendall's tau. Kendall, Biometrika 30, 1938,
https://doi.org/10.1093/biomet/30.1-2.81; with ties (tau-b) Biometrika 33, 1945, https://doi.org/10.1093/biomet/33.3.239

tau = (pairs in the same order - pairs in the other) / sqrt(pairs without a tie in x * pairs without a tie in y)
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np

from nas.evidence.bootstrap import LEVEL, resamples

Scores = Sequence[float] | np.ndarray  # one of each network


def kendall(first: Scores, second: Scores) -> float | None:
    """Tau-b of two scores of the same networks; None where one of them orders no two."""
    tau = _weighted(first, second, np.ones((1, len(first))))[0]
    return None if math.isnan(tau) else float(tau)


def kendall_interval(first: Scores, second: Scores) -> tuple[float, float] | None:
    """95% percentile interval of tau-b over resampled networks; None with fewer than three, and where there is no tau.

    It says nothing of the spread between seeds.
    """
    if len(first) < 3:
        return None
    taus = _weighted(first, second, resamples(len(first), 2))
    known = taus[~np.isnan(taus)]
    if not len(known):
        return None
    low, high = np.quantile(known, [(1 - LEVEL) / 2, (1 + LEVEL) / 2])
    return float(low), float(high)


def ceiling(scores: np.ndarray) -> float | None:
    """Mean over seeds of tau between one seed and the mean of the others, of ``(networks, seeds)``.

    What no estimate can be expected to exceed: so well one full training tells what others will find. None with one
    seed, and where a seed orders nothing.
    """
    seeds = scores.shape[1]
    if seeds < 2:
        return None
    taus = [kendall(scores[:, seed], np.delete(scores, seed, axis=1).mean(1)) for seed in range(seeds)]
    known = [tau for tau in taus if tau is not None]
    return sum(known) / len(known) if known else None


def _weighted(first: Scores, second: Scores, weights: np.ndarray) -> np.ndarray:
    """Tau-b with each network as often as ``weights`` ``(resamples, networks)`` say; nan where there is none."""
    one, other = (np.sign(np.subtract.outer(each, each)) for each in (np.asarray(first), np.asarray(second)))

    def pairs(of: np.ndarray) -> np.ndarray:
        total: np.ndarray = ((weights @ of) * weights).sum(1)
        return total

    untied = np.sqrt(pairs(one**2) * pairs(other**2))
    return np.divide(pairs(one * other), untied, out=np.full(len(weights), np.nan), where=untied > 0)
