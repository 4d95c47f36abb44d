"""How sure the front of a search is: what the model of all its trials believes of every network.

A search trains each network once, and the best of many single scores is mostly lucky. An interval over the cases of
that one training knows nothing of it. The model has learnt the noise of a training from all trials, and what networks
that are alike have in common.
"""

from __future__ import annotations

import functools
from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from nas.evidence.bootstrap import RESAMPLES
from nas.evidence.front import Front, nondomination_ranks
from nas.evidence.point import Belief, FrontPoint
from nas.one_core import one_core
from nas.records.trial import Trial
from search_spaces.architecture.architecture import Architecture

FEW = 24  # networks up to which it is left open how large noise and effects are; of more the likeliest do
DRAWN = 20  # times that these are drawn
CONSIDERED = 400  # networks of the front, the next front, and so on; of others nothing is told


def believed(front: Front, trials: Sequence[Trial]) -> Front:
    """The front of a search with intervals, gains and chances of the model, which is made when one is first asked for.

    Args:
        front: of ``trials``.
        trials: of the search.
    """
    plain = None if front.plain is None else front.plain.architecture
    model = _Model(front, trials, plain)

    def told(point: FrontPoint) -> FrontPoint:
        return replace(point, belief=lambda: model.belief(point.architecture))

    return replace(
        front,
        points=tuple(map(told, front.points)),
        dominated=tuple(map(told, front.dominated)),
        plain=None if front.plain is None else told(front.plain),
        behind=tuple(map(told, front.behind)),
        sample=model.sample,
    )


class _Model:
    """Joint draws of what networks are worth over all seeds."""

    def __init__(self, front: Front, trials: Sequence[Trial], plain: Architecture | None) -> None:
        self._front, self._trials, self._plain = front, trials, plain

    def belief(self, architecture: Architecture) -> Belief | None:
        """Of one network; None where it is not considered."""
        draws = self._draws
        if architecture not in draws:
            return None
        paired = self._plain in draws and architecture != self._plain
        return Belief(draws[architecture], draws[architecture] - draws[self._plain] if paired else None)

    def sample(self, points: Sequence[FrontPoint]) -> np.ndarray:
        """``(draws, points)``; of those that are not considered, which many others dominate, nothing good."""
        draws = np.full((RESAMPLES, len(points)), -np.inf)
        for place, point in enumerate(points):
            draws[:, place] = self._draws.get(point.architecture, -np.inf)
        return draws

    @functools.cached_property
    def _draws(self) -> dict[Architecture | None, np.ndarray]:
        return self._drawn()

    @one_core()
    def _drawn(self) -> dict[Architecture | None, np.ndarray]:
        from nas.surrogate.observations import observed  # on scipy, which the front of finals has no need of
        from nas.surrogate.posterior import Posterior
        from nas.surrogate.scales import draw_scales, learn_scales

        seen = observed(self._trials)
        if not len(seen):
            return {}
        rng = np.random.default_rng(0)
        scales = [learn_scales(seen)] if len(seen) > FEW else draw_scales(seen, DRAWN, rng)
        posterior = Posterior(seen, scales[0])
        ranks = nondomination_ranks(seen.params.tolist(), posterior.of_tried(seen).tolist())
        shown = {point.architecture for point in self._front.points} | {self._plain}
        order = [(one not in shown, ranks[place], place) for place, one in enumerate(seen.architectures)]
        first = [place for _, _, place in sorted(order)]
        considered = seen.take(sorted(first[: max(CONSIDERED, len(shown))]))
        each = [Posterior(seen, one).draws_of_tried(considered, RESAMPLES // len(scales), rng) for one in scales]
        drawn = np.concatenate(each)
        return dict(zip(considered.architectures, np.ascontiguousarray(drawn.T), strict=True))
