"""What a run does next: the search, trial by trial, then the finals.

Plain logic without Ray: orders go out, outcomes come in, and every outcome is in the journal before anything
else happens with it.
"""

from __future__ import annotations

import bisect
import itertools
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

from evaluators.evaluator import Progress
from evaluators.files import write_bytes
from nas.engine.finals import Finals
from nas.engine.halving import Halving
from nas.engine.orders import SILENCE, Order, Outcome
from nas.engine.schedule import Schedule
from nas.engine.watcher import Watcher
from nas.evidence.controls import counterparts_of, unets_of
from nas.evidence.front import front_of
from nas.evidence.left_out import each_slot_empty
from nas.quantities import format_duration
from nas.records.journal import Journal
from nas.records.states import States
from nas.records.trial import Phase, Trial
from nas.records.usage import running_seconds
from nas.strategies import History, Strategy
from nas.surrogate.recommendation import finalists
from search_spaces.architecture.architecture import Architecture
from search_spaces.architecture.cost import Cost
from search_spaces.architecture.counterpart import NEAR

KEPT = 64  # most trials that halving has put aside with all they need to be gone on with


class Plan:
    """Gives orders and takes outcomes; the state is the journal plus what is running.

    Args:
        strategy: asked for what to try.
        schedule: how much is done.
        journal: read at first, then written to.
        folder: of the run.
        cost_of: an architecture on the task.
        watcher: told what goes on.
        clock: seconds that rise.
    """

    def __init__(
        self,
        strategy: Strategy,
        schedule: Schedule,
        journal: Journal,
        folder: Path,
        cost_of: Callable[[Architecture], Cost],
        watcher: Watcher,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self.strategy = strategy
        self.schedule = schedule
        self.journal = journal
        self.folder = folder
        self.cost_of = cost_of
        self.watcher = watcher
        self.clock = clock
        self.running: dict[tuple[Phase, int], Order] = {}
        self.workers = schedule.workers
        self.ended: str | None = None  # why the search did
        self.began: float | None = None  # the first sign of life of a trial: workers take seconds to start
        self._epoch = time.time() - clock()
        self._trials: dict[tuple[Phase, int], Trial] = {}
        self._history = History(steps=schedule.steps)
        self._halving = Halving(schedule.rungs, schedule.reduction, self._is_asked_for)
        self._states = States(folder / "states")
        self._waiting: dict[int, Trial] = {}  # scored on the way, and can be gone on with
        self._durations: list[float] = []  # of search trials, rising
        self._numbers: set[int] = set()  # of search trials, done or running
        self._free = 0  # no number below is
        for trial in journal.read():
            self._take(trial)
            self._wait(trial)
        trials = self.trials
        self._seconds_before = running_seconds(self.search_trials)
        last = trials[-1].phase if trials else "search"
        others = any(trial.phase == "final" and trial.architecture != self.plain for trial in trials)
        self.searching = schedule.reopened or last == "search" or not others  # the plain network's may come early
        self._finals: Finals | None = None
        watcher.opened(folder, schedule, trials)

    @property
    def trials(self) -> list[Trial]:
        return list(self._trials.values())

    @property
    def search_trials(self) -> list[Trial]:
        return [trial for trial in self._trials.values() if trial.phase == "search"]

    @property
    def plain(self) -> Architecture | None:
        """The network without attention, which is a finalist whatever became of it."""
        first = self._trials.get(("search", 0))
        return first.architecture if first else None

    def next(self) -> Order | None:
        if len(self.running) >= self.workers:
            return None
        order = self._next_search() if self.searching else None
        if order is None:
            order = self._next_final()
        if order is not None:
            self.running[order.key] = order
            if order.phase == "search":
                self._numbers.add(order.number)
                self._waiting.pop(order.number, None)
                self._history.begin(order.architecture)
            self.watcher.started(order, self.cost_of(order.architecture))
        return order

    def progress(self, order: Order, progress: Progress) -> bool:
        self.began = self.began or self.clock()
        if order.phase == "search" and self._ends_late(0.0):
            self._leave(order)
            self.watcher.stopped(order)
            return False
        self.watcher.progress(order, progress)
        return True

    def rung(self, order: Order, progress: Progress, outcome: Outcome) -> Order | None:
        self.began = self.began or self.clock() - outcome.seconds
        order = self.running[order.key]
        if outcome.state is not None:  # before the journal, which then says no more than there is
            self._states.keep(order.number, outcome.state)
        trial = self._record(order, outcome, progress.step)
        if self._halving.goes_on(trial) and not self._ends_late(0.0):
            self.watcher.progress(order, progress)
            spent = (outcome.seconds, outcome.cpu_seconds)
            further = replace(order, state=outcome.state, spent=spent, curve=trial.curve)
            self.running[order.key] = further
            return further
        self._leave(order)
        self.watcher.halted(trial)
        return None

    def finished(self, order: Order, outcome: Outcome) -> None:
        self.began = self.began or self.clock() - outcome.seconds
        order = self.running[order.key]  # with what it has shown on the way
        weights = None
        if outcome.weights is not None:
            weights = f"weights/{order.architecture.key}-{order.seed}-{order.steps}.safetensors"  # no other training's
            write_bytes(self.folder / weights, outcome.weights)
        trial = self._record(order, outcome, order.steps, weights)
        self._leave(order)
        self.watcher.finished(trial)

    def resized(self, trials: int) -> None:
        self.workers = trials

    def longest_wait(self) -> float | None:
        return self._seconds_left() if self.searching else None

    def _record(self, order: Order, outcome: Outcome, steps: int, weights: str | None = None) -> Trial:
        dice = outcome.metrics.get("dice")
        trial = Trial(
            number=order.number,
            phase=order.phase,
            architecture=order.architecture,
            seed=order.seed,
            steps=steps,
            status="failed" if outcome.error else "completed",
            cost=self.cost_of(order.architecture),
            metrics=outcome.metrics,
            cases=outcome.cases,
            distances=outcome.distances,
            false_positives=outcome.false_positives,
            surface_dice=outcome.surface_dice,
            seconds=round(outcome.seconds, 3),
            cpu_seconds=round(outcome.cpu_seconds, 3),
            error=outcome.error,
            weights=weights,
            finished=datetime.fromtimestamp(self._epoch + self.clock(), UTC).isoformat(timespec="milliseconds"),
            curve=order.curve if dice is None else (*order.curve, (steps, dice)),
        )
        self.journal.append(trial)
        self._take(trial)
        return trial

    def _take(self, trial: Trial) -> None:
        before = self._trials.get((trial.phase, trial.number))
        self._trials[trial.phase, trial.number] = trial
        if trial.phase == "search":
            self._history.add(trial)
            self._halving.saw(trial)
            self._numbers.add(trial.number)
            if before is not None:
                self._durations.remove(before.seconds)
            bisect.insort(self._durations, trial.seconds)

    def _leave(self, order: Order) -> None:
        """An order no longer runs."""
        del self.running[order.key]
        if order.phase != "search":
            return
        self._history.end(order.architecture)
        trial = self._trials.get(order.key)
        if trial is None:
            self._numbers.discard(order.number)
            self._free = min(self._free, order.number)
        else:
            self._wait(trial)

    def _wait(self, trial: Trial) -> None:
        """Keep what a trial that has steps left needs to be gone on with, where that may ever happen."""
        if trial.phase != "search":
            return
        unfinished = trial.status == "completed" and trial.steps < self.schedule.steps
        if not unfinished or self._halving.is_hopeless(trial):
            self._states.drop(trial.number)
        elif trial.number in self._states:
            self._waiting[trial.number] = trial
        if self.schedule.reduction == 1:  # they were stopped, and all go on
            return
        aside = [trial for trial in self._waiting.values() if not self._is_asked_for(trial)]
        if len(aside) > KEPT:
            worst = max(aside, key=self._halving.shortfall)
            del self._waiting[worst.number]
            self._states.drop(worst.number)

    def _is_asked_for(self, trial: Trial) -> bool:
        """The plain network and what the user names are worked to the end, whatever else is better."""
        return trial.number == 0 or trial.architecture in self.schedule.start

    def _next_search(self) -> Order | None:
        over = self._time_is_over()
        waiting = None if over else self._halving.next(self._waiting.values())
        if waiting is not None:
            return self._order(waiting.number, waiting.architecture, waiting)
        full = over or self._trials_are_up()
        architecture = None if full else self._suggest()
        if architecture is None:
            running = any(order.phase == "search" for order in self.running.values())
            self.searching = running
            if not running:
                self.ended = full or f"every architecture that may be tried has been, {len(self._numbers)}"
            return None
        while self._free in self._numbers:
            self._free += 1
        return self._order(self._free, architecture)

    def _order(self, number: int, architecture: Architecture, before: Trial | None = None) -> Order:
        """To evaluate an architecture, or to go on from an earlier trial of it."""
        steps = self.schedule.steps
        order = Order(number, "search", architecture, steps, self.schedule.seed, "val", rungs=self.schedule.rungs)
        if before is not None:
            spent, state = (before.seconds, before.cpu_seconds), self._states.read(number)
            order = replace(order, state=state, spent=spent, curve=before.curve)
        own, left = self.schedule.seconds_of(steps), self._seconds_left()
        if left is not None:
            silent = order.spent[0] + max(left, 0.0) + SILENCE
            if own is None or silent < own:
                return replace(order, seconds=silent, limit="limits.time leaves it", silence=True)
        return replace(order, seconds=own)

    def _suggest(self) -> Architecture | None:
        seen = self._history.seen
        starts = (architecture for architecture in self.schedule.start if architecture not in seen)
        first = next(starts, None) if seen else None  # the plain network comes before, and that is the strategy's
        return first or self.strategy.suggest(self._history)

    def _trials_are_up(self) -> str | None:
        """Why no new search trial may start any more, as there have been enough; None where one may."""
        trials = self.schedule.trials
        return f"limits.trials ({trials}) is reached" if len(self._numbers) >= trials else None

    def _time_is_over(self) -> str | None:
        """Why no search trial may start: at the median duration so far it would end after the limit."""
        if self.schedule.seconds is None:
            return None
        expected = self._durations[len(self._durations) // 2] if self._durations else 0.0
        over = f"limits.time ({format_duration(self.schedule.seconds)}) is over"
        return over if self._ends_late(expected) else None

    def _next_final(self) -> Order | None:
        if self.searching:
            # The last search trials still run. The plain network is a finalist whatever becomes of them.
            full = self._time_is_over() or self._trials_are_up()
            early = self._finals_of([self.plain]).even(self._begun()[0]) if self.plain and full else None
            training = next(early, None) if early else None
            return self._final(*training) if training else None
        if self._finals is None:
            self._finals = self._plan_finals()
        begun, running = self._begun()
        training = self._finals.next(begun, running, self._doubts)
        return self._final(*training) if training else None

    def _plan_finals(self) -> Finals:
        if not any(trial.dice is not None for trial in self.search_trials):
            return self._finals_of([])
        schedule = self.schedule
        matched = schedule.references if schedule.match_references and schedule.final_seeds else {}
        chosen = finalists(
            self.search_trials,
            self.strategy.budget.box,
            schedule.candidates,
            self.plain,
            schedule.seed,
            list(map(self._params_of, matched)),
        )
        counterparts = counterparts_of(chosen, self._params_of) if schedule.controls and schedule.final_seeds else {}
        unets = unets_of(matched, self.plain, self._params_of)
        held = {**counterparts, **unets}
        self.watcher.noted(self._unequal(held))
        finals = self._finals_of(chosen, counterparts, unets)
        self.watcher.finals(chosen, held, finals.left(self._begun()[0]))
        return finals

    def _finals_of(
        self,
        chosen: Sequence[Architecture],
        counterparts: Mapping[Architecture, Architecture] | None = None,
        unets: Mapping[Architecture, Architecture] | None = None,
    ) -> Finals:
        schedule = self.schedule
        attended = [one for one in chosen if not one.is_plain]
        pairs = {one: [self.plain, (counterparts or {}).get(one)] for one in attended}
        controls = {one: [other for other in others if other is not None] for one, others in pairs.items()}
        if schedule.leave_out:  # of the one that the search holds for the best: no test case has a say in it
            controls |= {one: [*controls[one], *each_slot_empty(one)] for one in attended[:1]}
        known = {*chosen, *itertools.chain.from_iterable(controls.values())}
        beside = dict.fromkeys([*schedule.references, *(unets or {}).values()])  # as many seeds as each other
        return Finals(
            chosen,
            controls,
            [one for one in beside if one not in known] if chosen else [],
            schedule.seed + 1,
            schedule.final_seeds,
            schedule.racing,
        )

    def _unequal(self, counterparts: Mapping[Architecture, Architecture]) -> list[str]:
        """A line for each network that no width of its host comes near to."""
        sizes = [(one, other, self._params_of(other) / self._params_of(one) - 1) for one, other in counterparts.items()]
        return [
            f"finals: no plain network is about as large as {one}; the nearest, {other}, has {excess:+.0%} parameters"
            for one, other, excess in sizes
            if abs(excess) > NEAR
        ]

    def _params_of(self, architecture: Architecture) -> int:
        return self.cost_of(architecture).params

    def _begun(self) -> tuple[dict[Architecture, set[int]], set[Architecture]]:
        """The seeds with which a final of each network has ended or runs, and the networks of which one runs."""
        running = [order for order in self.running.values() if order.phase == "final"]
        begun: dict[Architecture, set[int]] = {}
        items: list[Trial | Order] = [*self._final_trials(), *running]
        for item in items:
            begun.setdefault(item.architecture, set()).add(item.seed)
        return begun, {order.architecture for order in running}

    def _final_trials(self) -> list[Trial]:
        """Those that were trained as long as finals now are."""
        steps = self.schedule.final_steps
        return [trial for trial in self._trials.values() if trial.phase == "final" and trial.steps == steps]

    def _doubts(self) -> Mapping[Architecture, float]:
        """How much of what is not sure about the front hangs on each network; empty with too few cases to tell."""
        assert self._finals is not None
        networks = set(self._finals.networks)
        trials = [trial for trial in self._final_trials() if trial.architecture in networks]
        cases = {case for trial in trials for case in trial.cases}
        return front_of(trials, self.plain).doubts if len(cases) > 1 else {}

    def _final(self, architecture: Architecture, seed: int) -> Order:
        """Weights are kept of what may be picked and exported: all but references that the search did not try."""
        schedule = self.schedule
        searched = any(trial.architecture == architecture for trial in self.search_trials)
        known: list[Trial | Order] = [*self._trials.values(), *self.running.values()]
        taken = {item.number for item in known if item.phase == "final"}  # of other finalists of earlier sessions too
        return Order(
            next(number for number in itertools.count() if number not in taken),
            "final",
            architecture,
            schedule.final_steps,
            seed,
            "test",
            keep_weights=searched or architecture not in schedule.references,
            seconds=schedule.seconds_of(schedule.final_steps * schedule.final_folds),
        )

    def _ends_late(self, seconds: float) -> bool:
        """Whether what takes ``seconds`` from now would end after the limit."""
        left = self._seconds_left()
        return left is not None and seconds > left

    def _seconds_left(self) -> float | None:
        """Until the limit; None where there is none."""
        if self.schedule.seconds is None:
            return None
        here = self.clock() - self.began if self.began is not None else 0.0
        return self.schedule.seconds - self._seconds_before - here
