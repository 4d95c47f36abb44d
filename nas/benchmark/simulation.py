"""A search on a clock that only counts: every trial takes as long as it is said to take, and no time passes."""

from __future__ import annotations

import heapq
import itertools
import tempfile
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from evaluators.evaluator import Progress
from nas.engine.orders import Order, Outcome, Source
from nas.engine.plan import Plan
from nas.engine.schedule import Schedule
from nas.engine.watcher import Watcher
from nas.records.journal import Journal
from nas.records.trial import Trial
from nas.strategies import Strategy
from search_spaces.architecture.architecture import Architecture
from search_spaces.architecture.cost import Cost

Work = Callable[[Order], Iterable[tuple[float, int, Outcome]]]


@dataclass
class SimulatedCluster:
    """Workers that take orders as soon as they are free, as real ones do, on a clock of their own.

    Attributes:
        workers: how many.
        now: seconds since the beginning; what a source has to go by.
        busy: seconds that workers have spent on orders, all together.
    """

    workers: int
    now: float = 0.0
    busy: float = 0.0

    def clock(self) -> float:
        """The time now."""
        return self.now

    @property
    def idle(self) -> float:
        """Share of the workers' time in which they had no order."""
        return 1 - self.busy / (self.now * self.workers) if self.now else 0.0

    def run(self, source: Source, work: Work) -> None:
        """Work through all orders of ``source``.

        Args:
            source: gives orders, takes outcomes.
            work: of an order what comes of it, in the order of time: the seconds since what came before, after how many
                steps, and the outcome; the last one is its end, those before are rungs.
        """
        counter = itertools.count()
        events: list[tuple[float, int, Order, int, Outcome, Iterator[tuple[float, int, Outcome]]]] = []

        def follow(order: Order, rest: Iterator[tuple[float, int, Outcome]]) -> None:
            seconds, step, outcome = next(rest)
            self.busy += seconds
            heapq.heappush(events, (self.now + seconds, next(counter), order, step, outcome, rest))

        while True:
            while len(events) < self.workers and (order := source.next()) is not None:
                follow(order, iter(work(order)))
            if not events:
                return
            self.now, _, order, step, outcome, rest = heapq.heappop(events)
            if step < order.steps and outcome.error is None:
                progress = Progress(step, order.steps, outcome.metrics.get("loss", 0.0))
                further = source.rung(order, progress, outcome)
                if further is not None:
                    follow(further, rest)
            else:
                source.finished(order, outcome)


def simulated_search(
    strategy: Strategy,
    cost_of: Callable[[Architecture], Cost],
    work: Work,
    *,
    trials: int,
    steps: int,
    seed: int,
    workers: int,
    rungs: Sequence[int] = (),
    reduction: float = 1.0,
) -> tuple[list[Trial], SimulatedCluster]:
    """The search trials of a whole search, planned and journalled as a real one, and the workers after it.

    ``work``: see ``SimulatedCluster.run``; for the numbers ``Schedule``. The journal is gone afterwards.
    """
    schedule = Schedule(
        trials=trials,
        seconds=None,
        steps=steps,
        final_steps=steps,
        final_seeds=0,
        candidates=0,
        seed=seed,
        workers=workers,
        rungs=tuple(rungs),
        reduction=reduction,
    )
    cluster = SimulatedCluster(workers)
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        journal = Journal(folder / "journal.jsonl")
        plan = Plan(strategy, schedule, journal, folder, cost_of, Watcher(), cluster.clock)
        cluster.run(plan, work)
        return plan.search_trials, cluster
