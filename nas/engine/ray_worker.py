"""The actor that trains: it builds what an order says, evaluates it, and reports.

What only it needs is imported inside: a worker starts before it imports torch.
"""

from __future__ import annotations

import faulthandler
import os
import threading
import time
from collections.abc import Callable, Generator, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import ray
from ray import cloudpickle, tune

from evaluators.cores import allowed_cores
from evaluators.memory import allowed_memory, own_memory
from nas.engine.failures import Leaked, OutOfTime, failure_reason, time_is_over
from nas.engine.orders import SILENCE, Order, Outcome
from nas.quantities import format_bytes
from search_spaces.plugins import import_plugins

if TYPE_CHECKING:
    from evaluators.evaluator import Evaluation, Evaluator, Progress
    from evaluators.preprocessing import PreparedTask

GRACE = 5.0  # seconds that a trial may be late to notice that its time is over, before its process is ended
LONGEST = threading.TIMEOUT_MAX  # seconds: some 300 years, more than a timer takes is never over
LEAKED = 0.5  # of a worker's share of its machine's memory, by which it may grow from trial to trial


@dataclass(frozen=True)
class WithPlugins:
    """Evaluators by phase, for which modules of the user's own are imported before they are unpacked in a worker."""

    evaluators: Mapping[str, Evaluator]
    plugins: tuple[str, ...] = ()

    def __reduce__(self) -> tuple[Callable[..., WithPlugins], tuple[bytes, tuple[str, ...]]]:
        return _unpacked, (cloudpickle.dumps(dict(self.evaluators)), self.plugins)


def _unpacked(evaluators: bytes, plugins: tuple[str, ...]) -> WithPlugins:
    import_plugins(plugins)
    return WithPlugins(cloudpickle.loads(evaluators), plugins)


class Worker(tune.Trainable):
    """A reused actor: builds what an order says, evaluates it step by step, and reports."""

    def setup(
        self,
        config: dict[str, Any],
        task: PreparedTask | None = None,
        evaluators: WithPlugins | None = None,
        share: Mapping[str, float] | None = None,
    ) -> None:
        assert task is not None
        assert evaluators is not None
        assert share is not None
        import torch

        torch.set_num_threads(int(share["CPU"]))
        self.task, self.evaluators = task, evaluators.evaluators
        self.device = "cuda" if share["GPU"] else "cpu"
        self.share = min(share["GPU"], 1.0)
        self.memory = allowed_memory() * share["CPU"] / allowed_cores()
        self.held: int | None = None  # bytes, after the first trial
        self._take(config)

    def reset_config(self, new_config: dict[str, Any]) -> bool:
        self._check_memory()
        self._take(new_config)
        return True

    def _check_memory(self) -> None:
        """Raises ``Leaked`` where trials have left so much behind that others would soon lack it."""
        held = own_memory()
        grown = held - (held if self.held is None else self.held)
        self.held = held - grown
        if grown > LEAKED * self.memory:
            raise Leaked(f"its worker holds {format_bytes(grown)} more than after its first trial, and is replaced")

    def _take(self, config: dict[str, Any]) -> None:
        import torch

        from search_spaces.architecture.architecture import Architecture

        order = config["order"]
        state = ray.get(config["state"][0]) if config.get("state") else None
        self.order = Order(**{**order, "architecture": Architecture.from_dict(order["architecture"]), "state": state})
        self.work: Generator[Progress, None, Evaluation] | None = None
        if self.device == "cuda" and torch.cuda.is_available():
            # A trial that takes more of a shared GPU than its share is itself out of memory, not the one beside it.
            torch.cuda.set_per_process_memory_fraction(1.0 if config["alone"] else self.share)

    def step(self) -> dict[str, Any]:
        if self.work is None:
            self.began, self.cpu_began = time.perf_counter(), time.process_time()
        try:
            with self._in_time():
                self.work = self.work or self._begin()
                return self._told(next(self.work))
        except StopIteration as stop:
            evaluation = stop.value
        except Exception as error:  # any failure of a candidate is a result: it is recorded, and the search goes on
            return self._end(self._timed(error=failure_reason(error)))
        try:
            return self._end(self._outcome(evaluation))
        except Exception as error:
            return self._end(self._timed(error=failure_reason(error)))

    @contextmanager
    def _in_time(self) -> Iterator[None]:
        """What takes longer than it may fails; what hangs takes the whole process with it, from a thread of C."""
        seconds = self.order.seconds
        if seconds is None:
            yield
            return
        left = seconds - self._seconds()
        if self.order.silence:  # who has reported late was not stopped
            left = max(left, SILENCE)
        with open(os.devnull, "w") as nowhere:
            faulthandler.dump_traceback_later(min(max(left, 0) + GRACE, LONGEST), exit=True, file=nowhere)
            try:
                yield
            finally:
                faulthandler.cancel_dump_traceback_later()
        if self._seconds() > seconds and not self.order.silence:
            raise OutOfTime(time_is_over(self.order))

    def _begin(self) -> Generator[Progress, None, Evaluation]:
        from evaluators.evaluator import Assignment

        order = self.order
        assignment = Assignment(
            order.architecture,
            self.task,
            order.steps,
            order.seed,
            order.split,
            self.device,
            rungs=order.rungs,
            state=order.state,
        )
        return self.evaluators[order.phase].evaluate(assignment)

    def _told(self, progress: Progress) -> dict[str, Any]:
        told: dict[str, Any] = {"progress": {name: getattr(progress, name) for name in ("step", "steps", "loss")}}
        if progress.scored is not None:
            told["scored"] = list(progress.scored)
        if progress.evaluation is not None:
            rung = self._scored(progress.evaluation)
            told["rung"] = [replace(rung, state=progress.state()) if progress.state is not None else rung]
        return told

    def _outcome(self, evaluation: Evaluation) -> Outcome:
        found = self._scored(evaluation)
        return replace(found, weights=evaluation.weights()) if self.order.keep_weights else found

    def _scored(self, evaluation: Evaluation) -> Outcome:
        from nas.engine.scores import plain_scores

        return self._timed(**plain_scores(evaluation))

    def _seconds(self) -> float:
        return self.order.spent[0] + time.perf_counter() - self.began

    def _timed(self, **found: Any) -> Outcome:
        return Outcome(self._seconds(), self.order.spent[1] + time.process_time() - self.cpu_began, **found)

    def _end(self, outcome: Outcome) -> dict[str, Any]:
        self.work = None
        if self.device == "cuda":
            import torch

            torch.cuda.empty_cache()
        return {"outcome": [outcome], "done": True}
