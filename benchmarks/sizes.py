"""The size, spacing and patch that the tool chooses beside three chosen by hand: validation Dice of the plain network.

    python benchmarks/sizes.py DATA [--tasks NAME...] [--steps 400] [--seeds 3] --out sizes.jsonl

DATA is the folder that holds the five task folders of ``TASKS``. Every training appends one line of JSON to --out as
it ends; trainings that the file already holds are not repeated.
"""

from __future__ import annotations

import argparse
import json
import statistics
import time
from collections.abc import Mapping
from concurrent.futures import ProcessPoolExecutor, as_completed
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from result import finish
from rich.console import Console
from rich.table import Table

from evaluators.cores import allowed_cores

CHOSEN = "chosen"


@dataclass(frozen=True)
class Setup:
    """A task, and by name the arguments of ``prepare`` that somebody would try by hand."""

    classes: Mapping[str, Any] | None
    by_hand: Mapping[str, Mapping[str, Any]]
    flip: float = 0.5


PICTURES = {f"size {edge} x {edge}": {"size": (edge, edge)} for edge in (64, 96, 160)}
TASKS = {
    "kvasir_seg": Setup({"polyp": "127<"}, PICTURES),
    "busi_small": Setup({"lesion": 255}, PICTURES),
    "drive_retina": Setup(
        {"vessel": 255},
        {
            "patch 64 x 64": {"spacing": None, "patch": (64, 64)},
            "patch 96 x 96": {"spacing": None, "patch": (96, 96)},
            "half size, patch 128 x 128": {"size": (292, 282), "patch": (128, 128)},
        },
    ),
    "isbi2012_em": Setup(
        None,
        {
            "patch 64 x 64": {"spacing": None, "patch": (64, 64)},
            "patch 128 x 128": {"spacing": None, "patch": (128, 128)},
            "half size, patch 128 x 128": {"size": (256, 256), "patch": (128, 128)},
        },
    ),
    "hippocampus3d": Setup(
        {"anterior": 1, "posterior": 2},
        {
            "patch 24 x 24 x 24": {"spacing": None, "patch": (24, 24, 24)},
            "patch 32 x 40 x 32": {"spacing": None, "patch": (32, 40, 32)},
            "2 mm": {"spacing": (2, 2, 2)},
        },
        flip=0,  # the classes are told apart by where they lie
    ),
}


def train(data: str, name: str, choice: str, steps: int, seed: int) -> dict[str, Any]:
    """One training of the plain U-Net (depth 3, width 8), scored on validation cases."""
    import torch

    from evaluators.augmentation import Augmentation
    from evaluators.evaluator import Assignment, run_to_end
    from evaluators.preprocessing import prepare
    from evaluators.tasks import open_task
    from evaluators.training import TrainingEvaluator
    from search_spaces.architecture.architecture import Architecture

    torch.set_num_threads(1)
    setup = TASKS[name]
    task = open_task(Path(data) / name, classes=setup.classes)
    prepared = prepare(task, **({} if choice == CHOSEN else setup.by_hand[choice]))
    architecture = Architecture.create("unet", task.dims, {"depth": 3, "width": 8})
    batch = {2: 8, 3: 2}[task.dims]
    evaluator = TrainingEvaluator(batch=batch, learning_rate=0.005, augmentation=Augmentation(flip=setup.flip))
    began = time.perf_counter()
    result = run_to_end(evaluator.evaluate(Assignment(architecture, prepared, steps, seed, "val", "cpu")))
    layout = prepared.preprocessing
    return {
        "task": name,
        "choice": choice,
        "size": layout.size,
        "spacing": layout.spacing,
        "patch": layout.patch,
        "steps": steps,
        "seed": seed,
        "dice": result.metrics["dice"],
        "seconds": time.perf_counter() - began,
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("data")
    parser.add_argument("--tasks", nargs="+", choices=TASKS, default=list(TASKS))
    parser.add_argument("--steps", type=int, default=400)
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--workers", type=int, default=allowed_cores())
    parser.add_argument("--out", type=Path, required=True)
    options = parser.parse_args()
    done = [json.loads(line) for line in options.out.read_text().splitlines()] if options.out.exists() else []
    done = [entry for entry in done if entry["steps"] == options.steps]
    have = {(entry["task"], entry["choice"], entry["seed"]) for entry in done}
    wanted = [
        (name, choice, seed)
        for seed in range(options.seeds)
        for name in options.tasks
        for choice in (CHOSEN, *TASKS[name].by_hand)
        if (name, choice, seed) not in have
    ]
    with ProcessPoolExecutor(options.workers) as pool:
        jobs = [pool.submit(train, options.data, name, choice, options.steps, seed) for name, choice, seed in wanted]
        for job in as_completed(jobs):
            done.append(job.result())
            with options.out.open("a") as file:
                file.write(json.dumps(done[-1]) + "\n")
            print(done[-1], flush=True)
    rows = [summary(name, choice, done) for name in options.tasks for choice in (CHOSEN, *TASKS[name].by_hand)]
    table = Table("task", "choice", "patch", "Dice", "of seeds", "seconds", box=None)
    for row in rows:
        table.add_row(*[str(value) for value in row.values()])
    Console().print(table)
    finish({"benchmark": "sizes", "steps": options.steps, "rows": rows}, out=None)


def summary(name: str, choice: str, done: list[dict[str, Any]]) -> dict[str, Any]:
    """A line of the table: the mean over seeds, and each of them."""
    found = sorted(
        (entry for entry in done if (entry["task"], entry["choice"]) == (name, choice)), key=lambda entry: entry["seed"]
    )
    return {
        "task": name,
        "choice": choice,
        "patch": " x ".join(str(length) for length in found[0]["patch"]),
        "dice": round(statistics.mean(entry["dice"] for entry in found), 4),
        "seeds": " ".join(f"{entry['dice']:.3f}" for entry in found),
        "seconds": round(statistics.mean(entry["seconds"] for entry in found), 1),
    }


if __name__ == "__main__":
    main()
