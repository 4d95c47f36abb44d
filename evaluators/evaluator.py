"""What an evaluator is: it gives an architecture a score on a task, and says how far it is meanwhile."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Generator
from dataclasses import dataclass, field
from typing import TypeVar

from safetensors.torch import save
from torch import nn

from evaluators.preprocessing import PreparedTask
from evaluators.scoring import CaseScores
from search_spaces.architecture.architecture import Architecture
from search_spaces.registry import Registry


class Diverged(RuntimeError):
    """Training left the finite numbers; the trial failed and has no score."""


@dataclass(frozen=True)
class Assignment:
    """One thing to evaluate; plain data but for the task.

    Attributes:
        architecture: what to build.
        task: what to train and score on.
        steps: fidelity: number of optimiser steps.
        seed: of initial weights, batches and augmentations.
        split: ``val`` or ``test``: the cases scored.
        device: ``cpu`` or ``cuda``.
        rungs: steps after which it is scored too, on the way.
        state: where to go on from: what a ``Progress`` of the same assignment gave. None: from the start.
    """

    architecture: Architecture
    task: PreparedTask
    steps: int
    seed: int
    split: str = "val"
    device: str = "cpu"
    rungs: tuple[int, ...] = ()
    state: bytes | None = None


@dataclass(frozen=True)
class Progress:
    """How far an evaluation is.

    Attributes:
        step: optimiser steps done.
        steps: of all.
        loss: of the last step.
        evaluation: scores after ``step``, where that is a rung; without a network.
        state: gives what an assignment goes on from, at a rung; None where it cannot be gone on with.
        scored: while it is scored, cases that are and of how many.
    """

    step: int
    steps: int
    loss: float
    evaluation: Evaluation | None = None
    state: Callable[[], bytes] | None = None
    scored: tuple[int, int] | None = None


@dataclass(frozen=True)
class Evaluation:
    """What came of it.

    Attributes:
        metrics: ``dice`` (mean foreground), ``dice/<class>``, ``loss``, ... see ``overlap_metrics``.
        cases: Dice of each case and class that the case has.
        distances: 95th-percentile Hausdorff distance of each case and class, mm; empty where not asked for.
        false_positives: of each case and class that the case does not have, the voxels predicted as it.
        network: the trained network, in eval mode on the CPU; None where nothing was trained.
        surface_dice: surface Dice of each case and class that the case has; empty where not asked for.
    """

    metrics: dict[str, float]
    cases: CaseScores
    distances: CaseScores = field(default_factory=dict)
    false_positives: CaseScores = field(default_factory=dict)
    network: nn.Module | None = None
    surface_dice: CaseScores = field(default_factory=dict)

    def weights(self) -> bytes | None:
        """The network's weights as the content of a safetensors file."""
        if self.network is None:
            return None
        return save({name: tensor.contiguous() for name, tensor in self.network.state_dict().items()})


def run_to_end(
    work: Generator[Progress, None, Evaluation], show: Callable[[Progress], object] = lambda progress: None
) -> Evaluation:
    """Let an evaluation run to its end here, with ``show`` called on what it reports."""
    while True:
        try:
            show(next(work))
        except StopIteration as stop:
            evaluation: Evaluation = stop.value
            return evaluation


class Evaluator(ABC):
    """Gives scores. Instances are plain settings: they are sent to workers."""

    @abstractmethod
    def evaluate(self, assignment: Assignment) -> Generator[Progress, None, Evaluation]:
        """Work on one assignment, yielding now and then how far it is; returns the evaluation.

        At each rung it yields the scores there; who knows no rungs passes over them, and is always worked to the end.
        Raises whatever went wrong, ``Diverged`` for numbers that are not finite; a failed trial never has a score.
        """


EVALUATORS: Registry[type[Evaluator]] = Registry("evaluator", "evaluators")

E = TypeVar("E", bound=type[Evaluator])


def evaluator(name: str) -> Callable[[E], E]:
    """Class decorator that registers an evaluator; its constructor's arguments are its settings."""
    return EVALUATORS.register(name)
