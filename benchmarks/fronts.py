"""Fronts that different settings find in the same time, on unseen cases, with intervals.

    python benchmarks/fronts.py runs/examples/kvasir.yaml [--sides model evolution] [--set KEY=VALUE ...]
        [--seeds 0 1] [--runs FOLDER] [--out fronts.json]

Each side is a whole search with finals, one after the other, as ``nas search CONFIG`` runs it; a side is a strategy, or
a strategy and changes to the config, ``model+fidelity.reduction=3``. What was stopped is gone on with. The value of a
front is the hypervolume of its finals on test cases, in the box of the search; the interval is of joint draws of
what all these networks are worth, see ``nas.evidence.chances.joint_draws``: cases and trainings are others, the same
for all sides. It says nothing of what another search would have found: that is in several ``--seeds``.
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
from nas.evidence.bootstrap import central
from nas.evidence.chances import joint_draws
from nas.evidence.hypervolume import Box, Steps
from nas.evidence.point import FrontPoint
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
    """The networks of the finals of a run.

    Attributes:
        points: what was trained.
        box: in which their hypervolume is taken.
    """

    points: list[FrontPoint]
    box: Box

    def area(self, scores: Iterable[float]) -> float:
        """The hypervolume were they worth that."""
        places = [self.box.place(point.cost.params) for point in self.points]
        return Steps(zip(places, scores, strict=True)).area()

    @property
    def told(self) -> list[tuple[int, bool]]:
        """Parameters of each, and whether it has no attention."""
        return [(point.cost.params, point.architecture.is_plain) for point in self.points]


def finals_of(run: Run) -> Finals:
    front = run.final_front
    assert front is not None
    return Finals([*front.points, *front.dominated], Box(*run.summary["box"]))


def drawn(finals: dict[str, list[Finals]]) -> dict[str, list[np.ndarray]]:
    """Of each run draws ``(draws,)`` of its hypervolume, joint over all runs: what two sides trained alike is one."""
    every = [point for runs in finals.values() for run in runs for point in run.points]
    points = {(point.architecture, point.by_seed): point for point in every}
    worth = dict(zip(points, joint_draws(list(points.values())).T, strict=True))

    def areas(run: Finals) -> np.ndarray:
        scores = np.stack([worth[point.architecture, point.by_seed] for point in run.points], axis=1)
        return np.array([run.area(each) for each in scores.tolist()])

    return {side: [areas(run) for run in runs] for side, runs in finals.items()}


def compared(finals: dict[str, list[Finals]]) -> list[dict[str, object]]:
    """Value and interval of each side, and how far it lies above the first."""
    values = {
        side: statistics.mean(one.area(point.dice for point in one.points) for one in runs)
        for side, runs in finals.items()
    }
    draws = {side: np.mean(areas, axis=0) for side, areas in drawn(finals).items()}
    first = next(iter(finals))
    return [
        {
            "side": side,
            "hypervolume": round(values[side], 4),
            "interval": _rounded(central(draws[side])),
            "above the first": round(values[side] - values[first], 4),
            "interval of that": _rounded(central(draws[side] - draws[first])),
            "finals": [one.told for one in runs],
        }
        for side, runs in finals.items()
    ]


def _rounded(ends: tuple[float, float]) -> list[float]:
    return [round(end, 4) for end in ends]


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
