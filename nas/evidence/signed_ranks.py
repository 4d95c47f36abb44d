"""The signed-rank test, exact whatever is equal.

Wilcoxon: Individual comparisons by ranking methods, Biometrics Bulletin 1(6), 1945, https://doi.org/10.2307/3001968.

``scipy.stats`` draws signs where differences are equal or 0, which takes seconds, and takes a second to import.
"""

from __future__ import annotations

import math

import numpy as np

EXACT = 200  # cases; of more a sum of ranks is as good as normal


def signed_rank(differences: np.ndarray) -> float:
    """Two-sided p value of ``(cases,)``.

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
        return math.erfc(away / math.sqrt(2 * float((ranks.astype(float) ** 2).sum())))
    total = int(ranks.sum())
    chances = np.zeros(total + 1)  # of each sum of those that are positive
    chances[0] = 1.0
    for rank in ranks.tolist():
        chances[rank:] += chances[:-rank].copy()
        chances /= 2
    return float(min(2 * chances[round((total + away) / 2) :].sum(), 1.0))
