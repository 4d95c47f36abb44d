"""One network under several recipes with the same steps: the tool's, MONAI's usual one, and variations of the tool's.

    python benchmarks/recipe.py DATA [--tasks NAME...] [--sides ours monai ...] [--steps 600] [--seeds 2] --out FILE

DATA is the folder that holds the task folders of ``CLASSES``. A side is ``ours``, ``monai``, or changes to the tool's
recipe, as ``training.learning_rate=0.002`` or ``finals.mirror=true,training.loss=dice_focal``. All see the same cases
at the same size with the same patch and batch, and are scored on the validation cases, on the grid of the files. Every
training appends a line of JSON to --out as it ends; those that the file holds are not repeated.
"""

from __future__ import annotations

import argparse
import json
import os
import time
from collections.abc import Mapping
from concurrent.futures import ProcessPoolExecutor, as_completed
from multiprocessing import get_context
from pathlib import Path
from typing import Any

import numpy as np
from result import finish
from rich.console import Console
from rich.table import Table

from evaluators.cores import allowed_cores
from nas.evidence.bootstrap import mean_interval, score_table, table_mean
from nas.evidence.training_noise import learn_noise

CLASSES: Mapping[str, Mapping[str, Any] | None] = {
    "kvasir_seg": {"polyp": "127<"},
    "busi_small": {"lesion": 255},
    "drive_retina": {"vessel": 255},
    "isbi2012_em": None,
    "hippocampus3d": {"anterior": 1, "posterior": 2},
}
NETWORK = {"depth": 3, "width": 8}


def train(data: str, name: str, side: str, steps: int, seed: int, network: dict[str, Any]) -> dict[str, Any]:
    """One training, scored on validation cases."""
    import torch

    from evaluators.evaluator import Assignment, run_to_end
    from evaluators.scoring import dice_scores
    from nas.config.checks import check
    from nas.config.evaluation import training_evaluator
    from nas.config.reading import apply_settings
    from nas.engine.launch import prepare_checked
    from search_spaces.architecture.architecture import Architecture

    torch.set_num_threads(1)
    settings = [] if side in ("ours", "monai") else side.split(",")
    asked = apply_settings({"task": {"path": str(Path(data) / name), "classes": CLASSES[name]}}, settings)
    checked, task = prepare_checked(check(asked, Path()), ("val",))
    architecture = Architecture.create("unet", checked.task.dims, network)
    began = time.perf_counter()
    evaluator = training_evaluator(checked.config, final=True)
    evaluator.distances = False
    if side == "monai":
        from monai_recipe import train as train_with_monai

        layout = task.preprocessing
        built = architecture.build(layout.channels, len(layout.classes), seed)
        train_with_monai(built, task.train, layout, checked.config.training.batch or 1, steps, seed)
        predicted = evaluator.predictions(built, task, task.val, torch.device("cpu"))
        cases = {case.name: dice_scores(label, case.reference, layout.labelling) for case, label in predicted}
    else:
        cases = run_to_end(evaluator.evaluate(Assignment(architecture, task, steps, seed))).cases
    return {
        "task": name,
        "side": side,
        "steps": steps,
        "seed": seed,
        "network": network,
        "seconds": round(time.perf_counter() - began, 1),
        "cases": cases,
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("data")
    parser.add_argument("--tasks", nargs="+", choices=CLASSES, default=list(CLASSES))
    parser.add_argument("--sides", nargs="+", default=["monai", "ours"], help="the others are compared with the first")
    parser.add_argument("--steps", type=int, default=600)
    parser.add_argument("--seeds", type=int, default=2)
    parser.add_argument("--network", type=json.loads, default=NETWORK, help="options of the U-Net, as JSON")
    parser.add_argument("--workers", type=int, default=allowed_cores())
    parser.add_argument("--out", type=Path, required=True)
    options = parser.parse_args()
    done = [json.loads(line) for line in options.out.read_text().splitlines()] if options.out.exists() else []
    done = [one for one in done if (one["steps"], one["network"]) == (options.steps, options.network)]
    have = {(one["task"], one["side"], one["seed"]) for one in done}
    wanted = [
        (name, side, seed)
        for seed in range(options.seeds)
        for name in options.tasks
        for side in options.sides
        if (name, side, seed) not in have
    ]
    with ProcessPoolExecutor(options.workers, get_context("spawn")) as pool:
        jobs = [
            pool.submit(train, options.data, name, side, options.steps, seed, options.network)
            for name, side, seed in wanted
        ]
        for job in as_completed(jobs):
            done.append(job.result())
            with options.out.open("a") as file:
                file.write(json.dumps(done[-1]) + "\n")
                file.flush()
                os.fsync(file.fileno())
            print({key: value for key, value in done[-1].items() if key != "cases"}, flush=True)
    rows = [row for name in options.tasks for row in compared(name, options.sides, options.seeds, done)]
    table = Table("task", "recipe", "Dice", "over the first", "95% interval", "seconds", box=None)
    for row in rows:
        table.add_row(*map(str, row.values()))
    Console().print(table)
    finish({"benchmark": "recipe", "steps": options.steps, "network": options.network, "rows": rows}, out=None)


def compared(name: str, sides: list[str], seeds: int, done: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """A line of each side: its mean, and how far it lies above the first, paired by seed and case.

    The interval is over cases and all trainings there might be, whose spread all sides of the task tell together.
    """
    found = {(one["side"], one["seed"]): one for one in done if one["task"] == name}
    cases = sorted(found[sides[0], 0]["cases"])
    classes = sorted({label for scores in found[sides[0], 0]["cases"].values() for label in scores})
    tables = {
        side: score_table([found[side, seed]["cases"] for seed in range(seeds)], cases, classes) for side in sides
    }
    dice = np.array([[table_mean(one[None]) for one in scores] for scores in tables.values()])
    spreads = dict(zip(tables, learn_noise(dice, np.zeros(dice.shape, bool)).spreads, strict=True))
    rows = []
    for side, scores in tables.items():
        difference = scores - tables[sides[0]]
        ends = None
        if side != sides[0]:
            ends = mean_interval(difference, *spreads[side].of_difference(spreads[sides[0]]))
        rows.append(
            {
                "task": name,
                "side": side,
                "dice": round(table_mean(scores) or 0.0, 4),
                "gain": round(table_mean(difference) or 0.0, 4),
                "interval": None if ends is None else [round(end, 4) for end in ends],
                "seconds": round(float(np.mean([found[side, seed]["seconds"] for seed in range(seeds)])), 1),
            }
        )
    return rows


if __name__ == "__main__":
    main()
