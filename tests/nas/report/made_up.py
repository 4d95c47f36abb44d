"""A run folder of made-up trials, with names that would do harm where a page took them for its own."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import numpy as np
import yaml

from evaluators.labelling import Labelling
from evaluators.preprocessing import Preprocessing
from evaluators.scoring import class_means, mean_score
from nas.records.journal import Journal
from nas.records.trial import Trial
from nas.run import Run
from search_spaces.architecture.architecture import Architecture
from search_spaces.architecture.placement import Placement
from tests.nas.trials import trial

HARM = "<img src=x onerror='window.harmed=1'>"
CLASSES = (f"tumour {HARM}", "</script><script>window.harmed=1</script>")
CASES = tuple(f'case "{number}" & {HARM}' for number in range(6))
REASON = "OutOfMemory: <!-- <script> " + HARM
MECHANISMS = ("se", "eca", "cbam", "attention_gate", "axial_reverse")
TRIALS = 14
SLOTS = ("encoder.1", "skip.0", "decoder.0")


def network(index: int) -> Architecture:
    """The plain one first; the others with mechanisms in more and more slots."""
    if index == 0:
        return Architecture.create("unet", 2, {"depth": 2, "width": 8})
    held: dict[str, list[Placement]] = {}
    for place, slot in enumerate(SLOTS[: 1 + index % 3]):
        mechanism = MECHANISMS[(index + place) % (3 if slot == "encoder.1" else len(MECHANISMS))]
        held[slot] = [Placement(mechanism)] * (2 if index == 4 and slot == "encoder.1" else 1)
    return Architecture.create("unet", 2, {"depth": 2 + index % 2, "width": 4 + index}, held)


def scored(number: int, worth: float, rng: np.random.Generator, **changes: object) -> Trial:
    """A completed trial with scores of every case and class around ``worth``; one case does not show the last class."""
    cases: dict[str, dict[str, float | None]] = {
        case: {name: float(np.clip(worth + rng.normal(0, 0.05), 0, 1)) for name in CLASSES} for case in CASES
    }
    cases[CASES[0]][CLASSES[1]] = None
    dice = mean_score(cases)
    metrics = {"dice": dice, **{f"dice/{name}": value for name, value in class_means(cases).items()}}
    return trial(number, dice, metrics=metrics, cases=cases, **changes)


def made_up_run(folder: Path) -> Run:
    """Some search trials of which one failed, finals of three networks with two seeds, a reference."""
    rng = np.random.default_rng(0)
    layout = Preprocessing(2, 1, Labelling.exclusive(CLASSES), None, None, (32, 32))
    reference = Architecture.create("unet", 2, {"depth": 3, "width": 20})
    config = {
        "seed": 0,
        "task": {"path": "/data/it's here"},
        "finals": {"mirror": False},
        "references": {HARM: reference.to_dict()},
        "versions": {"torch": "2"},
        "preprocessing": layout.to_dict(),
    }
    folder.mkdir(parents=True)
    (folder / "config.yaml").write_text(yaml.safe_dump(config))
    journal = Journal(folder / "journal.jsonl")
    cost = {index: network(index).cost(1, 2, (32, 32)) for index in range(TRIALS)}
    worth = {index: 0.5 + 0.03 * float(np.log(cost[index].params)) for index in range(TRIALS)}
    for index in range(TRIALS):
        made = scored(index, worth[index], rng, architecture=network(index), cost=cost[index])
        made = dataclasses.replace(
            made, finished=f"2026-01-02T03:{index:02d}:05.000+00:00", curve=((50, 0.4), (100, made.metrics["dice"]))
        )
        journal.append(_failed(made) if index == 5 else made)
    finals = [(network(index), worth[index], cost[index]) for index in (0, 3, 9)]
    finals.append((reference, 0.7, reference.cost(1, 2, (32, 32))))
    for number, (architecture, value, price) in enumerate(finals):
        for seed in (1, 2):
            weights = f"weights/{architecture.key}-{seed}.safetensors"
            place: dict[str, object] = {"phase": "final", "seed": seed, "steps": 200, "weights": weights}
            made = scored(2 * number + seed - 1, value, rng, architecture=architecture, cost=price, **place)
            journal.append(made)
            (folder / "weights").mkdir(exist_ok=True)
            (folder / weights).touch()
    return Run(folder)


def _failed(made: Trial) -> Trial:
    nothing: dict[str, dict[str, float | None]] = {}
    return dataclasses.replace(made, status="failed", metrics={}, cases=nothing, curve=(), error=REASON)
