"""What each strategy finds with how many trials, on made-up truths whose best front is known and on recorded tables.

    python benchmarks/strategies.py [--strategies model evolution ...] [--noise 0.012] [--truths 5] [--first 0]
        [--seeds 1] [--make-ups usual rare ...] [--tables benchmarks/table/kvasir_seg.csv ...] [--trials 500] [--quick]
        --out strategies.jsonl

The value at a number of trials is the noise-free hypervolume of the front that is recommended then, as a share of what
a long search without noise (of a table, all of it) gains over the networks without attention. ``model`` recommends by
its posterior; for the others both that (``+``) and the front of the single scores are shown. One line of JSON is
appended to --out as each search ends, and searches that it holds are not repeated.

``transfer`` begins with one earlier run of 60 trials on a task that shares 0.7 of the effects, ``transfer, unlike``
with one that shares none, ``transfer, both`` with both.
"""

from __future__ import annotations

import argparse
import json
import statistics
import time
from collections.abc import Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from pathlib import Path
from typing import Any

import numpy as np
from made_up_truth import MAKE_UPS, MakeUp, Truth
from result import finish
from rich.console import Console
from rich.table import Table
from search_task import TABLE, MadeUp, SearchTask, task_of

from evaluators.cores import allowed_cores
from nas.benchmark.replay import BUDGETS
from nas.evidence.front import front_of
from nas.records.trial import Trial
from nas.strategies import STRATEGIES, History, Strategy
from nas.strategies.transfer import Transfer
from nas.surrogate.recommendation import expected_front
from search_spaces import Architecture

LONG = 20_000  # evaluations of the search without noise
STRATEGY = {  # by name here: the strategy and its settings
    **{name: (name, {}) for name in ("model", "evolution", "local", "random")},
    **{f"optuna {name}": ("optuna", {"sampler": f"{name}Sampler"}) for name in ("TPE", "NSGAII", "GP")},
}
NNI = "nni RegularizedEvolution"
SOURCES = {"transfer": (0.7,), "transfer, unlike": (0.0,), "transfer, both": (0.0, 0.7)}  # shares of effects in common
NAMES = (*STRATEGY, NNI, *SOURCES)
EARLIER = 60  # trials of the earlier runs that ``transfer`` begins with


class Search:
    """One search: what it tried, and what its front is worth after so many trials.

    Args:
        task: what is searched.
        key: what the noise follows from.
        best: hypervolume that counts as 1.
    """

    def __init__(self, task: SearchTask, key: tuple[int, ...], best: float) -> None:
        self.task = task
        self.rng = np.random.default_rng(key)
        self.plain = task.area(task.plain)
        self.best = best
        self.done: list[Trial] = []
        self.found: dict[str, dict[int, float]] = {"posterior": {}, "scores": {}}

    def score(self, architecture: Architecture) -> float:
        """Of one trial; nothing, where it failed."""
        self.done.append(self.task.trial(len(self.done), architecture, self.rng))
        if len(self.done) in BUDGETS:
            by_scores = [point.architecture for point in front_of(self.done).points]
            for kind, front in (("posterior", expected_front(self.done)), ("scores", by_scores)):
                gained = self.task.area(front) - self.plain
                self.found[kind][len(self.done)] = gained / (self.best - self.plain)
        return self.done[-1].dice or 0.0

    def run(self, strategy: Strategy, trials: int) -> float:
        """A trial at a time; CPU seconds of the suggestions."""
        seconds = 0.0
        while len(self.done) < trials:
            began = time.process_time()
            architecture = strategy.suggest(History(self.done))
            seconds += time.process_time() - began
            if architecture is None:
                break
            self.score(architecture)
        return seconds


def search(
    name: str, truth: int, seed: int, noise: float, trials: int, best: float, make_up: str = "usual"
) -> dict[str, Any]:
    """One search by one strategy."""
    task = task_of(make_up, truth, noise)
    searching = Search(task, (truth, seed), best)
    if name in SOURCES:
        strategy = Transfer(task.space, task.budget, seed)
        strategy.learn([earlier_trials(truth, seed, noise, MAKE_UPS[make_up], shared) for shared in SOURCES[name]])
        seconds = searching.run(strategy, trials)
    elif name == NNI:
        import nni_evolution

        began = time.process_time()  # scores are in it, which are little beside the rest
        nni_evolution.search(task.space, task.budget, searching.score, trials, seed)
        seconds = time.process_time() - began
    else:
        registered, settings = STRATEGY[name]
        seconds = searching.run(STRATEGIES[registered](task.space, task.budget, seed, **settings), trials)
    about = {"strategy": name, "truth": truth, "seed": seed, "noise": noise, "make_up": make_up}
    return about | searching.found | {"seconds_a_suggestion": seconds / len(searching.done)}


def earlier_trials(truth: int, seed: int, noise: float, made: MakeUp, shared: float) -> list[Trial]:
    """A run of ``model`` on another task, which shares so much of the effects."""
    other = MadeUp(Truth(1000 + truth, made, like=truth, shared=shared), noise)
    source = Search(other, (1000 + truth, 1000 + seed), best=1.0)
    source.run(STRATEGIES["model"](other.space, other.budget, 1000 + seed), EARLIER)
    return source.done


def best_of(make_up: str, truth: int, count: int) -> float:
    """The hypervolume that counts as 1."""
    return task_of(make_up, truth, noise=0).best(count)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--strategies", nargs="+", choices=NAMES, default=["model", "evolution", "local", "random"])
    parser.add_argument("--noise", type=float, nargs="+", default=[0.012])
    parser.add_argument("--truths", type=int, default=5)
    parser.add_argument("--first", type=int, default=0, help="seed of the first truth")
    parser.add_argument("--make-ups", nargs="*", choices=MAKE_UPS, default=["usual"])
    parser.add_argument("--tables", nargs="*", default=[], help="recorded ones, each with its space.yaml beside it")
    parser.add_argument("--seeds", type=int, default=1)
    parser.add_argument("--trials", type=int, default=500)
    parser.add_argument("--workers", type=int, default=allowed_cores())
    parser.add_argument("--quick", action="store_true", help="one truth, 30 trials, a short search without noise")
    parser.add_argument("--out", type=Path)
    options = parser.parse_args()
    if options.quick:
        options.truths, options.trials, options.strategies = 1, 30, ["model", "random"]
    held = options.out and options.out.exists()
    done = [json.loads(line) for line in options.out.read_text().splitlines()] if held else []
    best = {(entry["make_up"], entry["truth"]): entry["best"] for entry in done if "best" in entry}
    done = [entry for entry in done if "best" not in entry]
    have = {(e["strategy"], e["truth"], e["seed"], e["noise"], e["make_up"]) for e in done}

    def keep(entry: dict[str, Any]) -> None:
        if options.out:
            with options.out.open("a") as file:
                file.write(json.dumps(entry) + "\n")

    with ProcessPoolExecutor(options.workers) as pool:
        count = LONG // 10 if options.quick else LONG
        made_up = range(options.first, options.first + options.truths)
        truths = [(make_up, truth) for truth in made_up for make_up in options.make_ups]
        truths += [(f"{TABLE}{path}", 0) for path in options.tables]
        missing = {
            pool.submit(best_of, make_up, truth, count): (make_up, truth)
            for make_up, truth in truths
            if (make_up, truth) not in best
        }
        for job in as_completed(missing):
            make_up, truth = missing[job]
            best[make_up, truth] = job.result()
            keep({"truth": truth, "make_up": make_up, "best": job.result()})
        jobs = [
            pool.submit(search, name, truth, seed, noise, options.trials, best[make_up, truth], make_up)
            for seed in range(options.seeds)
            for make_up, truth in truths
            for noise in ([0.0] if make_up.startswith(TABLE) else options.noise)  # a table has its own
            for name in options.strategies
            if (name, truth, seed, noise, make_up) not in have
        ]
        for job in as_completed(jobs):
            entry = json.loads(json.dumps(job.result()))
            done.append(entry)
            keep(entry)
            print(entry, flush=True)
    show(done, options.trials)


def show(done: Sequence[dict[str, Any]], trials: int) -> None:
    """The table, and its numbers as the last line."""
    budgets = [str(budget) for budget in BUDGETS if budget <= trials]
    table = Table("make-up", "noise", "strategy", "searches", *budgets, "ms a suggestion", box=None)
    rows = []
    for group in sorted({(entry["make_up"], entry["noise"], entry["strategy"]) for entry in done}):
        make_up, noise, name = group
        found = [entry for entry in done if (entry["make_up"], entry["noise"], entry["strategy"]) == group]
        milliseconds = round(1000 * statistics.mean(entry["seconds_a_suggestion"] for entry in found), 1)
        by_model = name == "model" or name in SOURCES
        for kind, mark in (("posterior", "" if by_model else " +"), ("scores", "")):
            if kind == "scores" and by_model:
                continue
            values = [
                round(statistics.mean(entry[kind][budget] for entry in found if budget in entry[kind]), 3)
                for budget in budgets
            ]
            rows.append(
                {"make_up": make_up, "noise": noise, "strategy": name + mark, "searches": len(found), "values": values}
            )
            table.add_row(make_up, str(noise), name + mark, str(len(found)), *map(str, values), str(milliseconds))
    Console().print(table)
    finish({"benchmark": "strategies", "budgets": budgets, "rows": rows}, out=None)


if __name__ == "__main__":
    main()
