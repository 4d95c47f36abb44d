"""How fast a space gives legal candidates: drawn, in canonical form, their exact cost held against a budget.

Beside it, in the same run, nni draws samples of the same choices by itself: not canonical, uniform, without a cost.
Draws are timed twice: the first time the parts that are met are measured, then the table of costs is warm.

    python benchmarks/spaces.py [--draws 20000] [--quick] [--out spaces.json]
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
from result import finish
from rich.console import Console
from rich.table import Table

from search_spaces import Architecture, load_space
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
    default = Architecture.create("unet", 2)
    default.build(1, 1)
    result["build_ms"] = round(1000 / rate(lambda index: default.build(1, 1, seed=index), BUILDS), 2)
    console = Console()
    console.print(table)
    console.print(f"building the default 2D U-Net: {result['build_ms']} ms")
    finish(result, options.out)


if __name__ == "__main__":
    main()
