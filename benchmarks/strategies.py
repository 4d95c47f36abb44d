"""What each strategy finds with how many trials, on made-up truths whose best front is known.

    python benchmarks/strategies.py [--strategies model evolution ...] [--noise 0.012] [--truths 5] [--seeds 1]
        [--trials 500] [--quick] --out strategies.jsonl

The value at a number of trials is the noise-free hypervolume of the front that is recommended then, as a share of what
a long search without noise gains over the networks without attention. ``model`` recommends by its posterior; for the
others both that (``+``) and the front of the single scores are shown. One line of JSON is appended to --out as each
search ends, and searches that it holds are not repeated.
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
from made_up_truth import Truth
from result import finish
from rich.console import Console
from rich.table import Table

from evaluators.cores import allowed_cores
from nas.evidence.front import front_of
from nas.evidence.hypervolume import Box, Steps
from nas.records.trial import Trial
from nas.strategies import STRATEGIES, History
from nas.strategies.budget import Budget
from nas.surrogate.recommendation import expected_front
from nas.testing import made_up
from search_spaces import Architecture, load_space

SPACE = load_space("unet", 2)
LIMIT = 500_000
BUDGETS = (30, 60, 120, 250, 500)
LONG = 20_000  # evaluations of the search without noise
STRATEGY = {  # by name here: the strategy and its settings
    **{name: (name, {}) for name in ("model", "evolution", "local", "random")},
    **{f"optuna {name}": ("optuna", {"sampler": f"{name}Sampler"}) for name in ("TPE", "NSGAII", "GP")},
}


def params_of(architecture: Architecture) -> int:
    return architecture.cost(1, 1, (32, 32)).params


def admits(architecture: Architecture) -> bool:
    return params_of(architecture) <= LIMIT


PLAIN = [network for network in SPACE.plain_networks() if admits(network)]
BOX = Box(min(map(params_of, PLAIN)), LIMIT)


def area(truth: Truth, architectures: Sequence[Architecture]) -> float:
    """Noise-free hypervolume."""
    return Steps((BOX.place(params_of(one)), truth.dice(one)) for one in architectures).area()


def long_search(truth_seed: int, count: int) -> float:
    """What evolution of the front finds without noise."""
    truth = Truth(truth_seed)
    rng = np.random.default_rng(0)
    known = {network: truth.dice(network) for network in PLAIN}
    front: list[Architecture] = []
    for index in range(count):
        if index % 200 == 0:
            front, best = [], -1.0
            for one in sorted(known, key=lambda one: (params_of(one), -known[one])):
                if known[one] > best:
                    best = known[one]
                    front.append(one)
        child = front[int(rng.integers(len(front)))]
        if rng.random() < 0.3:
            child = SPACE.crossover(child, front[int(rng.integers(len(front)))], rng)
        for _ in range(1 + (rng.random() < 0.3)):
            child = SPACE.mutate(child, rng)
        if admits(child) and child not in known:
            known[child] = truth.dice(child)
    return area(truth, list(known))


def search(name: str, truth_seed: int, seed: int, noise: float, trials: int, best: float) -> dict[str, Any]:
    """One search, a trial at a time."""
    truth = Truth(truth_seed)
    plain = area(truth, PLAIN)
    registered, settings = STRATEGY[name]
    strategy = STRATEGIES[registered](SPACE, Budget(admits, params_of, BOX), seed, **settings)
    rng = np.random.default_rng((truth_seed, seed))
    done: list[Trial] = []
    seconds = 0.0
    found: dict[str, dict[int, float]] = {"posterior": {}, "scores": {}}
    while len(done) < trials:
        began = time.process_time()
        architecture = strategy.suggest(History(done))
        seconds += time.process_time() - began
        if architecture is None:
            break
        done.append(made_up(len(done), architecture, truth.dice(architecture) + rng.normal(0, noise)))
        if len(done) in BUDGETS:
            by_scores = [point.architecture for point in front_of(done).points]
            for kind, front in (("posterior", expected_front(done)), ("scores", by_scores)):
                found[kind][len(done)] = (area(truth, front) - plain) / (best - plain)
    about = {"strategy": name, "truth": truth_seed, "seed": seed, "noise": noise}
    return about | found | {"seconds_a_suggestion": seconds / len(done)}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--strategies", nargs="+", choices=STRATEGY, default=["model", "evolution", "local", "random"])
    parser.add_argument("--noise", type=float, nargs="+", default=[0.012])
    parser.add_argument("--truths", type=int, default=5)
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
    best = {entry["truth"]: entry["best"] for entry in done if "best" in entry}
    done = [entry for entry in done if "best" not in entry]
    have = {(entry["strategy"], entry["truth"], entry["seed"], entry["noise"]) for entry in done}

    def keep(entry: dict[str, Any]) -> None:
        if options.out:
            with options.out.open("a") as file:
                file.write(json.dumps(entry) + "\n")

    with ProcessPoolExecutor(options.workers) as pool:
        count = LONG // 10 if options.quick else LONG
        missing = [seed for seed in range(options.truths) if seed not in best]
        for seed, value in zip(missing, pool.map(long_search, missing, [count] * len(missing)), strict=True):
            best[seed] = value
            keep({"truth": seed, "best": value})
        jobs = [
            pool.submit(search, name, truth, seed, noise, options.trials, best[truth])
            for seed in range(options.seeds)
            for truth in range(options.truths)
            for noise in options.noise
            for name in options.strategies
            if (name, truth, seed, noise) not in have
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
    table = Table("noise", "strategy", "searches", *budgets, "ms a suggestion", box=None)
    rows = []
    for noise, name in sorted({(entry["noise"], entry["strategy"]) for entry in done}):
        found = [entry for entry in done if (entry["noise"], entry["strategy"]) == (noise, name)]
        milliseconds = round(1000 * statistics.mean(entry["seconds_a_suggestion"] for entry in found), 1)
        for kind, mark in (("posterior", "" if name == "model" else " +"), ("scores", "")):
            if kind == "scores" and name == "model":
                continue
            values = [
                round(statistics.mean(entry[kind][budget] for entry in found if budget in entry[kind]), 3)
                for budget in budgets
            ]
            rows.append({"noise": noise, "strategy": name + mark, "searches": len(found), "values": values})
            table.add_row(str(noise), name + mark, str(len(found)), *map(str, values), str(milliseconds))
    Console().print(table)
    finish({"benchmark": "strategies", "budgets": budgets, "rows": rows}, out=None)


if __name__ == "__main__":
    main()
