"""What observations say of any architecture: means, deviations, joint draws."""

from __future__ import annotations

import functools
from collections.abc import Sequence

import numpy as np
import scipy.linalg
from scipy import sparse

from nas.surrogate.cholesky import inverse_of
from nas.surrogate.earlier import Earlier
from nas.surrogate.features import Row
from nas.surrogate.observations import Observations, columns_of, matrix_of
from nas.surrogate.scales import LEVEL, Scales


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
        means, deviations = self.added(rows, 1.0)
        return means, np.hypot(deviations, self.scales["rest"])

    def added(self, rows: Sequence[Row], whole: np.ndarray | float = 0.0) -> tuple[np.ndarray, np.ndarray]:
        """Mean and standard deviation, ``(rows,)`` each, of what the features of rows add to a score.

        Args:
            rows: networks, or parts of them.
            whole: ``(rows,)`` or for all, 1 for a whole network, whose score has the level in it too, and 0 for a part.
        """
        known, means = self._parts(rows, whole)
        return means, np.sqrt(self._ridge.variance(known) + _squares(self._apart(rows)))

    def jointly_added(self, rows: Sequence[Row], whole: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """As ``added``, with the covariance ``(rows, rows)``."""
        known, means = self._parts(rows, whole)
        apart = self._apart(rows)
        return means, self._ridge.covariance(known) + (apart @ apart.T).toarray()

    def _parts(self, rows: Sequence[Row], whole: np.ndarray | float) -> tuple[sparse.csr_matrix, np.ndarray]:
        known = self._scaled(rows, whole)
        return known, self._before(rows, whole) + known @ self._weights

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

    def _before(self, rows: Sequence[Row], whole: np.ndarray | float = 1.0) -> np.ndarray:
        """What was expected of rows before there were observations, but for the level."""
        return np.asarray(self.offset * whole + self._earlier.of_rows(rows) @ self._earlier.expected)

    def _trust(self, seen: Observations) -> np.ndarray:
        """How much of what features do not tell of a score is the architecture's own, and no noise."""
        rest = self.scales["rest"] ** 2
        return np.asarray(rest / (rest + self.scales["noise"] ** 2 / seen.trials))

    def _scaled(self, rows: Sequence[Row], whole: np.ndarray | float = 1.0) -> sparse.csr_matrix:
        """Known features of rows, the level, and what earlier runs say, each times the deviation of its weight."""
        others = np.column_stack([np.broadcast_to(whole, len(rows)), self._earlier.of_rows(rows)])
        matrix = sparse.hstack([matrix_of(rows, self._columns), sparse.csr_matrix(others)], format="csr")
        return _times(matrix, self._deviations)

    def _apart(self, rows: Sequence[Row]) -> sparse.csr_matrix:
        """Features of rows that no observation has, each times the deviation of its weight."""
        features = [feature for feature in columns_of(rows) if feature not in self._columns]
        matrix = matrix_of(rows, {feature: column for column, feature in enumerate(features)})
        return _times(matrix, np.array([self.scales[group] for group, _ in features]))


def _times(matrix: sparse.csr_matrix, factors: np.ndarray) -> sparse.csr_matrix:
    """Each column of a matrix, which is changed, times its factor."""
    matrix.data *= factors[matrix.indices]
    return matrix


def _squares(rows: sparse.csr_matrix) -> np.ndarray:
    """The sum of squares of each row."""
    return np.asarray(rows.multiply(rows).sum(axis=1)).ravel()


class _Ridge:
    """Weights drawn from N(0, 1), seen through ``rows`` ``(n, p)`` with noise of N(0, 1); solved in the lesser size."""

    def __init__(self, rows: sparse.csr_matrix) -> None:
        self._rows = rows
        self._dual = rows.shape[0] <= rows.shape[1]
        dense = rows.toarray()
        gram = dense @ dense.T if self._dual else dense.T @ dense
        gram[np.diag_indices_from(gram)] += 1
        self._factor = scipy.linalg.cholesky(gram.T, lower=True, overwrite_a=True, check_finite=False)  # in its place

    def mean(self, targets: np.ndarray) -> np.ndarray:
        """Of the weights, given what was seen."""
        return np.asarray(self._rows.T @ self._solve(targets) if self._dual else self._solve(self._rows.T @ targets))

    def variance(self, rows: sparse.csr_matrix) -> np.ndarray:
        """Of the sum of the weights that each of ``rows`` makes."""
        if self._dual:
            explained = np.asarray(rows @ self._explaining)
            return np.maximum(_squares(rows) - np.einsum("ij,ij->i", explained, explained), 0)
        return np.maximum(np.asarray(rows.multiply(rows @ self._inverse).sum(axis=1)).ravel(), 0)

    def covariance(self, rows: sparse.csr_matrix) -> np.ndarray:
        """Of these sums, ``(rows, rows)``."""
        if self._dual:
            explained = rows @ self._explaining
            return np.asarray((rows @ rows.T).toarray() - explained @ explained.T)
        return np.asarray(rows @ (rows @ self._inverse).T)

    @functools.cached_property
    def _explaining(self) -> np.ndarray:
        """``(p, n)``: times itself, transposed, it is how much less unsure the weights are than they were before."""
        rows = self._rows.toarray(order="F")
        solved = scipy.linalg.solve_triangular(self._factor, rows, lower=True, overwrite_b=True, check_finite=False)
        return np.asarray(solved.T)

    @functools.cached_property
    def _inverse(self) -> np.ndarray:
        """``(p, p)``, the covariance of the weights."""
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
