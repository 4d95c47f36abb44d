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
BURN, APART = 100, 20  # steps of a random walk before the first draw, and from one draw to the next
WALK = 0.5  # log-deviations of the prior that a step goes: about a quarter of them are taken
WITHIN = 5.0  # log-deviations of its prior that a scale may lie off: a step beyond leaves matrices that have no inverse

Scales = Mapping[str, float]


def learn_scales(seen: Observations, earlier: Earlier | None = None, most: int = AT_MOST) -> Scales:
    """The scales by name; with hardly any observation those of the prior.

    Args:
        seen: observations.
        earlier: what other runs say.
        most: architectures that they are learnt from, evenly drawn from all.
    """
    return _Likelihood(seen, earlier, most).likeliest()


def draw_scales(seen: Observations, count: int, rng: np.random.Generator) -> list[Scales]:
    """``count`` draws of the scales given few observations, which leave open what is noise and what effects.

    By a random walk (Metropolis et al., Journal of Chemical Physics 21(6), 1953, https://doi.org/10.1063/1.1699114)
    from the likeliest ones.
    """
    return _Likelihood(seen, None, len(seen)).draws(count, rng)


class _Likelihood:
    """How well scales explain observations, and how likely they were before; see ``learn_scales``."""

    def __init__(self, seen: Observations, earlier: Earlier | None, most: int) -> None:
        self.names = (*GROUPS, *(["earlier"] if earlier else []), "rest", "noise")
        self.medians = np.log([PRIORS[name][0] for name in self.names])
        self.widths = np.array([PRIORS[name][1] for name in self.names])
        chosen = seen.spread(most)
        columns = columns_of(chosen.rows)
        design = matrix_of(chosen.rows, columns).toarray()
        groups = np.array([GROUPS.index(group) for group, _ in columns])
        blocks = [design[:, groups == index] for index in range(len(GROUPS))]
        self.grams = np.stack([block @ block.T for block in blocks])
        scores = chosen.scores
        if earlier:
            said = earlier.of_rows(chosen.rows)
            self.grams = np.concatenate([self.grams, [said @ said.T]])
            scores = scores - said @ earlier.expected
        self.scores = scores - np.average(scores, weights=chosen.trials)
        self.shares = 1 / chosen.trials

    def loss(self, log_scales: np.ndarray) -> tuple[float, np.ndarray]:
        """Less the log of the density, and its gradient."""
        variances = np.exp(2 * log_scales)
        factor = self._factor(variances)
        inverse = inverse_of(factor)
        solved = inverse @ self.scores
        slope = inverse - np.outer(solved, solved)
        gradient = np.append(np.tensordot(self.grams, slope, 2), [np.trace(slope), np.diag(slope) @ self.shares])
        away = (log_scales - self.medians) / self.widths
        value = 0.5 * self.scores @ solved + np.log(np.diag(factor)).sum() + 0.5 * away @ away
        return float(value), gradient * variances + away / self.widths

    def value(self, log_scales: np.ndarray) -> float:
        """``loss`` alone, for less."""
        factor = self._factor(np.exp(2 * log_scales))
        solved = scipy.linalg.solve_triangular(factor, self.scores, lower=True, check_finite=False)
        away = (log_scales - self.medians) / self.widths
        return float(0.5 * solved @ solved + np.log(np.diag(factor)).sum() + 0.5 * away @ away)

    def _factor(self, variances: np.ndarray) -> np.ndarray:
        """Of the covariance of scores: lower triangular, times itself, transposed, it is that."""
        kernel = np.tensordot(variances[:-2], self.grams, 1) + LEVEL**2
        kernel[np.diag_indices_from(kernel)] += variances[-2] + variances[-1] * self.shares
        return np.asarray(scipy.linalg.cholesky(kernel, lower=True, check_finite=False))

    def likeliest(self) -> Scales:
        return self._named(self._highest())

    def draws(self, count: int, rng: np.random.Generator) -> list[Scales]:
        here = self._highest()
        value, found = self.value(here), []
        for step in range(BURN + count * APART):
            there = here + WALK * self.widths * rng.standard_normal(len(here))
            if (np.abs(there - self.medians) < WITHIN * self.widths).all():
                reached = self.value(there)
                if np.log(rng.random()) < value - reached:
                    here, value = there, reached
            if step >= BURN and (step - BURN) % APART == APART - 1:
                found.append(self._named(here))
        return found

    def _highest(self) -> np.ndarray:
        bounds = list(zip(self.medians - WITHIN * self.widths, self.medians + WITHIN * self.widths, strict=True))
        return np.asarray(
            scipy.optimize.minimize(
                self.loss, self.medians, jac=True, method="L-BFGS-B", bounds=bounds, options={"maxiter": ROUNDS}
            ).x
        )

    def _named(self, log_scales: np.ndarray) -> Scales:
        return dict(zip(self.names, np.exp(log_scales).tolist(), strict=True))
