"""What a run does next: the search, trial by trial, then the finals.

Plain logic without Ray: orders go out, outcomes come in, and every outcome is in the journal before anything
else happens with it.
"""

from __future__ import annotations

import itertools
import math
import statistics
import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Protocol

import numpy as np

from evaluators.evaluator import Progress
from nas.files import write_bytes
from nas.front import Front, front_of
from nas.journal import Journal
from nas.ray_trials import Order, Outcome
from nas.strategies import History, Strategy
from nas.trial import Trial
from search_spaces.architecture import Architecture
from search_spaces.cost import Cost


class Watcher(Protocol):
    """Who wants to see what goes on, a terminal for example."""

    def opened(self, folder: Path, schedule: Schedule, trials: list[Trial]) -> None: ...
    def started(self, order: Order, cost: Cost) -> None: ...
    def progress(self, order: Order, progress: Progress) -> None: ...
    def finished(self, trial: Trial) -> None: ...
    def stopped(self, order: Order) -> None: ...
    def finals(self, finalists: list[Architecture], count: int) -> None: ...


@dataclass(frozen=True)
class Schedule:
    """How much is done.

    Attributes:
        trials: most trials of the search.
        seconds: most wall-clock seconds of the search, from its first trial on; None for no limit.
        steps: training steps of a search trial.
        final_steps: training steps of a final.
        final_seeds: trainings of each finalist, 0 for no finals.
        candidates: most finalists.
        seed: of the search trials; finals use ``seed + 1``, ``seed + 2``, ...
        workers: most trials at once.
        cores: of each trial.
    """

    trials: int
    seconds: float | None
    steps: int
    final_steps: int
    final_seeds: int
    candidates: int
    seed: int
    workers: int
    cores: int = 1


class Plan:
    """Gives orders and takes outcomes; the state is the journal plus what is running."""

    def __init__(
        self,
        strategy: Strategy,
        schedule: Schedule,
        journal: Journal,
        folder: Path,
        cost_of: Callable[[Architecture], Cost],
        watcher: Watcher,
    ) -> None:
        self.strategy = strategy
        self.schedule = schedule
        self.journal = journal
        self.folder = folder
        self.cost_of = cost_of
        self.watcher = watcher
        self.trials = journal.read()
        self.running: list[Order] = []
        self.began: float | None = None  # the first sign of life of a trial: workers take seconds to start
        self._searching = not any(trial.phase == "final" for trial in self.trials)
        self._finals: list[Order] | None = None
        watcher.opened(folder, schedule, self.trials)
        self._session_trials = 0
        self._cpu_seconds = self._ended = 0.0
        self._first_start = math.inf

    @property
    def search_trials(self) -> list[Trial]:
        return [trial for trial in self.trials if trial.phase == "search"]

    def summary(self) -> dict[str, float | int]:
        """Of this session's search phase: trials, seconds from first start to last end, and how busy the cores were.

        ``utilisation`` is the workers' processor time over wall-clock time times the cores they were given; with
        nothing measured it is 0.
        """
        if not self._ended:
            return {"trials": 0, "seconds": 0.0, "trials_per_hour": 0.0, "utilisation": 0.0}
        seconds = max(self._ended - self._first_start, 1e-9)
        return {
            "trials": self._session_trials,
            "seconds": round(seconds, 1),
            "trials_per_hour": round(3600 * self._session_trials / seconds, 1),
            "utilisation": round(self._cpu_seconds / (seconds * self.schedule.workers * self.schedule.cores), 3),
        }

    def next(self) -> Order | None:
        if len(self.running) >= self.schedule.workers:
            return None
        order = self._next_search() if self._searching else None
        if order is None and not self._searching:
            order = self._next_final()
        if order is not None:
            self.running.append(order)
            self.watcher.started(order, self.cost_of(order.architecture))
        return order

    def progress(self, order: Order, progress: Progress) -> bool:
        self.began = self.began or time.monotonic()
        if order.phase == "search" and self._late():
            self.running.remove(order)
            self.watcher.stopped(order)
            return False
        self.watcher.progress(order, progress)
        return True

    def finished(self, order: Order, outcome: Outcome) -> None:
        self.began = self.began or time.monotonic() - outcome.seconds
        self.running.remove(order)
        weights = None
        if outcome.weights is not None:
            weights = f"weights/{order.architecture.key}-{order.seed}.safetensors"
            write_bytes(self.folder / weights, outcome.weights)
        trial = Trial(
            number=order.number,
            phase=order.phase,
            architecture=order.architecture,
            seed=order.seed,
            steps=order.steps,
            status="failed" if outcome.error else "completed",
            cost=self.cost_of(order.architecture),
            metrics=outcome.metrics,
            cases=outcome.cases,
            distances=outcome.distances,
            seconds=round(outcome.seconds, 3),
            error=outcome.error,
            weights=weights,
            finished=datetime.now(UTC).isoformat(timespec="seconds"),
        )
        self.journal.append(trial)
        self.trials.append(trial)
        if order.phase == "search":
            self._session_trials += 1
            self._cpu_seconds += outcome.cpu_seconds
            self._ended = time.monotonic()
            self._first_start = min(self._first_start, self._ended - outcome.seconds)
        self.watcher.finished(trial)

    def _next_search(self) -> Order | None:
        done = self.search_trials
        running = [order.architecture for order in self.running]
        architecture = None
        if len(done) + len(running) < self.schedule.trials and not self._closing():
            architecture = self.strategy.suggest(History(done, running))
        if architecture is None:
            self._searching = bool(running)
            return None
        numbers = {trial.number for trial in done} | {order.number for order in self.running}
        number = next(n for n in range(len(numbers) + 1) if n not in numbers)
        return Order(number, "search", architecture, self.schedule.steps, self.schedule.seed, "val")

    def _next_final(self) -> Order | None:
        if self._finals is None:
            self._finals = self._plan_finals()
        return self._finals.pop(0) if self._finals else None

    def _plan_finals(self) -> list[Order]:
        """Each finalist with each seed, seed by seed, but those that the journal already holds."""
        schedule = self.schedule
        if not schedule.final_seeds or not any(trial.dice is not None for trial in self.search_trials):
            return []
        plain = next((trial.architecture for trial in self.search_trials if trial.number == 0), None)
        finalists = choose_finalists(front_of(self.search_trials), schedule.candidates, plain)
        finals = [trial for trial in self.trials if trial.phase == "final"]
        done = {(trial.architecture, trial.seed, trial.steps) for trial in finals}
        taken = {trial.number for trial in finals}  # a resumed run may have other finalists or seeds than before
        numbers = (number for number in itertools.count() if number not in taken)
        left = [
            Order(next(numbers), "final", architecture, schedule.final_steps, seed, "test", True)
            for seed in range(schedule.seed + 1, schedule.seed + 1 + schedule.final_seeds)
            for architecture in finalists
            if (architecture, seed, schedule.final_steps) not in done
        ]
        self.watcher.finals(finalists, len(left))
        return left

    def _closing(self) -> bool:
        """Whether a trial started now would, at the median duration so far, end after the limit."""
        if self.schedule.seconds is None or self.began is None:
            return False
        durations = [trial.seconds for trial in self.search_trials]
        expected = statistics.median(durations) if durations else 0.0
        return time.monotonic() - self.began + expected > self.schedule.seconds

    def _late(self) -> bool:
        if self.schedule.seconds is None or self.began is None:
            return False
        return time.monotonic() - self.began > self.schedule.seconds


def choose_finalists(front: Front, most: int, plain: Architecture | None) -> list[Architecture]:
    """The plain network, whatever became of it, then members of the front, spread evenly over it when too many.

    Among those spread are the best and the smallest; where there is room for one, it is the best.
    """
    others = [point.architecture for point in front.points if point.architecture != plain]
    room = most - (plain is not None)
    if len(others) > room:
        places = np.linspace(len(others) - 1, 0, room).round().astype(int).tolist()
        others = [others[place] for place in sorted(places)]
    return [plain, *others] if plain is not None else others
