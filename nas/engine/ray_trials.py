"""Trials on Ray Tune; with the other ``ray_`` modules all that knows Ray.

Tune asks a ``Source`` for the next assignment, reused actors work on it, and what comes back goes to the source
again. Only plain data crosses: an architecture as a mapping, scores as numbers, weights as safetensors bytes. The
pre-processed task lies in Ray's object store once, and every worker reads the same copy.
"""

from __future__ import annotations

import logging
import shutil
import tempfile
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

import ray
from ray import tune
from ray.tune.experiment import Trial as TuneTrial
from ray.tune.schedulers import FIFOScheduler, TrialScheduler
from ray.tune.search import Searcher

from nas.engine.orders import Source
from nas.engine.ray_bridge import Bridge
from nas.engine.ray_cluster import Resources
from nas.engine.ray_growth import Growth
from nas.engine.ray_losses import error_of, loss_of
from nas.engine.ray_waiting import Waiting
from nas.engine.ray_worker import WithPlugins, Worker

if TYPE_CHECKING:
    from evaluators.evaluator import Evaluator
    from evaluators.preprocessing import PreparedTask


def run_trials(
    source: Source,
    task: PreparedTask,
    evaluators: Mapping[str, Evaluator] | WithPlugins,
    resources: Resources,
    tell: Callable[[str], object] = lambda line: None,
) -> None:
    """Run orders of ``source`` until it has no more; inside a ``Cluster``.

    Args:
        source: gives orders, takes outcomes; an exception of it ends the run and comes out as it is.
        task: what to train on.
        evaluators: by phase; with the modules that workers import before anything else, where there are some.
        resources: of one trial.
        tell: called with a line on what a user should know: a worker that was lost, what is waited for.

    A trial that is lost with its worker, or that was out of memory, is tried once more; alone where memory may have
    been short.
    """
    share = {"CPU": resources.cpus_per_trial, "GPU": resources.gpus_per_trial}
    plugged = evaluators if isinstance(evaluators, WithPlugins) else WithPlugins(evaluators)
    trainable = tune.with_resources(tune.with_parameters(Worker, task=task, evaluators=plugged, share=share), share)
    bridge = Bridge(source, tell)
    storage = tempfile.mkdtemp(prefix="nas-tune-")
    tunes_log = logging.getLogger("ray.tune")
    level = tunes_log.level
    tunes_log.setLevel(logging.CRITICAL)  # of a lost worker Tune writes pages, where ``tell`` is told a line
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
                callbacks=[_Recorder(bridge), Waiting(bridge, resources), Growth(bridge, resources)],
                log_to_file=False,
                checkpoint_config=tune.CheckpointConfig(checkpoint_at_end=False),
            ),
        ).fit()
    except Exception:
        if bridge.failure is None:
            raise
    finally:
        tunes_log.setLevel(level)
        shutil.rmtree(storage, ignore_errors=True)
    if bridge.failure is not None:
        raise bridge.failure


class _Searcher(Searcher):
    """Hands Tune the source's orders."""

    def __init__(self, bridge: Bridge) -> None:
        super().__init__()
        self.bridge = bridge

    def suggest(self, trial_id: str) -> Any:
        order = self.bridge.next(trial_id)
        if order is None:
            return None if self.bridge.running else Searcher.FINISHED
        # A state is megabytes: it goes through the object store, and not through what Tune keeps of every trial.
        state = [] if order.state is None else [ray.put(order.state)]
        plain = {**vars(order), "architecture": order.architecture.to_dict(), "state": None}
        return {"order": plain, "state": state, "alone": self.bridge.alone(trial_id)}

    def on_trial_complete(self, trial_id: str, result: dict[str, Any] | None = None, error: bool = False) -> None:
        """Outcomes arrive through the recorder, whole; nothing is learnt here."""

    def save(self, checkpoint_path: str) -> None:
        """Nothing to save: the journal holds all."""

    def restore(self, checkpoint_path: str) -> None:
        """Nothing to restore: a resumed search reads the journal."""


class _Scheduler(FIFOScheduler):
    """Stops the trials that the source no longer wants."""

    def __init__(self, bridge: Bridge) -> None:
        super().__init__()
        self.bridge = bridge

    def on_trial_result(self, tune_controller: Any, trial: TuneTrial, result: dict[str, Any]) -> str:
        if trial.trial_id not in self.bridge.running or "progress/step" not in result:
            return TrialScheduler.CONTINUE
        from evaluators.evaluator import Progress

        scored = tuple(result["scored"]) if "scored" in result else None
        progress = Progress(result["progress/step"], result["progress/steps"], result["progress/loss"], scored=scored)
        if "rung" in result:
            goes_on = self.bridge.rung(trial.trial_id, progress, result["rung"][0])
        else:
            goes_on = self.bridge.progress(trial.trial_id, progress)
        return TrialScheduler.CONTINUE if goes_on else TrialScheduler.STOP


class _Recorder(tune.Callback):
    """Takes outcomes out of Tune's results, so that scores, weights and states are not kept twice."""

    def __init__(self, bridge: Bridge) -> None:
        self.bridge = bridge

    def on_trial_result(
        self, iteration: int, trials: list[TuneTrial], trial: TuneTrial, result: dict[str, Any], **info: Any
    ) -> None:
        trial.config.pop("state", None)  # the worker has it by now
        result.pop("rung", None)
        outcome = result.pop("outcome", None)
        if outcome is not None and trial.trial_id in self.bridge.running:
            self.bridge.finished(trial.trial_id, outcome[0])

    def on_trial_start(self, iteration: int, trials: list[TuneTrial], trial: TuneTrial, **info: Any) -> None:
        if trial.trial_id in self.bridge.running:  # until now it may have waited for a node
            self.bridge.began(trial.trial_id)

    def on_trial_error(self, iteration: int, trials: list[TuneTrial], trial: TuneTrial, **info: Any) -> None:
        """The worker itself is gone; what a candidate does wrong is an outcome, and comes as a result."""
        if trial.trial_id in self.bridge.running:
            self.bridge.lost(trial.trial_id, loss_of(*error_of(trial)))
