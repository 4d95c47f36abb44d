"""Which trials are worth more steps: asynchronous successive halving on Dice against parameters.

Li et al.: A System for Massively Parallel Hyperparameter Tuning, MLSys 2020, https://arxiv.org/abs/1810.05934. With two
objectives a rung is ordered by its own front first, by the area that only one trial holds, and then by how far a trial
falls short of what trials of its parameters or fewer reach: light networks are judged among light ones.
"""

from __future__ import annotations

import bisect
import itertools
import math
from collections.abc import Callable, Iterable

from nas.records.trial import Trial

NOISE = 0.012  # deviation of the Dice of a short training over seeds
HOPELESS = 3.0  # deviations of the difference of two trials, beyond which noise does not explain it
WIDEST = math.log(2)  # of the range of log-parameters that the trial at the upper end of a front is held to cover


class Halving:
    """Of the trials scored at a rung a share goes on: the best there, as far as is known at the time.

    A trial that does not go on waits; it goes on later when it has come to be among the best as others came in worse.
    One that falls short by more than noise can explain never does.

    Args:
        rungs: steps, rising.
        reduction: one of so many goes on; with 1 all do.
        exempt: whether a trial goes on whatever it scored, and is not counted.
    """

    def __init__(
        self, rungs: Iterable[int], reduction: float, exempt: Callable[[Trial], bool] = lambda trial: False
    ) -> None:
        self.rungs = tuple(rungs)
        self.reduction = reduction
        self.exempt = exempt
        self._at: dict[int, _Rung] = {rung: _Rung() for rung in self.rungs}

    def saw(self, trial: Trial) -> None:
        """Take the scores of a trial on the way."""
        for steps, dice in trial.curve:
            if steps in self._at:
                self._at[steps].add(trial.number, trial.cost.params, dice, self.exempt(trial))

    def goes_on(self, trial: Trial) -> bool:
        """Whether a trial whose last scores are at a rung is worth going on with now."""
        return self.next([trial]) is not None

    def next(self, waiting: Iterable[Trial]) -> Trial | None:
        """Of the trials that wait the one to go on with: at the highest rung, and of these the one that came first."""
        ordered = sorted(waiting, key=lambda trial: (-trial.steps, trial.number))
        for steps, alike in itertools.groupby(ordered, key=lambda trial: trial.steps):
            best = self._at[steps].best(self.reduction) if steps in self._at and self.reduction > 1 else None
            found = next((one for one in alike if best is None or one.number in best or self.exempt(one)), None)
            if found is not None:
                return found
        return None

    def shortfall(self, trial: Trial) -> float:
        """How far a trial whose last scores are at a rung is below the best with its parameters or fewer."""
        rung, dice = self._at.get(trial.steps), trial.dice
        return 0.0 if rung is None or dice is None else rung.shortfall(trial.cost.params, dice)

    def is_hopeless(self, trial: Trial) -> bool:
        """Whether trials of its parameters or fewer are ahead by more than noise."""
        ahead = self.shortfall(trial) > HOPELESS * math.sqrt(2) * NOISE
        return ahead and self.reduction > 1 and not self.exempt(trial)


class _Rung:
    """Scores of one rung, by rising parameters, and of equal ones the best first."""

    def __init__(self) -> None:
        self._entries: list[tuple[int, float, int]] = []  # parameters, Dice times -1, number
        self._numbers: set[int] = set()
        self._exempt: set[int] = set()

    def add(self, number: int, params: int, dice: float, exempt: bool) -> None:
        if number not in self._numbers:
            self._numbers.add(number)
            bisect.insort(self._entries, (params, -dice, number))
            if exempt:
                self._exempt.add(number)

    def shortfall(self, params: int, dice: float) -> float:
        """How far ``dice`` is below the best with as many parameters or fewer."""
        return max((-less for size, less, _ in self._entries if size <= params), default=dice) - dice

    def best(self, reduction: float) -> set[int]:
        """Numbers of the share that goes on, those that are exempt left out."""
        worth: list[tuple[float, int]] = []  # of each trial: the area that it alone holds, or less the shortfall
        front: list[tuple[int, int, float]] = []  # its place in ``worth``, parameters, and lead
        reached = 0.0
        for params, less, number in self._entries:
            dice = -less
            if dice > reached:
                front.append((len(worth), params, dice - reached))
                reached = dice
            worth.append((dice - reached, number))
        for (place, params, lead), after in itertools.zip_longest(front, front[1:]):
            width = math.log(after[1] / params) if after else WIDEST
            worth[place] = lead * width, worth[place][1]
        counted = sorted((-value, number) for value, number in worth if number not in self._exempt)
        return {number for _, number in counted[: int(len(counted) / reduction)]}
