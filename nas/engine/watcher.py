"""Who wants to see what goes on in a run, a terminal for example."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from evaluators.evaluator import Progress
    from nas.engine.orders import Order
    from nas.engine.schedule import Schedule
    from nas.records.trial import Trial
    from search_spaces.architecture.architecture import Architecture
    from search_spaces.architecture.cost import Cost


class Watcher:
    """Is told of everything when it happens, and takes no notice of it: who does has methods of its own."""

    def noted(self, notes: Sequence[str]) -> None: ...
    def opened(self, folder: Path, schedule: Schedule, trials: list[Trial]) -> None: ...
    def started(self, order: Order, cost: Cost) -> None: ...
    def progress(self, order: Order, progress: Progress) -> None: ...
    def finished(self, trial: Trial) -> None: ...
    def halted(self, trial: Trial) -> None: ...
    def stopped(self, order: Order) -> None: ...
    def finals(
        self, finalists: list[Architecture], counterparts: Mapping[Architecture, Architecture], count: int
    ) -> None: ...
