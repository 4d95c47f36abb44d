"""What runs on other tasks made of attention, as a guess at what this one will.

Of each earlier run the expected weights of its model are kept. What they say of a network, beside its host without
attention, is one more feature of the network; the weight of that feature says how far this task is like the other. It
is learnt with all other weights: an earlier run that predicts badly soon counts for nothing.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np

from nas.surrogate.features import Feature, Row
from nas.surrogate.observations import matrix_of

TRUST = 0.5  # what the weights of all earlier runs are expected to add up to; 1 would be: the tasks are one


@dataclass(frozen=True)
class Earlier:
    """Weights of earlier runs.

    Attributes:
        weights: of a feature in each of the runs; 0 where a run has not met it.
        runs: how many there are.
    """

    weights: Mapping[Feature, tuple[float, ...]] = field(default_factory=dict)
    runs: int = 0

    @property
    def expected(self) -> np.ndarray:
        """``(runs,)``, how far each is trusted before there is data."""
        return np.full(self.runs, TRUST / max(self.runs, 1))

    def of_features(self, features: Sequence[Feature]) -> np.ndarray:
        """``(features, runs)``."""
        nothing = (0.0,) * self.runs
        return np.array([self.weights.get(one, nothing) for one in features]).reshape(len(features), self.runs)

    def of_rows(self, rows: Sequence[Row]) -> np.ndarray:
        """``(rows, runs)``, what each run says of each row."""
        if not self.runs:
            return np.empty((len(rows), 0))
        columns = {feature: column for column, feature in enumerate(self.weights)}
        return np.asarray(matrix_of(rows, columns) @ self.of_features(list(columns)))
