"""What trials have shown, one mean score for each architecture."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np
from scipy import sparse

from nas.records.trial import Trial
from nas.surrogate.features import Feature, Row, number_of, row_of
from nas.surrogate.fidelity import Score, at_the_end
from search_spaces.architecture.architecture import Architecture

FARTHEST = 6.0  # robust standard deviations below the median: worse says only that it failed
FAILED_TRIALS = 4.0  # that a failure counts as: it would fail again, where a low score may be noise


@dataclass(frozen=True)
class Observations:
    """Mean scores of architectures.

    Attributes:
        architectures: each once, by first trial.
        rows: features of each.
        scores: mean over its trials.
        trials: how many these are, those that were not worked to the end for less than one.
        params: of each, exact.
    """

    architectures: tuple[Architecture, ...]
    rows: tuple[Row, ...]
    scores: np.ndarray
    trials: np.ndarray
    params: np.ndarray

    def __len__(self) -> int:
        return len(self.architectures)

    def take(self, places: Iterable[int]) -> Observations:
        """Those at ``places``."""
        chosen = list(places)
        return Observations(
            tuple(self.architectures[place] for place in chosen),
            tuple(self.rows[place] for place in chosen),
            self.scores[chosen],
            self.trials[chosen],
            self.params[chosen],
        )

    def spread(self, most: int) -> Observations:
        """All, or ``most`` of them evenly spread."""
        if len(self) <= most:
            return self
        return self.take(np.linspace(0, len(self) - 1, most).round().astype(int).tolist())

    def with_failed(self, failed: Sequence[Trial]) -> Observations:
        """These, and what failed with the lowest score among them: what is like it had better not be tried."""
        known = set(self.architectures)
        params = {trial.architecture: trial.cost.params for trial in failed if trial.architecture not in known}
        added = list(params)
        return Observations(
            (*self.architectures, *added),
            (*self.rows, *(row_of(architecture) for architecture in added)),
            np.append(self.scores, np.full(len(added), self.scores.min(initial=1.0))),
            np.append(self.trials, np.full(len(added), FAILED_TRIALS)),
            np.append(self.params, list(params.values())).astype(int),
        )


def observed(trials: Iterable[Trial]) -> Observations:
    """Of completed trials; those that were scored on the way only count for less, see ``at_the_end``."""
    found: dict[Architecture, list[Score]] = {}
    for score in at_the_end(list(trials)):
        found.setdefault(score.trial.architecture, []).append(score)
    trials_each = np.array([sum(score.weight for score in each) for each in found.values()])
    scores = np.array([sum(score.weight * score.dice for score in each) for each in found.values()]) / trials_each
    scores = not_far(scores)
    rows = tuple(row_of(architecture) for architecture in found)
    return Observations(
        tuple(found), rows, scores, trials_each, np.array([each[0].trial.cost.params for each in found.values()], int)
    )


def not_far(scores: np.ndarray) -> np.ndarray:
    """``scores``, none of them less than ``FARTHEST`` robust deviations below the median.

    Networks that hardly trained lie far below all others and would bend what is learnt of those.
    """
    if not len(scores):
        return scores
    middle = np.median(scores)
    deviation = 1.4826 * np.median(np.abs(scores - middle))
    return np.maximum(scores, middle - FARTHEST * max(deviation, 0.01))


def columns_of(rows: Iterable[Row]) -> dict[Feature, int]:
    """A column for each feature, in the order of first appearance."""
    rows = list(rows)
    numbers = np.concatenate([np.empty(0, int), *(row.numbers for row in rows)])
    _, first = np.unique(numbers, return_index=True)
    first.sort()
    ends = np.cumsum([len(row.numbers) for row in rows], dtype=int)
    columns: dict[Feature, int] = {}
    for place, row in zip(first.tolist(), ends.searchsorted(first, side="right").tolist(), strict=True):
        columns[rows[row].features[place - int(ends[row])]] = len(columns)
    return columns


def matrix_of(rows: Sequence[Row], columns: dict[Feature, int]) -> sparse.csr_matrix:
    """The rows as a matrix ``(rows, columns)``; features without a column are left out."""
    numbers = np.concatenate([np.empty(0, int), *(row.numbers for row in rows)])
    values = np.concatenate([np.empty(0), *(row.amounts for row in rows)])
    known = np.array([number_of(feature) for feature in columns], int)
    column_of = np.full(max(numbers.max(initial=0), known.max(initial=0)) + 1, -1)
    column_of[known] = list(columns.values())
    at = column_of[numbers]
    lines = np.repeat(np.arange(len(rows)), [len(row.numbers) for row in rows])
    found = at >= 0
    matrix = sparse.coo_matrix((values[found], (lines[found], at[found])), shape=(len(rows), len(columns)))
    return matrix.tocsr()  # which adds up what stands twice
