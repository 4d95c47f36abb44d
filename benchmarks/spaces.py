"""How fast a space gives legal candidates: drawn, in canonical form, their exact cost held against a budget.

Beside it, in the same run, nni draws samples of the same choices by itself: not canonical, uniform, without a cost.
Draws are timed twice: the first time the parts that are met are measured, then the table of costs is warm.

The whole space (every host with all of its options) is drawn from in fresh processes: its parts priced from shapes, and
beside it operator by operator on the meta device, for fewer draws, as that takes long.

    python benchmarks/spaces.py [--draws 20000] [--quick] [--out spaces.json]
"""

from __future__ import annotations

import argparse
import multiprocessing
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import torch
from result import finish
from rich.console import Console
from rich.table import Table

from search_spaces import HOSTS, Architecture, load_space
from search_spaces.architecture import cost
from search_spaces.space.union import SearchSpace, Union

SIZE = {2: (96, 96), 3: (48, 48, 48)}
BUDGET = 1_000_000
BUILDS = 20


def rate(act: Callable[[int], object], count: int) -> float:
    """How many times a second."""
    began = time.perf_counter()
    for index in range(count):
        act(index)
    return count / (time.perf_counter() - began)


def measured(space: SearchSpace, count: int) -> dict[str, float]:
    """Draws a second, cold and warm, sparse and uniform, and look-ups of costs."""
    size = SIZE[space.dims]

    def draw(index: int, sparse: bool = True) -> bool:
        return space.sample(np.random.default_rng(index % count), sparse).cost(1, 1, size).params <= BUDGET

    parts = list(space.parts.values()) if isinstance(space, Union) else [space]
    found = {"cold draws/s": rate(draw, count), "draws/s": rate(draw, count)}
    rate(lambda index: draw(index, sparse=False), count)
    found["uniform draws/s"] = rate(lambda index: draw(index, sparse=False), count)
    drawn = [space.sample(np.random.default_rng(index % count)) for index in range(count)]
    found["costs/s"] = rate(lambda index: drawn[index].cost(1, 1, size), count)
    found["nni draws/s"] = rate(lambda index: parts[index % len(parts)].mutable.random(), max(count // 100, 10))
    found["ratio"] = found["draws/s"] / found["nni draws/s"]
    return {name: round(value, 1) for name, value in found.items()}


def cold_rate(dims: int, count: int, shapes: bool) -> float:
    """Draws a second of the whole space, of processor time, in a process that has priced nothing yet."""
    torch.set_num_threads(1)
    if not shapes:
        cost.measure = cost.measured
    space = load_space({"hosts": dict.fromkeys(HOSTS, "all")}, dims)
    began = time.process_time()
    for index in range(count):
        space.sample(np.random.default_rng(index)).cost(1, 1, SIZE[dims])
    return count / (time.process_time() - began)


def fresh(dims: int, count: int, shapes: bool) -> float:
    with multiprocessing.get_context("spawn").Pool(1) as pool:
        return pool.apply(cold_rate, (dims, count, shapes))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--draws", type=int, default=20_000)
    parser.add_argument("--spaces", nargs="+", default=["unet", "all"])
    parser.add_argument("--quick", action="store_true", help="2,000 draws of the space of one host")
    parser.add_argument("--out", type=Path)
    options = parser.parse_args()
    count, names = (2_000, ["unet"]) if options.quick else (options.draws, options.spaces)
    result: dict[str, object] = {"benchmark": "spaces", "draws": count, "budget": BUDGET}
    table = Table("space", "cold draws/s", "draws/s", "uniform draws/s", "costs/s", "nni draws/s", "ratio", box=None)
    for name in names:
        for dims in (2, 3):
            found = measured(load_space(name, dims), count)
            result[f"{name} {dims}D"] = found
            table.add_row(f"{name} {dims}D", *(f"{value:,.0f}" for value in found.values()))
    whole = Table("every host, all options", "draws", "cold, from shapes", "cold, by operators", "ratio", box=None)
    few = max(count // 40, 50)
    for dims in (2, 3):
        quick, alike, slow = fresh(dims, count, True), fresh(dims, few, True), fresh(dims, few, False)
        result[f"whole {dims}D"] = {
            "cold draws/s": round(quick, 1),
            "cold draws/s of few": round(alike, 1),
            "cold draws/s of few by operators": round(slow, 1),
            "ratio": round(alike / slow, 1),
        }
        whole.add_row(f"{dims}D", f"{count:,}", f"{quick:,.0f}", "", "")
        whole.add_row(f"{dims}D", f"{few:,}", f"{alike:,.0f}", f"{slow:,.0f}", f"{alike / slow:,.1f}")
    default = Architecture.create("unet", 2)
    default.build(1, 1)
    result["build_ms"] = round(1000 / rate(lambda index: default.build(1, 1, seed=index), BUILDS), 2)
    console = Console()
    console.print(table)
    console.print(whole)
    console.print(f"building the default 2D U-Net: {result['build_ms']} ms")
    finish(result, options.out)


if __name__ == "__main__":
    main()
