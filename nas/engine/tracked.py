"""A watcher whose trials are told to trackers too."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

from evaluators.evaluator import Progress
from nas.engine.orders import Order
from nas.engine.schedule import Schedule
from nas.engine.watcher import Watcher
from nas.records.trial import Trial
from nas.tracking.telling import Telling
from search_spaces.architecture.architecture import Architecture
from search_spaces.architecture.cost import Cost


class Tracked(Watcher):
    """Hands every message on; each trial that ends goes to ``telling`` as well, earlier ones when the run is opened.

    A trial of the search that halving put aside has not ended, as it may go on.
    """

    def __init__(self, watcher: Watcher, telling: Telling) -> None:
        self._watcher, self._telling = watcher, telling

    def noted(self, notes: Sequence[str]) -> None:
        self._watcher.noted(notes)

    def opened(self, folder: Path, schedule: Schedule, trials: list[Trial]) -> None:
        self._watcher.opened(folder, schedule, trials)
        self._telling.tell(trial for trial in trials if trial.phase == "final" or trial.steps >= schedule.steps)

    def started(self, order: Order, cost: Cost) -> None:
        self._watcher.started(order, cost)

    def progress(self, order: Order, progress: Progress) -> None:
        self._watcher.progress(order, progress)

    def finished(self, trial: Trial) -> None:
        self._watcher.finished(trial)
        self._telling.tell([trial])

    def halted(self, trial: Trial) -> None:
        self._watcher.halted(trial)

    def stopped(self, order: Order) -> None:
        self._watcher.stopped(order)

    def finals(
        self, finalists: list[Architecture], counterparts: Mapping[Architecture, Architecture], count: int
    ) -> None:
        self._watcher.finals(finalists, counterparts, count)
