"""How large effects and noise are, learnt from the scores: the scales of the highest posterior density.

Each scale has a log-normal prior; the likelihood is the marginal one, weights integrated out.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import scipy.linalg
import scipy.optimize

from nas.evidence.training_noise import NOISE
from nas.surrogate.cholesky import inverse_of
from nas.surrogate.earlier import Earlier
from nas.surrogate.features import GROUPS
from nas.surrogate.observations import Observations, columns_of, matrix_of

# Median and log-deviation of the prior of each scale, in Dice: those of the groups, of what is no group last.
PRIORS: Mapping[str, tuple[float, float]] = {
    "size": (0.03, 1.0),
    "bump": (0.02, 1.0),
    "option": (0.005, 1.0),
    "host": (0.003, 1.0),
    "count": (0.003, 1.0),
    "mechanism": (0.002, 1.0),
    "kind": (0.003, 1.0),
    "slot": (0.006, 0.7),
    "setting": (0.001, 0.7),
    "earlier": (0.5, 0.7),  # no Dice: a share of what earlier runs say
    "rest": (0.003, 0.7),
    "noise": (NOISE, 0.7),
}
LEVEL = 0.1  # deviation of the level from the mean score; a few trials tell it
AT_MOST = 128  # architectures that scales are learnt from, while a search waits
ROUNDS = 30  # of the optimiser
WITHIN = 5.0  # log-deviations of its prior that a scale may lie off: a step beyond leaves matrices that have no inverse

Scales = Mapping[str, float]


def learn_scales(seen: Observations, earlier: Earlier | None = None, most: int = AT_MOST) -> Scales:
    """The scales by name; with hardly any observation those of the prior.

    Args:
        seen: observations.
        earlier: what other runs say.
        most: architectures that they are learnt from, evenly drawn from all.
    """
    names = (*GROUPS, *(["earlier"] if earlier else []), "rest", "noise")
    medians = np.log([PRIORS[name][0] for name in names])
    widths = np.array([PRIORS[name][1] for name in names])
    chosen = seen.take(np.unique(np.linspace(0, len(seen) - 1, most).round().astype(int)).tolist())
    columns = columns_of(chosen.rows)
    design = matrix_of(chosen.rows, columns).toarray()
    groups = np.array([GROUPS.index(group) for group, _ in columns])
    blocks = [design[:, groups == index] for index in range(len(GROUPS))]
    grams = np.stack([block @ block.T for block in blocks])
    scores = chosen.scores
    if earlier:
        said = earlier.of_rows(chosen.rows)
        grams = np.concatenate([grams, [said @ said.T]])
        scores = scores - said @ earlier.expected
    scores = scores - np.average(scores, weights=chosen.trials)
    shares = 1 / chosen.trials

    def loss(log_scales: np.ndarray) -> tuple[float, np.ndarray]:
        variances = np.exp(2 * log_scales)
        kernel = np.tensordot(variances[:-2], grams, 1) + LEVEL**2
        kernel[np.diag_indices_from(kernel)] += variances[-2] + variances[-1] * shares
        factor = scipy.linalg.cholesky(kernel, lower=True, check_finite=False)
        inverse = inverse_of(factor)
        solved = inverse @ scores
        slope = inverse - np.outer(solved, solved)
        gradient = np.append(np.tensordot(grams, slope, 2), [np.trace(slope), np.diag(slope) @ shares])
        away = (log_scales - medians) / widths
        value = 0.5 * scores @ solved + np.log(np.diag(factor)).sum() + 0.5 * away @ away
        return float(value), gradient * variances + away / widths

    bounds = list(zip(medians - WITHIN * widths, medians + WITHIN * widths, strict=True))
    found = scipy.optimize.minimize(
        loss, medians, jac=True, method="L-BFGS-B", bounds=bounds, options={"maxiter": ROUNDS}
    )
    return dict(zip(names, np.exp(found.x).tolist(), strict=True))
