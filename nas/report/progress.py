"""How the front of a search grew: its hypervolume after each trial that widened it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from nas.evidence.hypervolume import Box, Steps
from nas.records.trial import Trial


@dataclass(frozen=True)
class Progress:
    """The hypervolume in a box of log-parameters and Dice.

    Attributes:
        low, high: parameters at the ends of the box.
        trials: how many had ended, of those compared, where the hypervolume grew; the last one of all too.
        seconds: since the first of them began.
        hypervolume: then.
    """

    low: int
    high: int
    trials: list[int]
    seconds: list[float]
    hypervolume: list[float]


def progress_of(trials: Sequence[Trial], steps: int, box: Sequence[int] | None) -> Progress | None:
    """Of the completed trials of a search that were trained for ``steps``, as the front's were; None without any.

    ``box``: its ends; left out, the fewest and the most parameters of a trial.
    """
    searched = [trial for trial in trials if trial.phase == "search"]
    compared = [trial for trial in searched if trial.steps == steps and trial.dice is not None]
    compared.sort(key=lambda trial: trial.finished)
    sizes = [trial.cost.params for trial in compared]
    low, high = box or (min(sizes, default=0), max(sizes, default=0))
    if not 0 < low < high:
        return None
    frame = Box(low, high)
    began = min(map(_began, searched))
    grown, area = Steps([]), 0.0
    found = Progress(low, high, [], [], [])
    for count, trial in enumerate(compared, start=1):
        assert trial.dice is not None
        place = frame.place(trial.cost.params)
        if place < 1:
            grown = grown.with_point(place, trial.dice)
        if grown.area() > area or count == len(compared):
            area = grown.area()
            found.trials.append(count)
            found.seconds.append(round(_ended(trial) - began, 1))
            found.hypervolume.append(round(area, 5))
    return found


def _ended(trial: Trial) -> float:
    return datetime.fromisoformat(trial.finished).timestamp()


def _began(trial: Trial) -> float:
    return _ended(trial) - trial.seconds
