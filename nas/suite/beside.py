"""What the tool found at the number of parameters of each reference, held against it, on every task of a suite."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np

from nas.evidence.bootstrap import central
from nas.evidence.chances import joint_draws
from nas.evidence.comparison import Comparison, compare, detectable
from nas.evidence.point import FrontPoint
from nas.run import Run
from nas.suite.across import Winner

SURE = 0.05  # p value below which a gain whose interval lies above 0 is believed
Verdict = Literal["better", "no difference shown", "worse"]


@dataclass(frozen=True)
class Against:
    """The tool's network held against another one, by seed and case.

    Attributes:
        other: that one.
        gain: how much more Dice the tool's has.
        low, high: its 95% interval, of joint draws in which cases are resampled, the same for both, and trainings
            differ as those of all networks of the task show, see ``nas.evidence.chances.joint_draws``: three seeds
            alone are too few to be resampled. None with fewer than two cases.
        p: of Wilcoxon's test over cases, by Holm's correction over the references of the task; None with hardly any.
    """

    other: FrontPoint
    gain: float
    low: float | None
    high: float | None
    p: float | None

    @property
    def verdict(self) -> Verdict:
        """``worse`` where the interval lies below 0, ``better`` where it lies above and ``p`` agrees."""
        if self.low is None or self.high is None:
            return "no difference shown"
        if self.high < 0:
            return "worse"
        return "better" if self.low > 0 and self.p is not None and self.p < SURE else "no difference shown"

    @property
    def detectable(self) -> float | None:
        """The smallest difference that would be found in four of five such studies."""
        return None if self.low is None or self.high is None else detectable((self.low, self.high))


@dataclass(frozen=True)
class Beside:
    """A reference on a task, and what the tool found at its number of parameters.

    Attributes:
        task: its name in the suite.
        name: of the reference.
        reference: its point.
        own: the network with at most as many parameters that the search believes to be the best, by validation cases
            alone, of those that were trained fully; None where all have more.
        over_reference: ``own`` against the reference.
        over_unet: ``own`` against the plain U-Net of as many parameters as the reference, where that was trained.
    """

    task: str
    name: str
    reference: FrontPoint
    own: FrontPoint | None
    over_reference: Against | None
    over_unet: Against | None


def beside(won: Sequence[Winner]) -> list[Beside]:
    """Of each task every reference that was trained, by rising parameters."""
    return [one for winner in won if winner.front.references for one in _of_task(winner)]


def _of_task(winner: Winner) -> list[Beside]:
    front = winner.front
    every = [*front.compared, *front.references]
    draws = dict(zip((point.architecture for point in every), joint_draws(every).T, strict=True))
    believed = _believed(winner.run)
    references = sorted(front.references, key=lambda point: (point.cost.params, point.reference or ""))
    owns: list[FrontPoint | None] = []
    unets: list[FrontPoint | None] = []
    for reference in references:
        light = [
            point
            for point in front.compared
            if point.architecture in believed and point.cost.params <= reference.cost.params
        ]
        owns.append(max(light, key=lambda point: believed[point.architecture], default=None))
        controlled = front.controlled.get(reference.architecture)
        unets.append(controlled.control if controlled else None)

    def held(others: Sequence[FrontPoint | None]) -> list[Against | None]:
        pairs = [(own, other) for own, other in zip(owns, others, strict=True) if own and other]
        ends = [_interval(own, other, draws[own.architecture] - draws[other.architecture]) for own, other in pairs]
        found = zip(ends, compare([own.differences_to(other) for own, other in pairs], ends), strict=True)
        return [
            _against(own, other, *next(found)) if own and other else None
            for own, other in zip(owns, others, strict=True)
        ]

    return [
        Beside(winner.task, reference.reference or "", reference, own, over_reference, over_unet)
        for reference, own, over_reference, over_unet in zip(
            references, owns, held(references), held(unets), strict=True
        )
    ]


def _interval(own: FrontPoint, other: FrontPoint, draws: np.ndarray) -> tuple[float, float] | None:
    return central(draws) if own.low is not None and other.low is not None else None


def _against(own: FrontPoint, other: FrontPoint, interval: tuple[float, float] | None, compared: Comparison) -> Against:
    low, high = interval or (None, None)
    return Against(other, own.dice - other.dice, low, high, compared.p)


def _believed(run: Run) -> dict[object, float]:
    """What the search makes of the Dice of each network that it tried, on validation cases."""
    front = run.search_front
    means = front.draws.mean(axis=0).tolist()
    return {point.architecture: mean for point, mean in zip(front.compared, means, strict=True)}
