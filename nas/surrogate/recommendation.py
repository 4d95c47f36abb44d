"""Which of the tried architectures a run recommends: by what the model makes of all trials, not by single scores."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from nas.evidence.front import nondominated, nondomination_ranks
from nas.evidence.hypervolume import Box, Steps
from nas.one_core import one_core
from nas.records.trial import Trial
from nas.surrogate.observations import observed
from nas.surrogate.posterior import Posterior
from nas.surrogate.scales import learn_scales
from search_spaces.architecture.architecture import Architecture

DRAWS = 256
CONSIDERED = 200  # architectures of the front, the next front, and so on


@one_core()
def expected_front(trials: Sequence[Trial]) -> list[Architecture]:
    """The architectures that nothing dominates by the model's mean, by rising parameters."""
    seen = observed(trials)
    if not len(seen):
        return []
    scores = Posterior(seen, learn_scales(seen)).of_tried(seen).tolist()
    return [seen.architectures[place] for place in nondominated(seen.params.tolist(), scores)]


@one_core()
def finalists(
    trials: Sequence[Trial],
    box: Box,
    most: int,
    plain: Architecture | None,
    seed: int,
    sizes: Sequence[int] = (),
) -> list[Architecture]:
    """At most ``most`` architectures to be trained fully: ``plain``, the best, and those that hold the largest area.

    The best is that of the model's mean, and so is the best with at most as many parameters as each of ``sizes``, which
    comes next, the lightest first. Then one by one the architecture comes in that adds most hypervolume, on
    average over joint draws of all scores: a single lucky score counts for little, and what stands close to one that
    is chosen adds little, so that the range of parameters is covered. What no draw sees on the front stays out.
    """
    seen = observed(trials)
    chosen = [plain] if plain is not None else []
    if not len(seen) or len(chosen) >= most:
        return chosen
    posterior = Posterior(seen, learn_scales(seen))
    means = posterior.of_tried(seen)
    ranks = nondomination_ranks(seen.params.tolist(), means.tolist())
    order = sorted(range(len(seen)), key=lambda place: (ranks[place], place))
    of_plain = [place for place, one in enumerate(seen.architectures) if one == plain]
    taken = sorted({*order[:CONSIDERED], *of_plain})
    considered, means = seen.take(taken), means[taken]
    drawn = posterior.draws_of_tried(considered, DRAWS, np.random.default_rng(seed))
    places = np.array([box.place(size) for size in considered.params.tolist()])
    inside = [place for place, one in enumerate(considered.architectures) if one in chosen]
    fronts = [Steps((places[place], scores[place]) for place in inside) for scores in drawn]
    best = int(means.argmax())
    within = [np.flatnonzero(considered.params <= size) for size in sorted(sizes)]
    asked = [best, *(int(light[means[light].argmax()]) for light in within if len(light))]
    while len(chosen) < most:
        gains = np.mean([front.gains(places, scores) for front, scores in zip(fronts, drawn, strict=True)], axis=0)
        due = next((place for place in asked if place not in inside), None)
        place = int(gains.argmax()) if due is None else due
        if place in inside or (due is None and gains[place] <= 0):
            break
        chosen.append(considered.architectures[place])
        inside.append(place)
        fronts = [
            front.with_point(float(places[place]), float(scores[place]))
            for front, scores in zip(fronts, drawn, strict=True)
        ]
    return chosen
