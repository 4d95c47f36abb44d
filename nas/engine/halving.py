"""Which trials are worth more steps: asynchronous successive halving on Dice against parameters.

Li et al.: A System for Massively Parallel Hyperparameter Tuning, MLSys 2020, https://arxiv.org/abs/1810.05934. With two
objectives a trial's rank is how far it falls short of what trials of its parameters or fewer reach, so that light
networks are judged among light ones.
"""

from __future__ import annotations

import bisect
import itertools
from collections.abc import Iterable

import numpy as np

from nas.records.trial import Trial

HOPELESS = 3.0  # noise of one score, in deviations of the difference of two, beyond which a trial is not gone on with
NOISE = 0.012  # deviation of the Dice of one trial over seeds, where training is short


class Halving:
    """Of the trials scored at a rung a share goes on: the best there, as far as is known at the time.

    A trial that does not go on waits; it goes on later when it has come to be among the best as others came in worse.
    One that falls short by more than noise can explain never does.

    Args:
        rungs: steps, rising.
        reduction: one of so many goes on; with 1 all do.
    """

    def __init__(self, rungs: Iterable[int], reduction: float) -> None:
        self.rungs = tuple(rungs)
        self.reduction = reduction
        self._at: dict[int, _Rung] = {rung: _Rung() for rung in self.rungs}

    def saw(self, trial: Trial) -> None:
        """Take the scores of a trial on the way."""
        for steps, dice in trial.curve:
            if steps in self._at:
                self._at[steps].add(trial.number, trial.cost.params, dice)

    def goes_on(self, trial: Trial) -> bool:
        """Whether a trial whose last scores are at a rung is worth going on with now."""
        rung = self._at.get(trial.steps)
        return rung is None or self.reduction <= 1 or trial.number in rung.best(self.reduction)

    def next(self, waiting: Iterable[Trial]) -> Trial | None:
        """Of the trials that wait the one to go on with: at the highest rung, and of these the one that came first."""
        ordered = sorted(waiting, key=lambda trial: (-trial.steps, trial.number))
        for steps, alike in itertools.groupby(ordered, key=lambda trial: trial.steps):
            best = self._at[steps].best(self.reduction) if steps in self._at and self.reduction > 1 else None
            found = next((trial for trial in alike if best is None or trial.number in best), None)
            if found is not None:
                return found
        return None

    def shortfall(self, trial: Trial) -> float:
        """How far a trial whose last scores are at a rung is below the best with its parameters or fewer."""
        rung, dice = self._at.get(trial.steps), trial.dice
        return 0.0 if rung is None or dice is None else rung.shortfall(trial.cost.params, dice)

    def is_hopeless(self, trial: Trial) -> bool:
        """Whether trials of its parameters or fewer are ahead by more than noise."""
        return self.reduction > 1 and self.shortfall(trial) > HOPELESS * 2**0.5 * NOISE


class _Rung:
    """Scores of one rung, by rising parameters."""

    def __init__(self) -> None:
        self._entries: list[tuple[int, int, float]] = []  # parameters, number, Dice
        self._numbers: set[int] = set()

    def add(self, number: int, params: int, dice: float) -> None:
        if number not in self._numbers:
            self._numbers.add(number)
            bisect.insort(self._entries, (params, number, dice))

    def shortfall(self, params: int, dice: float) -> float:
        """How far ``dice`` is below the best with as many parameters or fewer."""
        lighter = [entry[2] for entry in self._entries if entry[0] <= params]
        return max(lighter, default=dice) - dice

    def best(self, reduction: float) -> set[int]:
        """Numbers of the share that goes on."""
        scores = np.array([dice for _, _, dice in self._entries])
        shortfalls = np.maximum.accumulate(scores) - scores
        order = np.lexsort([[number for _, number, _ in self._entries], shortfalls])
        return {self._entries[place][1] for place in order[: int(len(order) / reduction)].tolist()}
