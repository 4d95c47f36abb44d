"""Trials on Ray Tune; with ``ray_cluster`` all that knows Ray.

Tune asks a ``Source`` for the next assignment, reused actors work on it, and what comes back goes to the source
again. Only plain data crosses: an architecture as a mapping, scores as numbers, weights as safetensors bytes. The
pre-processed task lies in Ray's object store once, and every worker reads the same copy.

What only workers need is imported inside them: a worker starts before it imports torch.
"""

from __future__ import annotations

import faulthandler
import os
import shutil
import tempfile
import time
from collections.abc import Callable, Generator, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Protocol

from ray import cloudpickle, tune
from ray.tune.experiment import Trial as TuneTrial
from ray.tune.schedulers import FIFOScheduler, TrialScheduler
from ray.tune.search import Searcher

from nas.engine.ray_cluster import Resources, free
from nas.engine.ray_losses import Loss, loss_of
from nas.quantities import format_duration
from search_spaces.errors import InputError
from search_spaces.plugins import import_plugins

if TYPE_CHECKING:
    from evaluators.evaluator import Evaluation, Evaluator, Progress
    from evaluators.preprocessing import PreparedTask
    from nas.records.trial import Phase
    from search_spaces.architecture.architecture import Architecture


FIRST_WORD = 30.0  # seconds without any trial at work, after which it is said
STARTING = 120.0  # seconds that workers may take to start where there is room: that is no waiting for a node
GRACE = 5.0  # seconds that a trial may be late to notice that its time is over, before its process is ended


@dataclass(frozen=True)
class Order:
    """What one trial is to do: plain data, the task aside.

    ``phase`` chooses the evaluator; ``keep_weights`` asks for the trained weights; after ``seconds`` it has failed.
    """

    number: int
    phase: Phase
    architecture: Architecture
    steps: int
    seed: int
    split: str
    keep_weights: bool = False
    seconds: float | None = None


@dataclass(frozen=True)
class Outcome:
    """What came of an order. ``error`` is a one-line reason, and then there is no score.

    ``cpu_seconds`` is the processor time of the worker over the trial.
    """

    seconds: float
    cpu_seconds: float = 0.0
    metrics: dict[str, float] = field(default_factory=dict)
    cases: dict[str, dict[str, float | None]] = field(default_factory=dict)
    distances: dict[str, dict[str, float | None]] = field(default_factory=dict)
    false_positives: dict[str, dict[str, float | None]] = field(default_factory=dict)
    weights: bytes | None = None
    error: str | None = None


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


class Source(Protocol):
    """Where orders come from and outcomes go to; called from one thread."""

    def next(self) -> Order | None:
        """The next order; None to wait for running ones, or, when none runs, to end."""

    def progress(self, order: Order, progress: Progress) -> bool:
        """Told about once a second of a running order; False stops it, and it is forgotten."""

    def finished(self, order: Order, outcome: Outcome) -> None:
        """Told of every order that ended, well or not, but for those that were stopped."""


def run_trials(
    source: Source,
    task: PreparedTask,
    evaluators: Mapping[str, Evaluator] | WithPlugins,
    resources: Resources,
    tell: Callable[[str], object] = lambda line: None,
    patience: float | None = None,
) -> None:
    """Run orders of ``source`` until it has no more; inside a ``Cluster``.

    Args:
        source: gives orders, takes outcomes; an exception of it ends the run and comes out as it is.
        task: what to train on.
        evaluators: by phase; with the modules that workers import before anything else, where there are some.
        resources: of one trial.
        tell: called with a line on what a user should know: a worker that was lost, what is waited for.
        patience: most seconds in which no trial begins, for want of a free node.

    A trial that is lost with its worker is tried once more, alone where memory may have been short.
    """
    share = {"CPU": resources.cpus_per_trial, "GPU": resources.gpus_per_trial}
    plugged = evaluators if isinstance(evaluators, WithPlugins) else WithPlugins(evaluators)
    trainable = tune.with_resources(tune.with_parameters(_Worker, task=task, evaluators=plugged, share=share), share)
    bridge = _Bridge(source, tell)
    storage = tempfile.mkdtemp(prefix="nas-tune-")
    try:
        tune.Tuner(
            trainable,
            tune_config=tune.TuneConfig(
                search_alg=_Searcher(bridge), scheduler=_Scheduler(bridge), num_samples=-1, reuse_actors=True
            ),
            run_config=tune.RunConfig(
                storage_path=storage,
                name="trials",
                verbose=0,
                callbacks=[_Recorder(bridge), _Waiting(bridge, resources, patience)],
                log_to_file=False,
                checkpoint_config=tune.CheckpointConfig(checkpoint_at_end=False),
            ),
        ).fit()
    except Exception:
        if bridge.failure is None:
            raise
    finally:
        shutil.rmtree(storage, ignore_errors=True)
    if bridge.failure is not None:
        raise bridge.failure


class _Bridge:
    """Which Tune trial works on which order, and all talk with the source.

    Tune turns an exception of the source into one of its own with a page of trace; ``failure`` keeps the first one
    as it was. Tune also pickles its parts for snapshots that nobody reads here; a bridge then leaves its source behind.
    """

    def __init__(self, source: Source | None, tell: Callable[[str], object] = lambda line: None) -> None:
        self.source = source or _NoSource()
        self.tell = tell
        self.running: dict[str, Order] = {}
        self.started: dict[str, float] = {}
        self.failure: Exception | None = None
        self._again: list[tuple[Order, bool]] = []  # lost with their workers, and whether each is to run alone
        self._lost: set[tuple[str, int]] = set()
        self._alone: str | None = None

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
        self.started[trial_id] = time.monotonic()
        return order

    def progress(self, trial_id: str, progress: Progress) -> bool:
        with self._kept():
            wanted = self.source.progress(self.running[trial_id], progress)
        if not wanted:
            del self.running[trial_id], self.started[trial_id]
        return wanted

    def lost(self, trial_id: str, loss: Loss) -> None:
        """A worker is gone: its order comes again, unless it has before, or its time is over."""
        order, seconds = self.running[trial_id], time.monotonic() - self.started[trial_id]
        if order.seconds is not None and seconds > order.seconds:
            loss = Loss(time_is_over(order.seconds), again=False)
        if not loss.again or (order.phase, order.number) in self._lost:
            self.finished(trial_id, Outcome(seconds, error=loss.reason))
            return
        self._lost.add((order.phase, order.number))
        self._again.append((order, loss.alone))
        del self.running[trial_id], self.started[trial_id]
        beside = " with no other beside it" if loss.alone else ""
        self.tell(f"{order.phase} {order.number}: {loss.reason}; it is tried once more{beside}")

    def __reduce__(self) -> tuple[type[_Bridge], tuple[None]]:
        return _Bridge, (None,)

    def finished(self, trial_id: str, outcome: Outcome) -> None:
        self.started.pop(trial_id, None)
        with self._kept():
            self.source.finished(self.running.pop(trial_id), outcome)


class _NoSource:
    """The source of a bridge that was unpickled: it has no orders."""

    def next(self) -> Order | None:
        return None

    def progress(self, order: Order, progress: Progress) -> bool:
        return False

    def finished(self, order: Order, outcome: Outcome) -> None: ...


class _Searcher(Searcher):
    """Hands Tune the source's orders."""

    def __init__(self, bridge: _Bridge) -> None:
        super().__init__()
        self.bridge = bridge

    def suggest(self, trial_id: str) -> Any:
        order = self.bridge.next(trial_id)
        if order is None:
            return None if self.bridge.running else Searcher.FINISHED
        return {"order": {**vars(order), "architecture": order.architecture.to_dict()}}

    def on_trial_complete(self, trial_id: str, result: dict[str, Any] | None = None, error: bool = False) -> None:
        """Outcomes arrive through the recorder, whole; nothing is learnt here."""

    def save(self, checkpoint_path: str) -> None:
        """Nothing to save: the journal holds all."""

    def restore(self, checkpoint_path: str) -> None:
        """Nothing to restore: a resumed search reads the journal."""


class _Scheduler(FIFOScheduler):
    """Stops the trials that the source no longer wants."""

    def __init__(self, bridge: _Bridge) -> None:
        super().__init__()
        self.bridge = bridge

    def on_trial_result(self, tune_controller: Any, trial: TuneTrial, result: dict[str, Any]) -> str:
        if trial.trial_id not in self.bridge.running or "progress/step" not in result:
            return TrialScheduler.CONTINUE
        from evaluators.evaluator import Progress

        progress = Progress(result["progress/step"], result["progress/steps"], result["progress/loss"])
        return TrialScheduler.CONTINUE if self.bridge.progress(trial.trial_id, progress) else TrialScheduler.STOP


class _Recorder(tune.Callback):
    """Takes outcomes out of Tune's results, so that scores and weights are not kept twice."""

    def __init__(self, bridge: _Bridge) -> None:
        self.bridge = bridge

    def on_trial_result(
        self, iteration: int, trials: list[TuneTrial], trial: TuneTrial, result: dict[str, Any], **info: Any
    ) -> None:
        outcome = result.pop("outcome", None)
        if outcome is not None and trial.trial_id in self.bridge.running:
            self.bridge.finished(trial.trial_id, outcome[0])

    def on_trial_start(self, iteration: int, trials: list[TuneTrial], trial: TuneTrial, **info: Any) -> None:
        if trial.trial_id in self.bridge.running:  # until now it may have waited for a node
            self.bridge.started[trial.trial_id] = time.monotonic()

    def on_trial_error(self, iteration: int, trials: list[TuneTrial], trial: TuneTrial, **info: Any) -> None:
        """The worker itself is gone; what a candidate does wrong is an outcome, and comes as a result."""
        if trial.trial_id in self.bridge.running:
            self.bridge.lost(trial.trial_id, loss_of(trial.get_pickled_error(), str(trial.get_error() or "")))


class _Waiting(tune.Callback):
    """Says what is waited for where no trial can begin, as others use the cluster, and gives up in the end."""

    def __init__(self, bridge: _Bridge, resources: Resources, patience: float | None) -> None:
        self.bridge = bridge
        self.resources = resources
        self.patience = patience
        self._since: float | None = None
        self._next = FIRST_WORD

    def on_step_end(self, iteration: int, trials: list[TuneTrial], **info: Any) -> None:
        ours = [trial for trial in trials if trial.trial_id in self.bridge.running]
        if not ours or any(trial.status == TuneTrial.RUNNING for trial in ours):
            self._since, self._next = None, FIRST_WORD
            return
        self._since = self._since or time.monotonic()
        waited = time.monotonic() - self._since
        if self.patience is not None and waited > max(self.patience, STARTING):
            self.bridge.failure = InputError(f"limits.time is over: {self._lacks(waited)}")
            raise self.bridge.failure
        if waited > self._next:
            self._next *= 4
            self.bridge.tell(self._lacks(waited))

    def _lacks(self, waited: float) -> str:
        return (
            f"no trial has begun for {format_duration(waited)}; each waits for {self.resources.wanted} on one node, "
            f"and free are {free()}"
        )


class _Worker(tune.Trainable):
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
        self.reset_config(config)

    def reset_config(self, new_config: dict[str, Any]) -> bool:
        from search_spaces.architecture.architecture import Architecture

        order = new_config["order"]
        self.order = Order(**{**order, "architecture": Architecture.from_dict(order["architecture"])})
        self.work: Generator[Progress, None, Evaluation] | None = None
        return True

    def step(self) -> dict[str, Any]:
        if self.work is None:
            self.began, self.cpu_began = time.perf_counter(), time.process_time()
        try:
            with self._in_time():
                self.work = self.work or self._begin()
                return {"progress": vars(next(self.work))}
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
        left = seconds - (time.perf_counter() - self.began)
        with open(os.devnull, "w") as nowhere:
            faulthandler.dump_traceback_later(max(left, 0) + GRACE, exit=True, file=nowhere)
            try:
                yield
            finally:
                faulthandler.cancel_dump_traceback_later()
        if time.perf_counter() - self.began > seconds:
            raise OutOfTime(time_is_over(seconds))

    def _begin(self) -> Generator[Progress, None, Evaluation]:
        from evaluators.evaluator import Assignment

        order = self.order
        assignment = Assignment(order.architecture, self.task, order.steps, order.seed, order.split, self.device)
        return self.evaluators[order.phase].evaluate(assignment)

    def _outcome(self, evaluation: Evaluation) -> Outcome:
        from nas.engine.scores import plain_scores

        scores = plain_scores(evaluation)
        return self._timed(**scores, weights=evaluation.weights() if self.order.keep_weights else None)

    def _timed(self, **found: Any) -> Outcome:
        return Outcome(time.perf_counter() - self.began, time.process_time() - self.cpu_began, **found)

    def _end(self, outcome: Outcome) -> dict[str, Any]:
        self.work = None
        if self.device == "cuda":
            import torch

            torch.cuda.empty_cache()
        return {"outcome": [outcome], "done": True}


class OutOfTime(RuntimeError):
    """A trial took longer than it may."""


def time_is_over(seconds: float) -> str:
    """The reason of a trial that took longer than ``seconds``."""
    return f"took longer than limits.trial_time ({format_duration(seconds)})"


def failure_reason(error: Exception) -> str:
    """One line that says why a trial failed."""
    import torch

    from evaluators.evaluator import Diverged
    from nas.engine.scores import NoScore

    text = " ".join(str(error).split())
    if isinstance(error, torch.OutOfMemoryError | MemoryError) or "not enough memory" in text:
        return f"out of memory: {text[:300]}"
    if isinstance(error, Diverged):
        return f"diverged: {text}"
    if isinstance(error, NoScore | OutOfTime):
        return text
    return f"{type(error).__name__}: {text[:300]}"
