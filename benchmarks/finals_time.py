"""How long the finals of a config will take, network by network, from a few steps of each.

    python benchmarks/finals_time.py CONFIG [--steps 4] [--drawn 6] [--set KEY=VALUE]... [--out finals_time.json]

Every network trains a few steps on one core; its processor time a step, the shortest, times steps, seeds and folds is
what its finals take. Finalists are not known before the search: random networks of the space stand for them.
Predictions on test cases are not counted.
"""

from __future__ import annotations

import argparse
import statistics
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from result import finish
from rich.console import Console
from rich.table import Table

from evaluators.batches import batches
from evaluators.cores import allowed_cores
from evaluators.preprocessing import PreparedTask
from nas.config.checks import Checked, admits, check
from nas.config.evaluation import training_evaluator
from nas.config.reading import apply_settings, read_config
from nas.engine.launch import prepare_checked
from nas.evidence.controls import unets_of
from nas.quantities import format_count, format_duration
from nas.strategies.candidates import starting_network
from search_spaces.architecture.architecture import Architecture

DRAWS = 1000  # from which those that are within the limits are taken


@dataclass(frozen=True)
class Measured:
    """One network: its name, parameters, and processor seconds of a step."""

    name: str
    params: int
    step: float


def step_of(architecture: Architecture, checked: Checked, task: PreparedTask, steps: int) -> float:
    """Processor seconds of a training step, the shortest of ``steps`` after a first one."""
    layout, trained = task.preprocessing, training_evaluator(checked.config)
    assert trained.batch is not None
    network = architecture.build(layout.channels, len(layout.classes), 0)
    work = trained.optimisation(network, layout.labelling, steps + 1)
    stream = batches(task.train, layout, trained.batch, steps + 1, trained.augmentation, 0, torch.device("cpu"), 0)
    seconds = []
    began = time.process_time()
    for images, labels in stream:
        work.step(images, labels)
        seconds.append(time.process_time() - began)
        began = time.process_time()
    return min(seconds[1:])


def networks(checked: Checked, task: PreparedTask, drawn: int) -> Iterator[tuple[str, str, Architecture]]:
    """Each with its kind and its name."""
    layout = task.preprocessing

    def params_of(architecture: Architecture) -> int:
        return architecture.cost(layout.channels, len(layout.classes), layout.patch).params

    def admitted(architecture: Architecture) -> bool:
        return admits(checked, architecture, layout.patch)

    plain = starting_network(checked.space, admitted)
    if plain is not None:
        yield "plain", str(plain), plain
    samples = (checked.space.sample(np.random.default_rng((0, index)), True) for index in range(DRAWS))
    for _, one in zip(range(drawn), filter(admitted, samples), strict=False):
        yield "drawn", str(one), one
    for name, reference in checked.references.items():
        yield "reference", name, reference
    if checked.config.finals.match_references:
        unets = unets_of(checked.references.values(), plain, params_of)
        for unet in dict.fromkeys(unets.values()):
            yield "reference", str(unet), unet


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("config", type=Path)
    parser.add_argument("--steps", type=int, default=4, help="measured of each network")
    parser.add_argument("--drawn", type=int, default=6, help="networks of the space that stand for the finalists")
    parser.add_argument("--set", dest="settings", metavar="KEY=VALUE", action="append", default=[])
    parser.add_argument("--out", type=Path)
    arguments = parser.parse_args()
    torch.set_num_threads(1)
    checked = check(apply_settings(read_config(arguments.config), arguments.settings), arguments.config.parent)
    checked, task = prepare_checked(checked)
    layout, finals = task.preprocessing, checked.config.finals
    found: dict[str, list[Measured]] = {"plain": [], "drawn": [], "reference": []}
    table = Table(box=None, pad_edge=False, header_style="bold")
    for column in ("", "network", "parameters", "s a step", "its finals"):
        table.add_column(column)
    trained = checked.config.final_steps * finals.seeds * (finals.folds or 1)
    for kind, name, architecture in networks(checked, task, arguments.drawn):
        params = architecture.cost(layout.channels, len(layout.classes), layout.patch).params
        one = Measured(name, params, step_of(architecture, checked, task, arguments.steps))
        found[kind].append(one)
        table.add_row(kind, name, format_count(params), f"{one.step:.3f}", format_duration(one.step * trained))
    known = sum(one.step for one in (*found["plain"], *found["reference"]))
    others = (finals.candidates - 1) * statistics.mean(one.step for one in found["drawn"])
    seconds = (known + others) * trained
    cores = allowed_cores()
    console = Console()
    console.print(table)
    console.print(
        f"finals: {format_duration(seconds)} of processor time, {format_duration(seconds / cores)} on {cores} cores; "
        f"the search before them: at most {format_duration(checked.config.limits.time or 0.0)}",
        highlight=False,
    )
    result = {
        "config": str(arguments.config),
        "cores": cores,
        "cpu_seconds": round(seconds),
        "steps": {one.name: round(one.step, 4) for each in found.values() for one in each},
    }
    finish(result, arguments.out)


if __name__ == "__main__":
    main()
