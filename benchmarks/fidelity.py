"""How long to train in a search: the plain network's Dice and its spread over seeds, at several lengths.

A search can only rank candidates that differ by more than the spread at its length of training.

    python benchmarks/fidelity.py CONFIG [--steps 200 400 800] [--seeds 5] [--set KEY=VALUE]... [--out fidelity.jsonl]

Every training appends one line of JSON to --out as it ends, so that a stopped measurement keeps what it has;
trainings that the file already holds are not repeated.
"""

from __future__ import annotations

import argparse
import json
import statistics
import time
from concurrent.futures import ProcessPoolExecutor, as_completed
from pathlib import Path
from typing import TYPE_CHECKING

from result import finish
from rich.console import Console
from rich.table import Table

from evaluators.cores import allowed_cores

if TYPE_CHECKING:
    from evaluators.preprocessing import PreparedTask
    from nas.config.checks import Checked


def train(config: str, settings: list[str], steps: int, seed: int, architecture: str | None) -> dict[str, object]:
    """One training of the plain network (or of ``architecture``, a preset or YAML file), scored on validation cases."""
    import torch

    from evaluators.evaluator import Assignment, run_to_end
    from nas.config.checks import check
    from nas.config.evaluation import training_evaluator
    from nas.config.reading import apply_settings, read_config
    from nas.config.sources import load_architecture
    from nas.engine.launch import prepare_checked

    torch.set_num_threads(1)
    path = Path(config)
    if config not in _OPENED:
        checked = check(apply_settings(read_config(path), settings), path.parent)
        _OPENED[config] = prepare_checked(checked)
    checked, task = _OPENED[config]
    chosen = load_architecture(architecture, checked.task.dims) if architecture else checked.space.plain()
    began = time.perf_counter()
    work = training_evaluator(checked.config).evaluate(Assignment(chosen, task, steps, seed))
    dice = run_to_end(work).metrics["dice"]
    return {
        "architecture": str(chosen),
        "steps": steps,
        "seed": seed,
        "dice": dice,
        "seconds": time.perf_counter() - began,
    }


# Of this process, by config: reading a task takes longer than a short training.
_OPENED: dict[str, tuple[Checked, PreparedTask]] = {}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("config")
    parser.add_argument("--architecture", help="preset:NAME or YAML file; left out, the space's plain network")
    parser.add_argument("--steps", type=int, nargs="+", default=[200, 400, 800])
    parser.add_argument("--seeds", type=int, default=5)
    parser.add_argument("--set", dest="settings", action="append", default=[])
    parser.add_argument("--workers", type=int, default=allowed_cores())
    parser.add_argument("--out", type=Path, required=True)
    options = parser.parse_args()
    done = [json.loads(line) for line in options.out.read_text().splitlines()] if options.out.exists() else []
    have = {(entry["steps"], entry["seed"]) for entry in done}
    wanted = [(steps, seed) for steps in options.steps for seed in range(options.seeds) if (steps, seed) not in have]
    with ProcessPoolExecutor(options.workers) as pool:
        jobs = [
            pool.submit(train, options.config, options.settings, steps, seed, options.architecture)
            for steps, seed in wanted
        ]
        for job in as_completed(jobs):
            done.append(job.result())
            with options.out.open("a") as file:
                file.write(json.dumps(done[-1]) + "\n")
            print(done[-1], flush=True)
    table = Table("steps", "seeds", "mean Dice", "spread", "seconds", box=None)
    rows = []
    for steps in sorted({entry["steps"] for entry in done}):
        found = [entry for entry in done if entry["steps"] == steps]
        scores = [entry["dice"] for entry in found]
        rows.append(
            {
                "steps": steps,
                "seeds": len(scores),
                "dice": round(statistics.mean(scores), 4),
                "spread": round(statistics.stdev(scores), 4) if len(scores) > 1 else None,
                "seconds": round(statistics.mean(entry["seconds"] for entry in found), 1),
            }
        )
        table.add_row(*[str(value) for value in rows[-1].values()])
    Console().print(table)
    finish({"benchmark": "fidelity", "config": options.config, "rows": rows}, out=None)


if __name__ == "__main__":
    main()
