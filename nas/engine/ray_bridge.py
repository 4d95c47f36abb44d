"""Which Tune trial works on which order, and all talk with the source of orders."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from typing import TYPE_CHECKING

from nas.engine.failures import OUT_OF_MEMORY, time_is_over
from nas.engine.orders import Order, Outcome, Source
from nas.engine.ray_losses import Loss
from search_spaces.errors import InputError

if TYPE_CHECKING:
    from evaluators.evaluator import Progress

BEGINNINGS = 3  # workers in which a trial may be unable to begin
EVERYWHERE = "this package, its plugins and their versions to be the same on every machine of the cluster"


class Bridge:
    """Which Tune trial works on which order, and all talk with the source.

    Tune turns an exception of the source into one of its own with a page of trace; ``failure`` keeps the first one
    as it was. Tune also pickles its parts for snapshots that nobody reads here; a bridge then leaves its source behind.
    """

    def __init__(self, source: Source | None, tell: Callable[[str], object] = lambda line: None) -> None:
        self.source = source or _NoSource()
        self.tell = tell
        self.running: dict[str, Order] = {}
        self._started: dict[str, float] = {}  # when each would have, had it never been put aside
        self.failure: Exception | None = None
        self._again: list[tuple[Order, bool]] = []  # lost to the machine, and whether each is to run alone
        # Each order may be lost once with its machine, and once for want of memory.
        self._lost: set[tuple[str, int, bool]] = set()
        self._refused: Counter[tuple[str, int]] = Counter()  # how often each could not begin
        self._alone: str | None = None
        self._any_worked = False

    @contextmanager
    def _kept(self) -> Iterator[None]:
        try:
            yield
        except Exception as error:
            self.failure = self.failure or error
            raise

    def next(self, trial_id: str) -> Order | None:
        if self._alone in self.running:
            return None
        if self._again:
            order, alone = self._again[0]
            if alone and self.running:
                return None
            self._again.pop(0)
            self._alone = trial_id if alone else None
        else:
            with self._kept():
                found = self.source.next()
            if found is None:
                return None
            order = found
        self.running[trial_id] = order
        self.began(trial_id)
        return order

    def began(self, trial_id: str) -> None:
        """A trial is at work from now on: until then it may have waited for a node."""
        self._started[trial_id] = time.monotonic() - self.running[trial_id].spent[0]

    def progress(self, trial_id: str, progress: Progress) -> bool:
        self._any_worked = True
        with self._kept():
            wanted = self.source.progress(self.running[trial_id], progress)
        if not wanted:
            del self.running[trial_id], self._started[trial_id]
        return wanted

    def rung(self, trial_id: str, progress: Progress, outcome: Outcome) -> bool:
        self._any_worked = True
        with self._kept():
            order = self.source.rung(self.running[trial_id], progress, outcome)
        if order is None:
            del self.running[trial_id], self._started[trial_id]
        else:
            self.running[trial_id] = order
        return order is not None

    def resized(self, trials: int) -> None:
        """The cluster has changed: so many trials fit now."""
        self.tell(f"the cluster has changed: {trials} trial{'' if trials == 1 else 's'} at once from now on")
        with self._kept():
            self.source.resized(trials)

    def longest_wait(self) -> float | None:
        """See ``Source``."""
        return self.source.longest_wait()

    def alone(self, trial_id: str) -> bool:
        """Whether a trial runs with no other beside it, and has a whole machine's memory."""
        return trial_id == self._alone

    def lost(self, trial_id: str, loss: Loss) -> None:
        """A trial was lost to the machine: its order comes again, unless it has before, or its time is over."""
        if not (loss.begun or loss.again):
            loss = self._unable_to_begin(trial_id, loss)
        order, seconds = self.running[trial_id], time.monotonic() - self._started[trial_id]
        if loss.begun and order.seconds is not None and seconds > order.seconds:
            loss = Loss(time_is_over(order), again=False)
        if not self._comes_again(trial_id, loss):
            self._finished(trial_id, Outcome(seconds, error=loss.reason))

    def _unable_to_begin(self, trial_id: str, loss: Loss) -> Loss:
        """Where others have begun it may be one machine that cannot; what no machine begins is no trial's failure."""
        order = self.running[trial_id]
        self._refused[order.key] += 1
        if not self._any_worked or self._refused[order.key] == BEGINNINGS:
            which = f"{order.phase} {order.number}" if self._any_worked else "no trial"
            cannot = "cannot begin" if self._any_worked else "can begin"
            self.failure = InputError(f"{which} {cannot}, {loss.reason}; expected {EVERYWHERE}")
            raise self.failure
        return replace(loss, again=True)

    def finished(self, trial_id: str, outcome: Outcome) -> None:
        """An outcome has come; where memory was short, the order comes again once, alone."""
        self._any_worked = True
        short = outcome.error is not None and outcome.error.startswith(OUT_OF_MEMORY)
        if not (short and self._comes_again(trial_id, Loss(str(outcome.error)))):
            self._finished(trial_id, outcome)

    def _comes_again(self, trial_id: str, loss: Loss) -> bool:
        order = self.running[trial_id]
        key = *order.key, loss.alone
        if not loss.again or (loss.begun and key in self._lost):
            return False
        if loss.begun:
            self._lost.add(key)
        alone = loss.alone or self.alone(trial_id)  # what was to run alone still is
        self._again.append((order, alone))
        del self.running[trial_id], self._started[trial_id]
        next_ = "it is tried once more" if loss.begun else "it begins in another"
        self.tell(f"{order.phase} {order.number}: {loss.reason}; {next_}{' with no other beside it' if alone else ''}")
        return True

    def _finished(self, trial_id: str, outcome: Outcome) -> None:
        self._started.pop(trial_id, None)
        with self._kept():
            self.source.finished(self.running.pop(trial_id), outcome)

    def __reduce__(self) -> tuple[type[Bridge], tuple[None]]:
        return Bridge, (None,)


class _NoSource:
    """The source of a bridge that was unpickled: it has no orders."""

    def next(self) -> Order | None:
        return None

    def progress(self, order: Order, progress: Progress) -> bool:
        return False

    def rung(self, order: Order, progress: Progress, outcome: Outcome) -> Order | None:
        return None

    def finished(self, order: Order, outcome: Outcome) -> None: ...

    def resized(self, trials: int) -> None: ...

    def longest_wait(self) -> float | None:
        return None
