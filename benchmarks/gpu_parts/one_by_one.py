"""A few networks, plain ones and ones with attention, trained one after another by the tool's own training: no Ray."""

from __future__ import annotations

from collections.abc import Generator, Iterator
from typing import Any

from evaluators.augmentation import Augmentation
from evaluators.evaluator import Assignment, Evaluation, Progress
from evaluators.preprocessing import PreparedTask, prepare
from evaluators.tasks import open_task
from evaluators.training import TrainingEvaluator
from gpu_parts.setting import Setting, left
from nas.evidence.front import nondominated
from search_spaces.architecture.architecture import Architecture

# As in runs/examples/hippocampus.yaml.
CLASSES, PATCH = {"anterior": 1, "posterior": 2}, (32, 40, 32)
TRAINING = TrainingEvaluator(batch=2, learning_rate=0.005, augmentation=Augmentation(flip=0.0))
STEPS = 300
PLAIN = ((2, 8), (2, 4), (3, 8), (3, 4), (2, 6), (3, 6))  # depth and width
ATTENDING = PLAIN[0]
ATTENTION = (  # slot and mechanism
    ("bottleneck", "se"),
    ("encoder.1", "cbam"),
    ("skip.0", "attention_gate"),
    ("bottleneck", "non_local"),
    ("decoder.0", "scse"),
    ("encoder.0", "eca"),
    ("bottleneck", "mhsa"),
    ("encoder.1", "lka"),
    ("skip.1", "attention_gate"),
    ("bottleneck", "axial"),
    ("decoder.1", "simam"),
    ("skip.0", "scse"),
)
QUICK_STEPS = 3
QUICK_TASK = {"counts": {"train": 4, "val": 2, "test": 1}, "size": 16}


def train(setting: Setting, task: str, until: float) -> Iterator[dict[str, Any]]:
    """The front of those that are done in time, whenever one more is."""
    prepared = _prepared(setting, task)
    layout = prepared.preprocessing
    steps = QUICK_STEPS if setting.quick else STEPS
    networks = _networks()[len(PLAIN) - 1 : len(PLAIN) + 1] if setting.quick else _networks()
    points: list[dict[str, Any]] = []
    found: dict[str, Any] = {
        "trained": 0,
        "failed_trials": [],
        "ended": "",
        "scored_on": "validation cases",
        "front": [],
    }
    for network in networks:
        assignment = Assignment(network, prepared, steps, seed=0, device=setting.device.type)
        dice = _dice_in_time(TRAINING.evaluate(assignment), until)
        if dice is None:
            found["ended"] = f"no time for {len(networks) - len(points)} of {len(networks)} networks"
            break
        params = network.cost(layout.channels, len(layout.classes), layout.patch).params
        points.append({"network": str(network), "params": params, "dice": round(dice, 4)})
        places = nondominated([one["params"] for one in points], [one["dice"] for one in points])
        found |= {"trained": len(points), "points": points, "front": [points[place] for place in places]}
        yield found
    yield found


def _networks() -> list[Architecture]:
    """Plain ones, then one of them with attention in one place."""
    given = [(size, {}) for size in PLAIN] + [(ATTENDING, {slot: name}) for slot, name in ATTENTION]
    return [
        Architecture.from_dict(
            {"host": "unet", "dims": 3, "options": {"depth": depth, "width": width}, "attention": attention}
        )
        for (depth, width), attention in given
    ]


def _prepared(setting: Setting, task: str) -> PreparedTask:
    if task == "hippocampus":
        return prepare(open_task(setting.data, classes=CLASSES), patch=PATCH, scored=("val",))
    return prepare(open_task(task, **(QUICK_TASK if setting.quick else {})), scored=("val",))


def _dice_in_time(work: Generator[Progress, None, Evaluation], until: float) -> float | None:
    """Of an evaluation, None where it does not end in time."""
    while left(until) > 0:
        try:
            next(work)
        except StopIteration as stop:
            return float(stop.value.metrics["dice"])
    return None
