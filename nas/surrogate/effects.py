"""What attention did in a search: the effect of each mechanism in each place, with intervals, from all trials at once.

Single trials say little: their noise is as large as the effects. The model of all of them knows what a mechanism adds
wherever it sat, and how sure that is; its noise is that between trainings. Effects are drawn towards what is usual in
the run, so that the best of hundreds is not taken for better than it is.
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Literal

from scipy.special import ndtr, ndtri

from nas.evidence.bootstrap import LEVEL
from nas.one_core import one_core
from nas.records.trial import Trial
from nas.surrogate.features import Row, features_of_mechanism, kind_of
from nas.surrogate.observations import observed
from nas.surrogate.posterior import Posterior
from nas.surrogate.scales import learn_scales
from search_spaces.architecture.architecture import Architecture
from search_spaces.errors import InputError

MOST = 600  # networks that the sizes of effects and noise are learnt from
LEAST = 8  # scored networks without which nothing is said

By = Literal["slot", "kind", "mechanism"]
Verdict = Literal["helps", "hurts", "no effect", "open"]


@dataclass(frozen=True)
class Effect:
    """What a mechanism adds to the Dice of a network.

    Attributes:
        mechanism: which.
        place: slot, kind of place (``skip``, ``decoder``), or empty for all.
        networks: how many that were scored have it there.
        mean, low, high: Dice that it adds, with the 95% interval of the model.
        helps: probability that it adds anything.
        params: fewest and most parameters that it adds, in the networks that have it; None where that was not asked.
    """

    mechanism: str
    place: str
    networks: int
    mean: float
    low: float
    high: float
    helps: float
    params: tuple[int, int] | None

    def verdict(self, tolerance: float) -> Verdict:
        """``no effect``: surely smaller than ``tolerance``; ``open``: too few trials to tell."""
        if self.low > 0:
            return "helps"
        if self.high < 0:
            return "hurts"
        return "no effect" if max(-self.low, self.high) <= tolerance else "open"


@one_core()
def effects(trials: Sequence[Trial], params_of: Callable[[Architecture], int] | None, by: By = "slot") -> list[Effect]:
    """The effect of everything that was tried, the best first.

    Args:
        trials: of a search.
        params_of: parameters of an architecture on the task; None where it does not matter what effects cost, which
            takes longer to tell than all else.
        by: ``slot``, or the mean over the slots of a kind of place, or over all, that it was tried in.

    Raises:
        InputError: hardly any network was scored, or none with attention.
    """
    seen = observed([trial for trial in trials if trial.phase == "search"])
    if len(seen) < LEAST:
        raise InputError(f"effects: expected at least {LEAST} scored networks, got {len(seen)}")
    of_item = None if params_of is None else _params_added(params_of)
    found: dict[tuple[str, str], set[Architecture]] = {}
    slots: dict[tuple[str, str], dict[str, None]] = {}
    added: dict[tuple[str, str], list[int]] = {}
    for architecture in seen.architectures:
        for slot, series in architecture.attention:
            for place, item in enumerate(series):
                key = item.mechanism, {"slot": slot, "kind": kind_of(slot), "mechanism": ""}[by]
                found.setdefault(key, set()).add(architecture)
                slots.setdefault(key, {})[slot] = None
                if of_item is not None:
                    alone = Architecture(architecture.host, architecture.dims, architecture.options, ((slot, series),))
                    added.setdefault(key, []).append(of_item(alone, place))
    rows = {key: _mean_row(key[0], list(places)) for key, places in slots.items()}
    if not found:
        raise InputError("effects: no network with attention was scored")
    posterior = Posterior(seen, learn_scales(seen, most=MOST))
    means, deviations = posterior.added(list(rows.values()))
    half = ndtri((1 + LEVEL) / 2)
    listed = [
        Effect(
            *key,
            len(found[key]),
            float(mean),
            float(mean - half * deviation),
            float(mean + half * deviation),
            float(ndtr(mean / deviation)) if deviation else float(mean > 0),
            (min(added[key]), max(added[key])) if key in added else None,
        )
        for key, mean, deviation in zip(rows, means, deviations, strict=True)
    ]
    return sorted(listed, key=lambda effect: (-effect.mean, effect.mechanism, effect.place))


def _mean_row(mechanism: str, slots: Sequence[str]) -> Row:
    """The features of a mechanism, the mean over some slots."""
    features = [feature for slot in slots for feature in features_of_mechanism(slot, mechanism)]
    return Row(tuple(features), (1 / len(slots),) * len(features))


def _params_added(params_of: Callable[[Architecture], int]) -> Callable[[Architecture, int], int]:
    """What tells of a network with one slot filled how many parameters the mechanism at a place of the series adds.

    That is as many wherever else attention sits: parameters of slots add up.
    """

    @functools.cache
    def added(network: Architecture, place: int) -> int:
        ((slot, series),) = network.attention
        left = (*series[:place], *series[place + 1 :])
        attention = ((slot, left),) if left else ()
        return params_of(network) - params_of(Architecture(network.host, network.dims, network.options, attention))

    return added
