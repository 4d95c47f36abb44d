"""What each attention mechanism costs, beside the same function written straightforwardly and beside MONAI's blocks.

For each mechanism and shape: time and peak memory of a training step (forward and backward) and multiply-accumulates
of the forward pass, of the whole batch. The straightforward form has the mechanism's own weights and is held to the
same results and gradients first (``same_function.py``); it stores the weights of all pairs it compares. MONAI's blocks
have comparable settings (``monai_blocks.py``). Self-similarity is also set against the matrix of all pairs: the
straightforward non-local block at the same shape. Then the curve over size: non-local attention that stores that
matrix against ours, and against the decomposed mechanisms.

    python benchmarks/attention.py [--shapes 2x32x64x64 ...] [--mechanisms non_local ...] [--rounds 5] [--quick]
        [--device cpu] [--threads 1] [--memory-limit 6] [--plot attention_cost.png] [--out attention.json]

A side that would take more than the memory limit is not run; its memory is continued from a quarter and half the size.
"""

from __future__ import annotations

import argparse
import math
import platform
from collections.abc import Sequence
from functools import partial
from pathlib import Path
from typing import Any

import torch
from attention_case import CASES, Case
from comparison import Row, compare
from cost_curve import SIZES, curve, draw, show_curve
from measuring.peak_memory import check_meter
from monai_blocks import BLOCKS
from result import finish
from rich.console import Console
from rich.progress import track
from rich.table import Table
from same_function import check_same_function

from search_spaces.attention import MECHANISMS

SHAPES = ((2, 32, 64, 64), (2, 64, 128, 128), (1, 32, 24, 24, 24))
QUICK = ("se", "cbam", "non_local", "criss_cross")
GIB = 2**30
NON_LOCAL = Case("non_local")
CAPTION = (
    "plain: the same function written straightforwardly; faster, lighter: how many times against it; "
    "all pairs: how many times lighter than non-local attention that stores the matrix of all pairs; "
    "(in brackets): not run, continued from smaller sizes"
)
NOISE = 1.1  # how much slower counts as slower


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--shapes", type=shape, nargs="+", default=SHAPES, help="batch x channels x sides")
    parser.add_argument("--mechanisms", nargs="+", choices=list(MECHANISMS), default=list(MECHANISMS), metavar="NAME")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--seconds", type=float, default=3.0, help="no further round of a row after this time")
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--device", default="cpu")
    parser.add_argument("--memory-limit", type=float, default=6.0, help="GiB that a side may take")
    parser.add_argument("--no-curve", action="store_true", help="leave out the curve over size")
    parser.add_argument("--quick", action="store_true", help=f"{', '.join(QUICK)} on one small map, three rounds")
    parser.add_argument("--plot", type=Path, help="draw the curve into this PNG")
    parser.add_argument("--out", type=Path)
    options = parser.parse_args()
    shapes, names, rounds = options.shapes, options.mechanisms, options.rounds
    sizes: Sequence[int] = SIZES
    if options.quick:
        shapes, names, rounds, sizes = ((2, 32, 32, 32),), QUICK, 3, (16, 32, 64)
    torch.set_num_threads(options.threads)
    device, limit = torch.device(options.device), int(options.memory_limit * GIB)
    check_meter(device)
    cases = [case for case in CASES if case.mechanism in names]
    dims = sorted({len(one) - 2 for one in shapes})
    for case in track(cases, "same function", transient=True):
        for count in dims:
            check_same_function(case, count)
    measured = partial(compare, device=device, rounds=rounds, seconds=options.seconds, limit=limit)
    console, rows = Console(width=max(Console().width, 130)), []
    for one in shapes:
        found = [measured(case, one) for case in track(cases, label(one), transient=True)]
        all_pairs = next((row for row in found if row.case == NON_LOCAL), None) or measured(NON_LOCAL, one)
        for row in found:
            row.all_pairs = all_pairs.plain
        console.print(table_of(found, one))
        console.print(*(f"not run: {line}" for row in found for line in row.not_run()), sep="\n")
        rows += found
    points = [] if options.no_curve else curve(sizes, device, rounds, options.seconds, limit)
    if points:
        console.print(show_curve(points))
    if points and options.plot:
        draw(points, options.plot)
    finish(
        {
            "benchmark": "attention",
            "device": torch.cuda.get_device_name(device) if device.type == "cuda" else platform.machine(),
            "torch": torch.__version__,
            "threads": options.threads,
            "rounds": rounds,
            "monai": {name: block.settings for name, block in BLOCKS.items()},
            **verdict(rows),
            "rows": [row.as_json() for row in rows],
            "curve": points,
        },
        options.out,
    )


def verdict(rows: Sequence[Row]) -> dict[str, Any]:
    """What is slower than its straightforward form, and which self-similarity is not twice as light."""
    own, pairs = [], []
    for row in rows:
        name = f"{row.case.name} {label(row.shape)}"
        if row.case.self_similar and row.large:
            if row.lighter is not None and row.lighter < 2:
                own.append(name)
            if row.lighter_than_all_pairs is not None and row.lighter_than_all_pairs < 2:
                pairs.append(name)
    slower = [
        f"{row.case.name} {label(row.shape)}" for row in rows if row.faster is not None and row.faster < 1 / NOISE
    ]
    return {"slower": slower, "not_twice_as_light": own, "not_twice_as_light_as_all_pairs": pairs}


def table_of(rows: Sequence[Row], one: Sequence[int]) -> Table:
    table = Table(title=f"{label(one)}: a training step", title_justify="left", caption=CAPTION, box=None)
    table.caption_justify = "left"
    for column in ("mechanism", "params", "MMACs", "ms", "MiB", "plain ms", "plain MiB", "faster", "lighter"):
        table.add_column(column, justify="left" if column == "mechanism" else "right")
    for column in ("all pairs", "MONAI ms", "MONAI MiB"):
        table.add_column(column, justify="right")
    for row in rows:
        table.add_row(*row.cells())
    return table


def label(one: Sequence[int]) -> str:
    return "x".join(map(str, one))


def shape(text: str) -> tuple[int, ...]:
    """``2x32x64x64`` as numbers."""
    numbers = tuple(int(part) for part in text.split("x"))
    if len(numbers) not in (4, 5) or math.prod(numbers) < 1:
        raise argparse.ArgumentTypeError(f"expected batch x channels x two or three sides, got {text}")
    return numbers


if __name__ == "__main__":
    main()
