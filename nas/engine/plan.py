"""What a run does next: the search, trial by trial, then the finals.

Plain logic without Ray: orders go out, outcomes come in, and every outcome is in the journal before anything
else happens with it.
"""

from __future__ import annotations

import itertools
import statistics
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Protocol

from evaluators.evaluator import Progress
from evaluators.files import write_bytes
from nas.engine.orders import Order, Outcome
from nas.quantities import format_duration
from nas.records.journal import Journal
from nas.records.trial import Trial, plain_network
from nas.records.usage import running_seconds
from nas.strategies import History, Strategy
from nas.surrogate.recommendation import finalists
from search_spaces.architecture.architecture import Architecture
from search_spaces.architecture.cost import Cost


class Watcher(Protocol):
    """Who wants to see what goes on, a terminal for example."""

    def noted(self, notes: Sequence[str]) -> None: ...
    def opened(self, folder: Path, schedule: Schedule, trials: list[Trial]) -> None: ...
    def started(self, order: Order, cost: Cost) -> None: ...
    def progress(self, order: Order, progress: Progress) -> None: ...
    def finished(self, trial: Trial) -> None: ...
    def stopped(self, order: Order) -> None: ...
    def finals(self, finalists: list[Architecture], count: int) -> None: ...


@dataclass(frozen=True)
class Schedule:
    """How much is done, and what beside what the strategy suggests.

    Attributes:
        trials: most trials of the search.
        seconds: most wall-clock seconds of the search, all sessions together; None for no limit.
        steps: training steps of a search trial.
        final_steps: training steps of a final.
        final_seeds: trainings of each finalist, 0 for no finals.
        candidates: most finalists.
        seed: of the search trials; finals use ``seed + 1``, ``seed + 2``, ...
        workers: most trials at once.
        reopened: whether to go back to a search that had ended, as its limits were raised.
        start: what is tried after the plain network, before the strategy is asked again.
        references: what is trained in the finals beside the finalists, with the name of each.
        trial_seconds: most seconds of a search trial; a final may take as much longer as it has more steps.
    """

    trials: int
    seconds: float | None
    steps: int
    final_steps: int
    final_seeds: int
    candidates: int
    seed: int
    workers: int
    reopened: bool = False
    start: tuple[Architecture, ...] = ()
    references: Mapping[Architecture, str] = field(default_factory=dict)
    trial_seconds: float | None = None

    def seconds_of(self, steps: int) -> float | None:
        """Most seconds of a trial of so many steps."""
        return None if self.trial_seconds is None else self.trial_seconds * max(steps / self.steps, 1)


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
        self.ended: str | None = None  # why the search did
        self.began: float | None = None  # the first sign of life of a trial: workers take seconds to start
        self._seconds_before = running_seconds(self.search_trials)
        last = self.trials[-1].phase if self.trials else "search"
        others = any(trial.phase == "final" and trial.architecture != self.plain for trial in self.trials)
        self.searching = schedule.reopened or last == "search" or not others  # the plain network's may come early
        self._finals: list[Order] | None = None
        watcher.opened(folder, schedule, self.trials)

    @property
    def search_trials(self) -> list[Trial]:
        return [trial for trial in self.trials if trial.phase == "search"]

    @property
    def plain(self) -> Architecture | None:
        """The network without attention, which is a finalist whatever became of it."""
        return plain_network(self.trials)

    def next(self) -> Order | None:
        if len(self.running) >= self.schedule.workers:
            return None
        order = self._next_search() if self.searching else None
        if order is None:
            order = self._next_final()
        if order is not None:
            self.running.append(order)
            self.watcher.started(order, self.cost_of(order.architecture))
        return order

    def progress(self, order: Order, progress: Progress) -> bool:
        self.began = self.began or time.monotonic()
        if order.phase == "search" and self._ends_late(0.0):
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
            false_positives=outcome.false_positives,
            seconds=round(outcome.seconds, 3),
            cpu_seconds=round(outcome.cpu_seconds, 3),
            error=outcome.error,
            weights=weights,
            finished=datetime.now(UTC).isoformat(timespec="milliseconds"),
        )
        self.journal.append(trial)
        self.trials.append(trial)
        self.watcher.finished(trial)

    def _next_search(self) -> Order | None:
        done = self.search_trials
        running = [order.architecture for order in self.running if order.phase == "search"]
        full = self._search_is_full()
        architecture = None if full else self._suggest(History(done, running))
        if architecture is None:
            self.searching = bool(running)
            if not running:
                self.ended = full or f"every architecture that may be tried has been, {len(done)}"
            return None
        numbers = {trial.number for trial in done} | {o.number for o in self.running if o.phase == "search"}
        number = next(n for n in range(len(numbers) + 1) if n not in numbers)
        steps = self.schedule.steps
        return Order(
            number, "search", architecture, steps, self.schedule.seed, "val", seconds=self.schedule.seconds_of(steps)
        )

    def _suggest(self, history: History) -> Architecture | None:
        seen = history.seen
        starts = (architecture for architecture in self.schedule.start if architecture not in seen)
        first = next(starts, None) if seen else None  # the plain network comes before, and that is the strategy's
        return first or self.strategy.suggest(history)

    def _search_is_full(self) -> str | None:
        """Why no search trial may start any more; None where one may.

        One that would, at the median duration so far, end after the limit is not started.
        """
        done = self.search_trials
        started = len(done) + sum(order.phase == "search" for order in self.running)
        expected = statistics.median(trial.seconds for trial in done) if done else 0.0
        if started >= self.schedule.trials:
            return f"limits.trials ({self.schedule.trials}) is reached"
        if self.schedule.seconds is not None and self._ends_late(expected):
            return f"limits.time ({format_duration(self.schedule.seconds)}) is over"
        return None

    def _next_final(self) -> Order | None:
        if self.searching:
            # The last search trials still run. The plain network is a finalist whatever becomes of them.
            early = self._orders_of_finals([self.plain]) if self.plain and self._search_is_full() else []
            return early[0] if early else None
        if self._finals is None:
            self._finals = self._plan_finals()
        return self._finals.pop(0) if self._finals else None

    def _plan_finals(self) -> list[Order]:
        if not any(trial.dice is not None for trial in self.search_trials):
            return []
        schedule = self.schedule
        chosen = finalists(self.search_trials, self.strategy.budget.box, schedule.candidates, self.plain, schedule.seed)
        left = self._orders_of_finals([*chosen, *(a for a in schedule.references if a not in chosen)])
        self.watcher.finals(chosen, len(left))
        return left

    def _orders_of_finals(self, finalists: Sequence[Architecture]) -> list[Order]:
        """Each finalist with each seed, seed by seed, but those that the journal already holds or that are running.

        Weights are kept of what the search tried: only that is ever picked and exported.
        """
        schedule = self.schedule
        searched = {trial.architecture for trial in self.search_trials}
        known: list[Trial | Order] = [*self.trials, *self.running]
        finals = [item for item in known if item.phase == "final"]
        done = {(item.architecture, item.seed, item.steps) for item in finals}
        taken = {item.number for item in finals}  # a resumed run may have other finalists or seeds than before
        numbers = (number for number in itertools.count() if number not in taken)
        return [
            Order(
                next(numbers),
                "final",
                architecture,
                schedule.final_steps,
                seed,
                "test",
                keep_weights=architecture in searched,
                seconds=schedule.seconds_of(schedule.final_steps),
            )
            for seed in range(schedule.seed + 1, schedule.seed + 1 + schedule.final_seeds)
            for architecture in finalists
            if (architecture, seed, schedule.final_steps) not in done
        ]

    def _ends_late(self, seconds: float) -> bool:
        """Whether what takes ``seconds`` from now would end after the limit."""
        if self.schedule.seconds is None:
            return False
        here = time.monotonic() - self.began if self.began is not None else 0.0
        return self._seconds_before + here + seconds > self.schedule.seconds
