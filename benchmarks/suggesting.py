"""How long a strategy takes to suggest the next architecture, after 100, 1,000 and 5,000 trials.

    python benchmarks/suggesting.py [--strategies model evolution] [--past 100 1000 5000] [--count 30] [--quick]
        [--out suggesting.json]

The past trials are random networks of the shipped space, half of them with few slots filled, with scores of a made-up
truth. Then suggestions are asked for one after the other, each tried at once. The first one, of a process that has
priced no network yet, stands alone; of the others the median and the worst are told, in CPU time: with
OMP_NUM_THREADS=1 that of one core.
"""

from __future__ import annotations

import argparse
import statistics
import time
from pathlib import Path

import numpy as np
from made_up_truth import Truth
from result import finish
from rich.console import Console
from rich.table import Table
from search_task import MadeUp

from nas.records.trial import Trial
from nas.strategies import STRATEGIES, History
from search_spaces import Architecture

NOISE = 0.012


def past(count: int, task: MadeUp, rng: np.random.Generator) -> list[Trial]:
    """Trials of different random networks."""
    drawn: dict[Architecture, None] = dict.fromkeys(task.plain)
    while len(drawn) < count:
        one = task.space.sample(rng, sparse=len(drawn) % 2 == 0)
        if task.budget(one):
            drawn[one] = None
    return [task.trial(number, one, rng) for number, one in enumerate(list(drawn)[:count])]


def suggesting(name: str, task: MadeUp, trials: list[Trial], count: int) -> list[float]:
    """Milliseconds of each suggestion."""
    rng, trials = np.random.default_rng(1), list(trials)
    strategy = STRATEGIES[name](task.space, task.budget, 0)
    taken: list[float] = []
    while len(taken) < count:
        history = History(list(trials))
        began = time.process_time()
        one = strategy.suggest(history)
        taken.append(1000 * (time.process_time() - began))
        assert one is not None
        trials.append(task.trial(len(trials), one, rng))
    return taken


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--strategies", nargs="+", choices=list(STRATEGIES), default=["model", "evolution"])
    parser.add_argument("--past", type=int, nargs="+", default=[100, 1000, 5000])
    parser.add_argument("--count", type=int, default=30, help="suggestions after the first")
    parser.add_argument("--quick", action="store_true", help="after 100 and 1,000 trials, 10 suggestions")
    parser.add_argument("--out", type=Path)
    options = parser.parse_args()
    if options.quick:
        options.past, options.count = [100, 1000], 10
    table = Table("strategy", "past trials", "first", "median", "worst", title="ms a suggestion", box=None)
    rows = []
    task = MadeUp(Truth(0), NOISE)
    trials = past(max(options.past), task, np.random.default_rng(0))
    for name in options.strategies:
        for number in options.past:
            first, *others = suggesting(name, task, trials[:number], 1 + options.count)
            ms = [round(value, 1) for value in (first, statistics.median(others), max(others))]
            rows.append({"strategy": name, "past": number, "first": ms[0], "median": ms[1], "worst": ms[2]})
            table.add_row(name, str(number), *map(str, ms))
    Console().print(table)
    finish({"benchmark": "suggesting", "count": options.count, "rows": rows}, options.out)


if __name__ == "__main__":
    main()
