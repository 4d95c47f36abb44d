"""A whole search on simulated workers: how long the tool itself takes, and how much of the workers' time is idle.

    python benchmarks/simulated.py [--workers 1000] [--trials 100000] [--strategy random] [--quick] [--out FILE]

The plan, the strategy and the journal are the real ones; a trial takes made-up seconds on a clock that only counts.
"""

from __future__ import annotations

import argparse
import hashlib
import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np
from made_up_truth import Truth
from result import finish
from rich.console import Console

from nas.benchmark.simulation import simulated_search
from nas.engine.orders import Order, Outcome
from nas.strategies import STRATEGIES
from nas.strategies.budget import Budget, box_of
from search_spaces import Architecture, load_space
from search_spaces.architecture.cost import Cost

SIZE = (96, 96)
LIMIT = 500_000
STEPS, RUNGS = 400, (100, 200)
SECONDS = (60.0, 600.0)  # of a trial, from the lightest to the heaviest


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--workers", type=int, default=1000)
    parser.add_argument("--trials", type=int, default=100_000)
    parser.add_argument("--strategy", default="random")
    parser.add_argument("--reduction", type=float, default=1.0)
    parser.add_argument("--quick", action="store_true", help="100 workers, 2,000 trials")
    parser.add_argument("--out", type=Path)
    options = parser.parse_args()
    if options.quick:
        options.workers, options.trials = 100, 2_000
    space, truth = load_space("unet", 2), Truth(0)

    def cost_of(architecture: Architecture) -> Cost:
        return architecture.cost(1, 1, SIZE)

    def admits(architecture: Architecture) -> bool:
        return cost_of(architecture).params <= LIMIT

    def work(order: Order) -> Iterator[tuple[float, int, Outcome]]:
        digest = hashlib.blake2b(order.architecture.key.encode(), digest_size=8).digest()
        rng = np.random.default_rng(int.from_bytes(digest, "big"))
        weight = np.clip(cost_of(order.architecture).macs / 1e9, 0, 1)
        whole = (SECONDS[0] + (SECONDS[1] - SECONDS[0]) * float(weight)) * rng.uniform(0.8, 1.25)
        dice, spent = truth.dice(order.architecture) + rng.normal(0, 0.012), 0.0
        for step in (*RUNGS, STEPS):
            seconds = whole * step / STEPS
            value = float(np.clip(dice - 0.1 * (1 - step / STEPS), 0, 1))
            yield seconds - spent, step, Outcome(seconds, seconds, {"dice": value}, {"case": {"organ": value}})
            spent = seconds

    box = box_of(space, admits, 1, 1, LIMIT)
    strategy = STRATEGIES[options.strategy](space, Budget(admits, lambda one: cost_of(one).params, box), 0)
    rungs = RUNGS if options.reduction > 1 else ()
    began = time.perf_counter()
    done = work if rungs else lambda order: [_whole(work(order))]
    trials, cluster = simulated_search(
        strategy,
        cost_of,
        done,
        trials=options.trials,
        steps=STEPS,
        seed=0,
        workers=options.workers,
        rungs=rungs,
        reduction=options.reduction,
    )
    seconds = time.perf_counter() - began
    idle = cluster.idle
    Console().print(
        f"{len(trials):,} trials on {options.workers:,} simulated workers: {seconds:.1f} s here, "
        f"{1000 * seconds / options.trials:.2f} ms a trial; {cluster.now / 3600:.1f} simulated hours, {idle:.2%} idle"
    )
    finish(
        {
            "benchmark": "simulated",
            "strategy": options.strategy,
            "workers": options.workers,
            "trials": options.trials,
            "seconds": round(seconds, 1),
            "simulated_hours": round(cluster.now / 3600, 2),
            "idle": round(idle, 4),
        },
        options.out,
    )


def _whole(parts: Iterator[tuple[float, int, Outcome]]) -> tuple[float, int, Outcome]:
    """Only the end of it."""
    *_, (_, step, outcome) = parts
    return outcome.seconds, step, outcome


if __name__ == "__main__":
    main()
