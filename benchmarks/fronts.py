"""Fronts that different settings find in the same time, on unseen cases, with intervals.

    python benchmarks/fronts.py runs/examples/kvasir.yaml [--sides model evolution] [--set KEY=VALUE ...]
        [--seeds 0 1] [--runs FOLDER] [--out fronts.json]

Each side is a whole search with finals, one after the other, as ``nas search CONFIG`` runs it; a side is a strategy, or
a strategy and changes to the config, ``model+fidelity.reduction=3``. What was stopped is gone on with. The value of a
front is the hypervolume of its finals on test cases, in the box of the search; the interval resamples the cases, the
same for all sides, and the seeds of the finals.
"""

from __future__ import annotations

import argparse
import statistics
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from result import finish
from rich.console import Console
from rich.table import Table

import nas
from nas.evidence.bootstrap import LEVEL, resampled_means
from nas.evidence.hypervolume import Box, Steps
from nas.run import Run, is_run


def searched(config: Path, side: str, seed: int, settings: Sequence[str], runs: Path) -> Run:
    """The run of one side, from the start or gone on with."""
    strategy, *changes = side.split("+")
    name = f"{config.stem}-{side.replace('=', '')}-{seed}"
    return nas.search(
        config,
        settings=[f"strategy.name={strategy}", f"seed={seed}", *changes, *settings],
        run=name,
        resume=is_run(runs / name),
        runs=runs,
    )


@dataclass(frozen=True)
class Finals:
    """What the finals of a run are worth.

    Attributes:
        area: hypervolume on the test cases.
        areas: of each resample of cases and seeds; the same for all runs with as many.
        networks: parameters of each, and whether it has no attention.
    """

    area: float
    areas: np.ndarray
    networks: list[tuple[int, bool]]


def finals_of(run: Run) -> Finals:
    front, box = run.final_front, Box(*run.summary["box"])
    assert front is not None
    points = [*front.points, *front.dominated]
    places = [box.place(point.cost.params) for point in points]

    def area(scores: Iterable[float]) -> float:
        return Steps(zip(places, scores, strict=True)).area()

    resampled = [resampled_means(point.scores) for point in points]
    return Finals(
        area(point.dice for point in points),
        np.array([area(scores) for scores in zip(*resampled, strict=True)]),
        [(point.cost.params, point.architecture.is_plain) for point in points],
    )


def compared(finals: dict[str, list[Finals]]) -> list[dict[str, object]]:
    """Value and interval of each side, and how far it lies above the first."""
    values = {side: statistics.mean(one.area for one in runs) for side, runs in finals.items()}
    resampled = {side: np.mean([one.areas for one in runs], axis=0) for side, runs in finals.items()}
    first, tails = next(iter(finals)), [(1 - LEVEL) / 2, (1 + LEVEL) / 2]
    return [
        {
            "side": side,
            "hypervolume": round(values[side], 4),
            "interval": np.quantile(resampled[side], tails).round(4).tolist(),
            "above the first": round(values[side] - values[first], 4),
            "interval of that": np.quantile(resampled[side] - resampled[first], tails).round(4).tolist(),
            "finals": [one.networks for one in runs],
        }
        for side, runs in finals.items()
    ]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("config", type=Path)
    parser.add_argument("--sides", nargs="+", default=["model", "evolution"])
    parser.add_argument("--set", nargs="*", default=[], dest="settings")
    parser.add_argument("--seeds", nargs="+", type=int, default=[0], help="a search of each side with each")
    parser.add_argument("--runs", type=Path, default=Path("runs"))
    parser.add_argument("--out", type=Path)
    options = parser.parse_args()
    finals: dict[str, list[Finals]] = {}
    told: dict[str, list[dict[str, object]]] = {}
    for seed in options.seeds:
        for side in options.sides:
            run = searched(options.config, side, seed, options.settings, options.runs)
            finals.setdefault(side, []).append(finals_of(run))
            told.setdefault(side, []).append({key: run.summary.get(key) for key in ("trials", "seconds")})
    rows = compared(finals)
    table = Table("side", "hypervolume on test cases", "95% interval", "above the first", "95% interval", box=None)
    for row in rows:
        table.add_row(*(str(row[name]) for name in list(row)[:5]))
    Console().print(table)
    finish({"benchmark": "fronts", "config": str(options.config), "rows": rows, "runs": told}, options.out)


if __name__ == "__main__":
    main()
