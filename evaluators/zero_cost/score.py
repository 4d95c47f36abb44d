"""What a zero-cost score is: a number of an untrained network and one batch, larger for what should train better.

These are no evaluators. An evaluation promises ``dice``, the mean foreground Dice on its cases, and fronts, finals and
effects show it as that; a score of another unit, which only orders networks, would be shown as what it is not. So they
are functions, for benchmarks and for filters of candidates.
"""

from __future__ import annotations

import math
from collections.abc import Callable

import torch
from torch import Tensor

from evaluators.batches import batches
from evaluators.evaluator import Diverged
from evaluators.losses import Criterion, DiceAndEntropy
from evaluators.planning.rules import batch_of
from evaluators.preprocessing import PreparedTask
from evaluators.training import TrainingEvaluator, resolve_device
from search_spaces.architecture.architecture import Architecture
from search_spaces.hosts import Host
from search_spaces.registry import Registry

Score = Callable[[Host, Tensor, Tensor, Criterion], float]
"""``(network, images, labels, criterion)``: an untrained network that the score may change, a batch as ``batches``
gives it, and the loss. Not finite where the network has no score."""

ZERO_COST: Registry[Score] = Registry("zero-cost score", "evaluators.zero_cost")


def zero_cost(name: str) -> Callable[[Score], Score]:
    """Function decorator that registers a score."""

    return ZERO_COST.register(name)


def zero_cost_score(
    name: str,
    architecture: Architecture,
    task: PreparedTask,
    seed: int,
    device: str = "cpu",
    training: TrainingEvaluator | None = None,
) -> float:
    """The score of an architecture on the first batch of its training.

    Args:
        name: of the score.
        architecture: what is built.
        task: whose training cases are seen.
        seed: of weights and batch.
        device: ``cpu`` or ``cuda``.
        training: whose batch size and augmentation count; None: those of ``train``.

    Raises:
        Diverged: the score is not finite.
    """
    layout, settings, place = task.preprocessing, training or TrainingEvaluator(), resolve_device(device)
    network = architecture.build(layout.channels, len(layout.classes), seed).to(place)
    batch = settings.batch or batch_of(layout.patch)
    images, labels = next(batches(task.train, layout, batch, 1, settings.augmentation, seed, place))
    torch.manual_seed(seed)
    value = ZERO_COST[name](network, images, labels, DiceAndEntropy(layout.labelling, place))
    if not math.isfinite(value):
        raise Diverged(f"the score '{name}' was {value}")
    return value
