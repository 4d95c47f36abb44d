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
from pathlib import Path

import numpy as np
from result import finish
from rich.console import Console
from rich.table import Table

import nas
from nas.evidence.hypervolume import Box, Steps
from nas.records.trial import Trial
from nas.run import Run

RESAMPLES = 2000


def searched(config: Path, side: str, seed: int, settings: Sequence[str], runs: Path) -> Run:
    """The run of one side, from the start or gone on with."""
    strategy, *changes = side.split("+")
    name = f"{config.stem}-{side.replace('=', '')}-{seed}"
    return nas.search(
        config,
        settings=[f"strategy.name={strategy}", f"seed={seed}", *changes, *settings],
        run=name,
        resume=(runs / name / "config.yaml").is_file(),
        runs=runs,
    )


class Finals:
    """The finals of a run as tables ``(architectures, seeds, cases)`` of Dice, nan where a class is not there."""

    def __init__(self, run: Run) -> None:
        self.box = Box(*run.summary["box"])
        groups: dict[object, list[Trial]] = {}
        for trial in run.journal:
            if trial.phase == "final" and trial.dice is not None and trial.architecture not in run.references:
                groups.setdefault(trial.architecture, []).append(trial)
        self.params = [trials[0].cost.params for trials in groups.values()]
        self.plain = [trials[0].architecture.is_plain for trials in groups.values()]
        self.cases = sorted({case for trials in groups.values() for trial in trials for case in trial.cases})
        self.scores = [
            np.array([[_mean(trial.cases.get(case, {}).values()) for case in self.cases] for trial in trials])
            for trials in groups.values()
        ]

    def area(self, cases: np.ndarray, seeds: np.random.Generator | None = None) -> float:
        """Hypervolume where each case counts ``cases`` times; with ``seeds``, of seeds drawn from it."""
        points = []
        for params, table in zip(self.params, self.scores, strict=True):
            drawn = table if seeds is None else table[seeds.integers(len(table), size=len(table))]
            known = ~np.isnan(drawn)
            weights = known * cases
            points.append((self.box.place(params), float((np.where(known, drawn, 0) * weights).sum() / weights.sum())))
        return Steps(points).area()


def _mean(scores: Iterable[float | None]) -> float:
    known = [score for score in scores if score is not None]
    return statistics.mean(known) if known else float("nan")


def compared(finals: dict[str, list[Finals]]) -> list[dict[str, object]]:
    """Value and interval of each side, and how far it lies above the first."""
    rng = np.random.default_rng(0)
    cases = next(iter(finals.values()))[0].cases
    ones = np.ones(len(cases))
    drawn = rng.multinomial(len(cases), ones / len(cases), size=RESAMPLES).astype(float)
    resampled = {
        side: np.array([statistics.mean(one.area(weights, rng) for one in runs) for weights in drawn])
        for side, runs in finals.items()
    }
    values = {side: statistics.mean(one.area(ones) for one in runs) for side, runs in finals.items()}
    first = next(iter(finals))
    rows: list[dict[str, object]] = []
    for side, runs in finals.items():
        low, high = np.quantile(resampled[side], [0.025, 0.975])
        above = np.quantile(resampled[side] - resampled[first], [0.025, 0.975])
        rows.append(
            {
                "side": side,
                "hypervolume": round(values[side], 4),
                "interval": [round(float(low), 4), round(float(high), 4)],
                "above the first": round(values[side] - values[first], 4),
                "interval of that": [round(float(end), 4) for end in above],
                "finals": [sorted(zip(one.params, one.plain, strict=True)) for one in runs],
            }
        )
    return rows


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
            finals.setdefault(side, []).append(Finals(run))
            told.setdefault(side, []).append({key: run.summary.get(key) for key in ("trials", "seconds")})
    rows = compared(finals)
    table = Table("side", "hypervolume on test cases", "95% interval", "above the first", "95% interval", box=None)
    for row in rows:
        table.add_row(*(str(row[name]) for name in list(row)[:5]))
    Console().print(table)
    finish({"benchmark": "fronts", "config": str(options.config), "rows": rows, "runs": told}, options.out)


if __name__ == "__main__":
    main()
