"""What observations say of any architecture: means, deviations, joint draws."""

from __future__ import annotations

import functools
from collections.abc import Sequence

import numpy as np
import scipy.linalg
from scipy import sparse

from nas.surrogate.cholesky import inverse_of
from nas.surrogate.earlier import Earlier
from nas.surrogate.features import Feature, Row
from nas.surrogate.observations import Observations, columns_of, matrix_of
from nas.surrogate.scales import LEVEL, Scales

LEVEL_FEATURE: Feature = ("level", None)  # of every architecture; how far the level lies from ``Posterior.offset``


class Posterior:
    """The weights given observations.

    Args:
        seen: the observations, at least one.
        scales: of weights and noise.
        pending: features of architectures that are being tried. Their scores are taken to come out as expected: what is
            like them becomes less unsure, and no mean changes.
        earlier: what other runs say.

    Attributes:
        offset: the mean score, which weights are added to.
    """

    def __init__(
        self, seen: Observations, scales: Scales, pending: Sequence[Row] = (), earlier: Earlier | None = None
    ) -> None:
        self.scales = scales
        self._earlier = earlier or Earlier()
        rows = [*seen.rows, *pending]
        self._columns = columns_of(rows)
        self._level = len(self._columns)
        of_earlier = [scales["earlier"] for _ in range(self._earlier.runs)]
        self._deviations = np.array([*(scales[group] for group, _ in self._columns), LEVEL, *of_earlier])
        noise = scales["rest"] ** 2 + scales["noise"] ** 2 / np.append(seen.trials, np.ones(len(pending)))
        self.offset = float(np.average(seen.scores, weights=seen.trials))
        whitened = sparse.diags(noise**-0.5) @ self._scaled(rows)
        known = _Ridge(whitened[: len(seen)])
        self._weights = known.mean((seen.scores - self._before(seen.rows)) * noise[: len(seen)] ** -0.5)
        self._ridge = _Ridge(whitened) if pending else known

    def predict(self, rows: Sequence[Row]) -> tuple[np.ndarray, np.ndarray]:
        """Mean and standard deviation, ``(rows,)`` each, of the score over all seeds of what has not been tried."""
        scaled = self._scaled(rows)
        unknown = np.array([self._unknown(row) for row in rows])
        variance = self._ridge.variance(scaled) + unknown + self.scales["rest"] ** 2
        return self._before(rows) + scaled @ self._weights, np.sqrt(variance)

    def of_tried(self, seen: Observations) -> np.ndarray:
        """Mean ``(observations,)`` of the score over all seeds of what has been tried."""
        means = self._before(seen.rows) + self._scaled(seen.rows) @ self._weights
        return np.asarray(means + self._trust(seen) * (seen.scores - means))

    def draws_of_tried(self, seen: Observations, count: int, rng: np.random.Generator) -> np.ndarray:
        """``(count, observations)`` joint draws of the scores over all seeds of what has been tried."""
        scaled = self._scaled(seen.rows)
        trust = self._trust(seen)
        weights = self._weights + self._ridge.draws(count, rng)
        by_features = self._before(seen.rows) + (scaled @ weights.T).T
        left = np.sqrt(self.scales["rest"] ** 2 * (1 - trust))
        drawn = by_features + trust * (seen.scores - by_features) + left * rng.standard_normal(by_features.shape)
        return np.asarray(drawn)

    def weights(self, features: Sequence[Feature]) -> tuple[np.ndarray, np.ndarray]:
        """Means ``(features,)`` and covariance ``(features, features)`` of the weights, of ``LEVEL_FEATURE`` too.

        What earlier runs say of a feature is in its weight.
        """
        places = {**self._columns, LEVEL_FEATURE: self._level}
        known = np.array([place for place, one in enumerate(features) if one in places], int)
        columns = np.array([places[features[place]] for place in known], int)
        prior = np.array([self.scales.get(group, LEVEL) for group, _ in features])
        means, covariance = np.zeros(len(features)), np.diag(prior**2)
        means[known] = prior[known] * self._weights[columns]
        if not self._earlier.runs:
            covariance[np.ix_(known, known)] = self._ridge.covariance(columns) * np.outer(prior[known], prior[known])
            return means, covariance
        said = self._earlier.of_features(features)
        shares = slice(self._level + 1, None)
        means += said @ (self._earlier.expected + self.scales["earlier"] * self._weights[shares])
        said = self.scales["earlier"] * said
        last = np.arange(self._level + 1, len(self._deviations))
        joint = self._ridge.covariance(np.append(columns, last))
        count = len(columns)
        covariance[np.ix_(known, known)] = joint[:count, :count] * np.outer(prior[known], prior[known])
        across = np.zeros_like(covariance)
        across[known] = prior[known, None] * joint[:count, count:] @ said.T
        return means, covariance + across + across.T + said @ joint[count:, count:] @ said.T

    def _before(self, rows: Sequence[Row]) -> np.ndarray:
        """What was expected of rows before there were observations, but for the level."""
        return np.asarray(self.offset + self._earlier.of_rows(rows) @ self._earlier.expected)

    def _trust(self, seen: Observations) -> np.ndarray:
        """How much of what features do not tell of a score is the architecture's own, and no noise."""
        rest = self.scales["rest"] ** 2
        return np.asarray(rest / (rest + self.scales["noise"] ** 2 / seen.trials))

    def _scaled(self, rows: Sequence[Row]) -> sparse.csr_matrix:
        """Known features of rows, the level, and what earlier runs say, each times the deviation of its weight."""
        others = np.hstack([np.ones((len(rows), 1)), self._earlier.of_rows(rows)])
        matrix = sparse.hstack([matrix_of(rows, self._columns), sparse.csr_matrix(others)], format="csr")
        return matrix @ sparse.diags(self._deviations)

    def _unknown(self, row: Row) -> float:
        """Variance of what features add that no observation has."""
        found: dict[Feature, float] = {}
        for feature, value in zip(row.features, row.values, strict=True):
            if feature not in self._columns:
                found[feature] = found.get(feature, 0.0) + value
        return sum((value * self.scales[feature[0]]) ** 2 for feature, value in found.items())


class _Ridge:
    """Weights drawn from N(0, 1), seen through ``rows`` ``(n, p)`` with noise of N(0, 1); solved in the lesser size."""

    def __init__(self, rows: sparse.csr_matrix) -> None:
        self._rows = rows
        self._dual = rows.shape[0] <= rows.shape[1]
        dense = rows.toarray()
        gram = dense @ dense.T if self._dual else dense.T @ dense
        gram[np.diag_indices_from(gram)] += 1
        self._factor = scipy.linalg.cholesky(gram, lower=True, overwrite_a=True, check_finite=False)

    def mean(self, targets: np.ndarray) -> np.ndarray:
        """Of the weights, given what was seen."""
        return np.asarray(self._rows.T @ self._solve(targets) if self._dual else self._solve(self._rows.T @ targets))

    def variance(self, rows: sparse.csr_matrix) -> np.ndarray:
        """Of the sum of the weights that each of ``rows`` makes."""
        explained = self._explained((self._rows @ rows.T if self._dual else rows.T).toarray())
        if not self._dual:
            return explained
        return np.maximum(np.asarray(rows.multiply(rows).sum(axis=1)).ravel() - explained, 0)

    def covariance(self, columns: np.ndarray) -> np.ndarray:
        """Of the weights of some columns, ``(columns, columns)``."""
        if not self._dual:
            return self._inverse[np.ix_(columns, columns)]
        across = self._rows[:, columns].toarray()
        solved = scipy.linalg.solve_triangular(self._factor, across, lower=True, overwrite_b=True, check_finite=False)
        return np.asarray(np.eye(len(columns)) - solved.T @ solved)

    @functools.cached_property
    def _inverse(self) -> np.ndarray:
        return inverse_of(self._factor)

    def draws(self, count: int, rng: np.random.Generator) -> np.ndarray:
        """``(count, p)`` draws of the weights around their mean.

        With fewer rows than weights by Matheron's rule: prior draws, corrected by what they would have shown.
        """
        if not self._dual:
            normal = rng.standard_normal((len(self._factor), count))
            return np.asarray(scipy.linalg.solve_triangular(self._factor.T, normal, check_finite=False).T)
        prior = rng.standard_normal((self._rows.shape[1], count))
        shown = self._rows @ prior + rng.standard_normal((self._rows.shape[0], count))
        return np.asarray((prior - self._rows.T @ self._solve(shown)).T)

    def _solve(self, targets: np.ndarray) -> np.ndarray:
        return np.asarray(scipy.linalg.cho_solve((self._factor, True), targets, check_finite=False))

    def _explained(self, across: np.ndarray) -> np.ndarray:
        solved = scipy.linalg.solve_triangular(self._factor, across, lower=True, overwrite_b=True, check_finite=False)
        return np.einsum("ij,ij->j", solved, solved)
