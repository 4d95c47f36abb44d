"""The signed-rank test, two-sided. Wilcoxon: Individual comparisons by ranking methods, Biometrics Bulletin 1(6), 1945,
https://doi.org/10.2307/3001968.

W = sum of the ranks of |d| over d > 0, and half of those over d = 0; without a difference each sign is as likely.

The p values are those of ``scipy.stats.wilcoxon(d, zero_method="zsplit")``, which takes a second to import.
"""

from __future__ import annotations

import math

import numpy as np

EXACT = 50  # differences up to which all signs are counted; beyond W is as good as normal
EXACT_TIED = 13  # the same where some are equal or 0


def signed_rank_p(differences: np.ndarray) -> float:
    """The p value of ``differences``, ``(cases,)``, at least one of which is not 0."""
    count = len(differences)
    _, place, ties = np.unique(np.abs(differences), return_inverse=True, return_counts=True)
    ranks = (np.cumsum(ties) - (ties - 1) / 2)[place]
    zero = differences == 0
    found = float(ranks[differences > 0].sum() + ranks[zero].sum() / 2)
    if count <= (EXACT_TIED if zero.any() or ties.max() > 1 else EXACT):
        return _exact(ranks[~zero], found - float(ranks[zero].sum()) / 2)
    middle = count * (count + 1) / 4
    variance = (count * (count + 1) * (2 * count + 1) - float((ties**3 - ties).sum()) / 2) / 24
    return math.erfc(abs(found - middle) / math.sqrt(2 * variance))


def _exact(ranks: np.ndarray, found: float) -> float:
    """Twice the share of all signs that give a sum of ``ranks`` at least as far out as ``found``."""
    shares = np.ones(1)  # of signs, by twice the sum: ranks of what is equal end with a half
    for step in np.rint(2 * ranks).astype(int).tolist():
        shares = (np.append(shares, np.zeros(step)) + np.append(np.zeros(step), shares)) / 2
    at = round(2 * found)
    return min(1.0, 2 * min(float(shares[: at + 1].sum()), float(shares[at:].sum())))
