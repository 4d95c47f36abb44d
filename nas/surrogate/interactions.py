"""What two mechanisms do together that neither does alone: how far a pair lies from the sum of its effects.

The model of a search adds effects up. Each pair of mechanisms that several networks have together is held to what it
leaves over, as one more effect with a normal prior. Pairs are many, and most do nothing: intervals are so wide that all
of them taken together name a pair that does nothing in one search of twenty or fewer (Bonferroni).
"""

from __future__ import annotations

import itertools
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import scipy.linalg
from scipy.special import ndtri

from nas.evidence.bootstrap import LEVEL
from nas.one_core import one_core
from nas.records.trial import Trial
from nas.surrogate.features import kind_of
from nas.surrogate.observations import Observations, columns_of, matrix_of, observed
from nas.surrogate.scales import LEVEL as OF_LEVEL
from nas.surrogate.scales import learn_scales
from search_spaces.architecture.architecture import Architecture

MOST = 600  # networks that are looked at
TOGETHER = 3  # networks that have both, without which nothing is said of a pair
PRIOR = 0.02  # standard deviation in Dice of what a pair does

Part = tuple[str, str]  # a mechanism, and the kind of place where it sits


@dataclass(frozen=True)
class Interaction:
    """Two mechanisms in one network.

    Attributes:
        first, second: mechanism and kind of place of each.
        networks: how many that were scored have both.
        mean, low, high: Dice beyond the sum of their effects, with the interval, see above.
    """

    first: Part
    second: Part
    networks: int
    mean: float
    low: float
    high: float

    @property
    def is_sure(self) -> bool:
        """Whether the interval leaves out 0."""
        return self.low > 0 or self.high < 0

    def __str__(self) -> str:
        return f"{' '.join(self.first)} with {' '.join(self.second)}"


@one_core()
def interactions(trials: Sequence[Trial]) -> list[Interaction]:
    """Of every pair that ``TOGETHER`` scored networks of a search have, those that are sure first.

    They come one after the other, as each explains part of what others that are in the same networks seem to do.
    """
    seen = observed([trial for trial in trials if trial.phase == "search"]).spread(MOST)
    together: dict[tuple[Part, Part], list[int]] = {}
    for place, architecture in enumerate(seen.architectures):
        for pair in itertools.combinations(_parts(architecture), 2):
            together.setdefault(pair, []).append(place)
    waiting = {pair: places for pair, places in together.items() if TOGETHER <= len(places) < len(seen)}
    if not waiting:
        return []
    half = float(ndtri(1 - (1 - LEVEL) / 2 / len(waiting)))
    covariance, scores = _of_sums(seen)
    named: list[Interaction] = []
    while waiting:
        found = _beyond(waiting, covariance, scores, half)
        if not found[0].is_sure:
            return [*named, *found]
        named.append(found[0])
        has = np.zeros(len(seen))
        has[waiting.pop((found[0].first, found[0].second))] = PRIOR
        covariance += np.outer(has, has)
    return named


def _parts(architecture: Architecture) -> list[Part]:
    return sorted({(item.mechanism, kind_of(slot)) for slot, series in architecture.attention for item in series})


def _of_sums(seen: Observations) -> tuple[np.ndarray, np.ndarray]:
    """What the model that adds effects up expects scores to differ by, ``(networks, networks)``, and the scores."""
    scales = learn_scales(seen)
    columns = columns_of(seen.rows)
    design = matrix_of(seen.rows, columns).toarray() * np.array([scales[group] for group, _ in columns])
    covariance = design @ design.T + OF_LEVEL**2
    covariance[np.diag_indices_from(covariance)] += scales["rest"] ** 2 + scales["noise"] ** 2 / seen.trials
    return covariance, seen.scores - np.average(seen.scores, weights=seen.trials)


def _beyond(
    pairs: Mapping[tuple[Part, Part], Sequence[int]], covariance: np.ndarray, scores: np.ndarray, half: float
) -> list[Interaction]:
    """Of each pair what it does beyond what is expected, give or take ``half`` deviations; the surest first."""
    has = np.zeros((len(scores), len(pairs)))
    for column, places in enumerate(pairs.values()):
        has[places, column] = 1
    known = scipy.linalg.cho_solve(scipy.linalg.cho_factor(covariance, lower=True), has)
    deviations = (PRIOR**-2 + np.einsum("ij,ij->j", known, has)) ** -0.5
    means = deviations**2 * (known.T @ scores)
    order = np.argsort(-np.abs(means) / deviations, kind="stable")
    each = list(pairs.items())
    found = []
    for place in order.tolist():
        (first, second), places = each[place]
        mean, wide = float(means[place]), half * float(deviations[place])
        found.append(Interaction(first, second, len(places), mean, mean - wide, mean + wide))
    return found
