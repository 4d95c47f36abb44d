"""What the page of a long search takes: seconds to build it, its size, and how soon a click is answered.

    python benchmarks/report.py [--trials 5000] [--clicks 15] [--quick] [--keep FOLDER] [--out report.json]

The run is made up: networks of the shipped space, scores of a made-up truth on 20 cases of two classes, one trial in a
hundred failed, and finals of the best. It is written by the project's own journal. Each command runs in a process of its
own, start included. A click is timed in a headless Chromium from the event to the frame that shows the network's details;
without Chromium and its driver that row is left out.
"""

from __future__ import annotations

import argparse
import dataclasses
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping
from datetime import datetime, timedelta, timezone
from pathlib import Path

import numpy as np
import yaml
from made_up_truth import Truth
from result import finish
from rich.console import Console
from rich.table import Table
from search_task import MadeUp

from evaluators.scoring import class_means, mean_score
from nas.config.checks import check
from nas.engine.launch import prepare_checked, resolved
from nas.records.journal import Journal
from nas.records.trial import Trial
from nas.run import Run
from search_spaces import Architecture

NOISE = 0.012
CLASSES = {"organ": 1, "tumour": 2}
CASES = 20
FAILED = 100  # one trial in so many
FINALISTS, SEEDS = 8, 2
BEGAN = datetime(2026, 1, 1, tzinfo=timezone.utc)


def make_run(folder: Path, count: int) -> Run:
    """A run folder with ``count`` search trials and finals."""
    folder.mkdir(parents=True)
    config = {"task": {"path": "phantom2d"}, "limits": {"trials": count}, "finals": {"seeds": SEEDS}}
    checked, prepared = prepare_checked(check(config, Path()))
    (folder / "config.yaml").write_text(yaml.safe_dump(resolved(checked, prepared), sort_keys=False))
    task, rng = MadeUp(Truth(0), NOISE), np.random.default_rng(0)
    drawn: dict[Architecture, None] = dict.fromkeys(task.plain)
    while len(drawn) < count:
        one = task.space.sample(rng, sparse=len(drawn) % 2 == 0)
        if task.budget(one):
            drawn[one] = None
    hardness = rng.normal(0, 0.06, (CASES, len(CLASSES)))
    journal = Journal(folder / "journal.jsonl")
    for number, architecture in enumerate(list(drawn)[:count]):
        failed = number % FAILED == FAILED - 1
        journal.append(_trial(number, architecture, None if failed else task.worth(architecture), hardness, rng))
    run = Run(folder)
    for number, point in enumerate(run.search_front.points[-FINALISTS:]):
        for seed in range(SEEDS):
            made = _trial(number * SEEDS + seed, point.architecture, task.worth(point.architecture), hardness, rng)
            journal.append(dataclasses.replace(made, phase="final", seed=1 + seed, steps=2 * made.steps))
    return Run(folder)


def _trial(
    number: int, architecture: Architecture, worth: float | None, hardness: np.ndarray, rng: np.random.Generator
) -> Trial:
    seconds = float(rng.uniform(30, 90))
    finished = BEGAN + timedelta(seconds=60.0 * (number + 1))
    cases: dict[str, dict[str, float | None]] = {}
    if worth is not None:
        scores = np.clip(worth + rng.normal(0, NOISE) + hardness + rng.normal(0, 0.03, hardness.shape), 0, 1)
        cases = {f"case_{i:03d}": dict(zip(CLASSES, row, strict=True)) for i, row in enumerate(scores.tolist())}
    dice = mean_score(cases) if cases else None
    return Trial(
        number=number,
        phase="search",
        architecture=architecture,
        seed=0,
        steps=900,
        status="failed" if dice is None else "completed",
        cost=architecture.cost(1, 1, (32, 32)),
        metrics=_metrics(dice, cases),
        cases=cases,
        distances={},
        seconds=seconds,
        cpu_seconds=seconds,
        error="OutOfMemory: made up to fail" if dice is None else None,
        weights=None,
        finished=finished.isoformat(timespec="milliseconds"),
        curve=() if dice is None else ((300, 0.7 * dice), (600, 0.9 * dice), (900, dice)),
    )


def _metrics(dice: float | None, cases: Mapping[str, Mapping[str, float | None]]) -> dict[str, float]:
    if dice is None:
        return {}
    return {"dice": dice, **{f"dice/{name}": value for name, value in class_means(cases).items()}}
