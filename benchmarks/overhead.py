"""What the tool adds to a trial: a search with an evaluator that costs nothing, beside plain Ray Tune.

All sides run in this process on one Ray, with reused actors and the same number of trials at once. Per trial is
the time from the middle result to the last, over the trials between them, so that start-up is not in it. Plain
Tune is timed as a user gets it, without its result files, and without them but with a searcher that gives a trial
when one has ended, as a strategy that learns from results must. The start-up of the whole tool, from process start
to the first trial running, is measured in a process of its own.

With --strategies the sides are searches of this tool by these strategies instead, the first one that which the others
are held against; a strategy that learns takes the longer the more trials there are, and is timed over the last half.

    python benchmarks/overhead.py [--trials 600] [--rounds 3] [--quick] [--strategies random model]
        [--out overhead.json]
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from typing import Any

import ray
from ray import tune
from ray.tune.search import Searcher
from result import finish
from rich.console import Console
from rich.table import Table

from nas.engine.launch import search
from nas.engine.ray_cluster import QUIET
from nas.engine.watcher import Watcher
from nas.records.trial import Trial

STARTUP = ["search", "--set", "limits.trials=1", "--set", "finals.seeds=0", "--set", "training.steps=1"]


class Clock(Watcher):
    """Notes when each trial ended."""

    def __init__(self) -> None:
        self.ends: list[float] = []

    def finished(self, trial: Trial) -> None:
        self.ends.append(time.perf_counter())


def per_trial(ends: list[float], skip: int) -> float:
    """Seconds a trial between the ``skip``-th end and the last."""
    return (ends[-1] - ends[skip]) / (len(ends) - 1 - skip)


def with_tool(trials: int, skip: int, strategy: str = "random") -> float:
    """Seconds a trial of a search of this project with the synthetic evaluator."""
    clock = Clock()
    config = {
        "evaluator": "synthetic",
        "strategy": {"name": strategy},
        "limits": {"trials": trials},
        "finals": {"seeds": 0},
    }
    with tempfile.TemporaryDirectory() as folder:
        search(config, runs=folder, watcher=clock)
    return per_trial(clock.ends, skip)


class Nothing(tune.Trainable):
    """The least a class trainable can be."""

    def setup(self, config: dict[str, Any]) -> None:
        self.config = config

    def reset_config(self, new_config: dict[str, Any]) -> bool:
        return True

    def step(self) -> dict[str, Any]:
        return {"score": self.config["x"], "done": True}


class Ends(tune.Callback):
    """Notes when each plain trial ended."""

    def __init__(self) -> None:
        self.ends: list[float] = []

    def on_trial_complete(self, iteration: int, trials: list[Any], trial: Any, **info: Any) -> None:
        self.ends.append(time.perf_counter())


class Suggests(Searcher):
    """The least a searcher can be."""

    def suggest(self, trial_id: str) -> dict[str, Any]:
        return {"x": 0.5}

    def on_trial_complete(self, trial_id: str, result: dict[str, Any] | None = None, error: bool = False) -> None:
        """Nothing to learn."""

    def save(self, checkpoint_path: str) -> None:
        """Nothing to save."""

    def restore(self, checkpoint_path: str) -> None:
        """Nothing to restore."""


def plain_tune(trials: int, skip: int, loggers: bool, searcher: bool = False) -> float:
    """Seconds a trial of plain Ray Tune.

    ``loggers``: with Tune's own result files, as a user gets it, or without; ``searcher``: asks one, a trial when
    one has ended.
    """
    for name in QUIET:  # what the tool's side set for itself
        os.environ.pop(name, None)
    os.environ["RAY_AIR_NEW_OUTPUT"] = "0"  # no tables on the terminal
    os.environ["TUNE_DISABLE_AUTO_CALLBACK_LOGGERS"] = "0" if loggers else "1"
    clock = Ends()
    with tempfile.TemporaryDirectory() as folder:
        ray.init(include_dashboard=False, log_to_driver=False, logging_level="ERROR")
        tune.Tuner(
            tune.with_resources(Nothing, {"CPU": 1}),
            param_space=None if searcher else {"x": tune.uniform(0, 1)},
            tune_config=tune.TuneConfig(
                num_samples=trials,
                reuse_actors=True,
                search_alg=Suggests() if searcher else None,
                max_concurrent_trials=int(ray.cluster_resources()["CPU"]) if searcher else None,
            ),
            run_config=tune.RunConfig(
                storage_path=folder,
                verbose=0,
                callbacks=[clock],
                checkpoint_config=tune.CheckpointConfig(checkpoint_at_end=False),
            ),
        ).fit()
        ray.shutdown()
    return per_trial(clock.ends, skip)


SIDES: dict[str, tuple[str, Callable[[int, int], float]]] = {
    "tool": ("this tool, synthetic evaluator", with_tool),
    "tune": ("plain Ray Tune", partial(plain_tune, loggers=True)),
    "tune_without_loggers": ("plain Ray Tune, its loggers off", partial(plain_tune, loggers=False)),
    "tune_with_searcher": ("the same, asking a searcher", partial(plain_tune, loggers=False, searcher=True)),
}


def startup() -> float:
    """Seconds from process start to the first trial running, of a real ``nas search`` of the phantom task.

    A worker notes in its outcome how long the trial took; the journal says when it ended.
    """
    with tempfile.TemporaryDirectory() as folder:
        began = time.time()
        subprocess.run([sys.executable, "-m", "nas", *STARTUP, "--runs", folder], capture_output=True, check=True)
        journal = Path(folder) / "phantom" / "journal.jsonl"
        trial = json.loads(journal.read_text().splitlines()[0])
        return journal.stat().st_mtime - float(trial["seconds"]) - began


def compare_strategies(strategies: Sequence[str], trials: int, rounds: int, out: Path | None) -> None:
    """What a trial takes with each strategy."""
    times: dict[str, list[float]] = {name: [] for name in strategies}
    for _ in range(rounds):
        for name in strategies:
            times[name].append(with_tool(trials, trials // 2, name))
    ms = {name: round(1000 * statistics.median(taken), 1) for name, taken in times.items()}
    ratios = {name: round(taken / ms[strategies[0]], 3) for name, taken in ms.items()}
    table = Table("strategy", "ms a trial", "ratio", box=None)
    for name, taken in ms.items():
        table.add_row(name, str(taken), str(ratios[name]))
    Console().print(table)
    finish({"benchmark": "overhead of strategies", "trials": trials, "ms": ms, "ratios": ratios}, out)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--trials", type=int, default=600)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--quick", action="store_true", help="400 trials, one round")
    parser.add_argument("--strategies", nargs="+", default=[])
    parser.add_argument("--out", type=Path)
    options = parser.parse_args()
    if options.strategies:
        compare_strategies(options.strategies, options.trials, options.rounds, options.out)
        return
    trials, rounds = (400, 1) if options.quick else (options.trials, options.rounds)
    skip = trials // 2  # by then every worker has imported torch
    times: dict[str, list[float]] = {side: [] for side in SIDES}
    start: list[float] = []
    for _ in range(rounds):  # sides take turns, so that a busy minute of the machine hits all of them
        for side, (_, measure) in SIDES.items():
            times[side].append(measure(trials, skip))
        start.append(startup())
    ms = {side: round(1000 * statistics.median(taken), 1) for side, taken in times.items()}
    ratios = {side: round(ms["tool"] / ms[side], 3) for side in SIDES if side != "tool"}
    result = {
        "benchmark": "overhead",
        "trials": trials,
        "rounds": rounds,
        **{f"{side}_ms": taken for side, taken in ms.items()},
        "startup_s": round(statistics.median(start), 1),
        **{f"ratio{side.removeprefix('tune')}": ratio for side, ratio in ratios.items()},
    }
    table = Table("side", "ms a trial", "ratio", box=None)
    for side, (title, _) in SIDES.items():
        table.add_row(title, str(ms[side]), str(ratios.get(side, "")))
    console = Console()
    console.print(table)
    console.print(f"process start to first trial: {result['startup_s']} s")
    finish(result, options.out)


if __name__ == "__main__":
    main()
