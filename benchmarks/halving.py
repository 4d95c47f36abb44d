"""Successive halving beside trials that are all worked to the end: the front that is found, and the steps it takes.

    python benchmarks/halving.py [--truths 3] [--trials 120] [--workers 4] [--rungs 0.25 0.5] [--reduction 3]
        [--strategy model] [--tables benchmarks/table/kvasir_seg.csv ...] [--quick] [--out halving.json]

Both sides search the same truths on the same simulated workers, with the real plan, scheduler and strategy. A truth is
made up, its learning curves too, or is a recorded table: then a trial shows what was recorded on the way, and an
architecture is worth what a model of the whole table makes of it. The value is the noise-free hypervolume of the front
that is recommended in the end.
"""

from __future__ import annotations

import argparse
import hashlib
import statistics
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from made_up_truth import Truth
from result import finish
from rich.console import Console
from rich.table import Table

from nas.benchmark.replay import recorded
from nas.benchmark.simulation import simulated_search
from nas.engine.orders import Order, Outcome
from nas.evidence.hypervolume import Box, Steps
from nas.strategies import STRATEGIES
from nas.strategies.budget import Budget, box_of
from nas.surrogate.recommendation import expected_front
from search_spaces import Architecture, load_space
from search_spaces.architecture.cost import Cost
from search_spaces.space.union import SearchSpace

NOISE, LIMIT = 0.012, 500_000
GAP = 0.1  # of Dice between the beginning and the end of a made-up training
STEPS = 400


@dataclass(frozen=True)
class Task:
    """What is searched: the space and what may be tried, what a trial shows on the way, what a network is worth.

    ``box``: the range of parameters in which a front counts; ``steps``: of a whole trial.
    """

    name: str
    space: SearchSpace
    admits: Callable[[Architecture], bool]
    cost_of: Callable[[Architecture], Cost]
    curve: Callable[[Architecture], dict[int, float]]
    value: Callable[[Architecture], float]
    box: Box
    steps: int


def made_up_task(seed: int, rungs: Sequence[float]) -> Task:
    """Learning curves that approach the truth, larger networks later, each with its own pace and noise."""
    truth, space = Truth(seed), load_space("unet", 2)

    def cost_of(architecture: Architecture) -> Cost:
        return architecture.cost(1, 1, (96, 96))

    def curve(architecture: Architecture) -> dict[int, float]:
        digest = hashlib.blake2b(f"{seed} {architecture.key}".encode(), digest_size=8).digest()
        rng = np.random.default_rng(int.from_bytes(digest, "big"))
        pace = np.exp(rng.normal(0, 0.15)) * (1 + 0.2 * np.log10(cost_of(architecture).params / 1e5))
        noise = NOISE * rng.standard_normal(1 + len(rungs))
        last = truth.dice(architecture) + noise[-1]
        shown = {
            round(share * STEPS): last - GAP * pace * (1 - share) ** 1.5 + own
            for share, own in zip(rungs, noise, strict=False)
        }
        return shown | {STEPS: last}

    def admits(architecture: Architecture) -> bool:
        return cost_of(architecture).params <= LIMIT

    box = box_of(space, admits, 1, 1, LIMIT)
    return Task(f"made up {seed}", space, admits, cost_of, curve, truth.dice, box, STEPS)


def recorded_task(path: Path) -> Task:
    """A recorded table."""
    table = recorded(path)

    def curve(architecture: Architecture) -> dict[int, float]:
        row = table.rows[architecture][0]
        return {**dict(row.curve), row.steps: row.dice or 0.0}

    admits = table.rows.__contains__
    worth = table.worth.__getitem__
    return Task(table.name, table.space, admits, table.cost_of, curve, worth, table.box, table.steps)


def searched(
    task: Task, strategy: str, rungs: Sequence[float], reduction: float, trials: int, workers: int, seed: int
) -> dict[str, float]:
    """One simulated search: the value of its front, and the steps that were trained."""
    steps = task.steps

    def params_of(architecture: Architecture) -> int:
        return task.cost_of(architecture).params

    scored = [round(share * steps) for share in rungs]

    def work(order: Order) -> Iterator[tuple[float, int, Outcome]]:
        shown = task.curve(order.architecture)
        done = order.curve[-1][0] if order.curve else 0
        for step in (*scored, steps):
            if step > done:
                dice = float(np.clip(shown[step], 0, 1))
                outcome = Outcome(step, step, {"dice": dice}, {"case": {"organ": dice}}, state=b"state")
                yield step - done, step, outcome
                done = step

    made = STRATEGIES[strategy](task.space, Budget(task.admits, params_of, task.box), seed)
    done, cluster = simulated_search(
        made,
        task.cost_of,
        work,
        trials=trials,
        steps=steps,
        seed=seed,
        workers=workers,
        rungs=scored,
        reduction=reduction,
    )
    front = expected_front(done)
    area = Steps((task.box.place(params_of(one)), task.value(one)) for one in front).area()
    return {"value": area, "steps": cluster.busy, "time": cluster.now}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--truths", type=int, default=3)
    parser.add_argument("--seeds", type=int, default=1)
    parser.add_argument("--tables", type=Path, nargs="*", default=[])
    parser.add_argument("--trials", type=int, default=120)
    parser.add_argument("--workers", type=int, default=4)
    parser.add_argument("--rungs", type=float, nargs="+", default=[0.25, 0.5])
    parser.add_argument("--reduction", type=float, default=3.0)
    parser.add_argument("--strategy", default="model")
    parser.add_argument("--quick", action="store_true", help="one truth, 24 trials")
    parser.add_argument("--out", type=Path)
    options = parser.parse_args()
    if options.quick:
        options.truths, options.trials = 1, 24
    tasks = [
        *map(recorded_task, options.tables),
        *(made_up_task(seed, options.rungs) for seed in range(options.truths)),
    ]
    rows: list[dict[str, object]] = []
    for task in tasks:
        for seed in range(options.seeds):
            sides = [
                searched(task, options.strategy, options.rungs, reduction, options.trials, options.workers, seed)
                for reduction in (1.0, options.reduction)
            ]
            row = {name: sides[1][name] / sides[0][name] for name in ("value", "steps", "time")}
            rows.append({"task": task.name, "seed": seed, **{name: round(value, 4) for name, value in row.items()}})
            print(rows[-1], flush=True)
    show(rows)
    means = {name: round(statistics.mean(float(str(row[name])) for row in rows), 4) for name in ("value", "steps")}
    finish(
        {
            "benchmark": "halving",
            "strategy": options.strategy,
            "trials": options.trials,
            "rungs": options.rungs,
            "reduction": options.reduction,
            "rows": rows,
            "ratio_of_values": means["value"],
            "ratio_of_steps": means["steps"],
        },
        options.out,
    )


def show(rows: Sequence[dict[str, object]]) -> None:
    """Halving, as shares of what whole trials reach and take."""
    table = Table("task", "seed", "hypervolume", "steps", "time", box=None)
    for row in rows:
        table.add_row(*(str(row[name]) for name in ("task", "seed", "value", "steps", "time")))
    Console().print(table)


if __name__ == "__main__":
    main()
