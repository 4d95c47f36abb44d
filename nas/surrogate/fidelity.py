"""What trials that were scored on the way would have come to: their scores, brought to the end of training.

Trials that were worked to the end were scored on the way too. They tell how much a network still gains from there on,
by its size, and how far that differs from network to network, which makes a score on the way less sure.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from nas.evidence.training_noise import NOISE
from nas.records.trial import Trial

DEVIATION, BELIEF = 0.02, 4.0  # of what is gained, before any trial has shown it, and how many trials that counts for
STEADY = 1.0  # how many trials, a factor of ten from the others, a gain that is the same for all sizes counts for


@dataclass(frozen=True)
class Score:
    """The score of a trial at the end.

    Attributes:
        trial: whose.
        dice: as it was, or as it is expected to be.
        weight: 1 at the end, less for what was scored on the way.
    """

    trial: Trial
    dice: float
    weight: float


def at_the_end(trials: Sequence[Trial]) -> list[Score]:
    """Of every trial that has a score, in the same order. The end is the most steps of any."""
    scored = [(trial, trial.dice) for trial in trials if trial.dice is not None]
    steps = max((trial.steps for trial, _ in scored), default=0)
    gains = {rung: _Gain(scored, rung, steps) for rung in {trial.steps for trial, _ in scored} - {steps}}
    return [
        Score(trial, dice, 1.0)
        if trial.steps == steps
        else Score(trial, dice + gains[trial.steps].of(trial), gains[trial.steps].weight)
        for trial, dice in scored
    ]


class _Gain:
    """From a rung to the end: a straight line over log-parameters."""

    def __init__(self, scored: Sequence[tuple[Trial, float]], rung: int, steps: int) -> None:
        pairs = [
            (math.log10(trial.cost.params), dice - early)
            for trial, dice in scored
            if trial.steps == steps
            for reached, early in trial.curve
            if reached == rung
        ]
        sizes, gains = np.array(pairs).reshape(-1, 2).T
        self._middle = float(sizes.mean()) if len(sizes) else 0.0
        self._mean = float(gains.mean()) if len(sizes) else 0.0
        away = sizes - self._middle
        self._slope = float(away @ (gains - self._mean) / (away @ away + STEADY)) if len(sizes) else 0.0
        left = gains - self._mean - self._slope * away
        variance = (BELIEF * DEVIATION**2 + left @ left) / (BELIEF + len(left))
        self.weight = NOISE**2 / (NOISE**2 + float(variance))

    def of(self, trial: Trial) -> float:
        """What is to be expected of a trial."""
        return self._mean + self._slope * (math.log10(trial.cost.params) - self._middle)
