"""Train a candidate from scratch, then score it: the evaluator that counts.

AdamW with one cycle of the learning rate (Smith and Topin, 2018, https://arxiv.org/abs/1708.07120) on Dice plus
cross-entropy: it converges fast, and short runs rank candidates as long ones do more often than with a slow schedule.
"""

from __future__ import annotations

import math
import time
from collections.abc import Generator, Iterator, Sequence
from dataclasses import replace

import numpy as np
import torch
from torch import nn

from evaluators.augmentation import Augmentation, mirrored_axes
from evaluators.batches import batches
from evaluators.calibration import Calibration, CaseCalibration
from evaluators.components import METRIC as LARGEST
from evaluators.components import gains_of_largest, keep_largest
from evaluators.evaluator import Assignment, Diverged, Evaluation, Evaluator, Progress, evaluator
from evaluators.inference import predict_label, shares
from evaluators.labelling import Labelling
from evaluators.losses import FOCUS, DiceAndEntropy
from evaluators.optimisation import Optimisation
from evaluators.planning.rules import LEARNING_RATE, LOSS, batch_of
from evaluators.preprocessing import PreparedCase, PreparedTask
from evaluators.scoring import (
    CaseScores,
    diagonal,
    distance_metrics,
    hausdorff_scores,
    overlap_metrics,
    overlap_scores,
)
from evaluators.surface_dice import surface_dice_scores, surface_metrics, voxel_tolerance
from evaluators.threads import spread
from search_spaces.errors import InputError
from search_spaces.hosts import Host

CHECK_EVERY = 10  # most steps between looks at the loss: each look waits for the GPU
REPORT_SECONDS = 1.0


@evaluator("train")
class TrainingEvaluator(Evaluator):
    """Trains for a number of steps and scores the last weights.

    Args:
        batch: images per step; None: see ``planning.rules``.
        loss: key of ``FOCUS``.
        learning_rate: peak of the cycle.
        weight_decay: of AdamW.
        warmup: share of the steps in which the rate rises.
        clip: largest norm of the gradient.
        mirror: average predictions over images mirrored as those of training may be.
        distances: of the last weights also compute Hausdorff distances and surface Dice.
        tolerance: of surface Dice, mm; None: see ``tolerance_of``.
        calibration: of the last weights also tell whether probabilities mean what they say.
        cleaning: of the last weights' predictions of test cases keep only the largest part of each class for which
            validation cases show that this is right, see ``gains_of_largest``.
        augmentation: how training images are varied.
    """

    def __init__(
        self,
        batch: int | None = None,
        loss: str = LOSS,
        learning_rate: float = LEARNING_RATE,
        weight_decay: float = 1e-2,
        warmup: float = 0.2,
        clip: float = 1.0,
        mirror: bool = False,
        distances: bool = False,
        tolerance: float | None = None,
        calibration: bool = False,
        cleaning: bool = False,
        augmentation: Augmentation | None = None,
    ) -> None:
        self.batch = batch
        self.loss = loss
        self.learning_rate = learning_rate
        self.weight_decay = weight_decay
        self.warmup = warmup
        self.clip = clip
        self.mirror = mirror
        self.distances = distances
        self.tolerance = tolerance
        self.calibration = calibration
        self.cleaning = cleaning
        self.augmentation = augmentation or Augmentation()

    def evaluate(self, assignment: Assignment) -> Generator[Progress, None, Evaluation]:
        layout = assignment.task.preprocessing
        device = resolve_device(assignment.device)
        network = assignment.architecture.build(layout.channels, len(layout.classes), assignment.seed).to(device)
        torch.manual_seed(assignment.seed)  # for layers that are random in training; weights have seeds of their own
        loss = yield from self.train(network, assignment)
        network.eval()
        evaluation = yield from self.scores(network, assignment, assignment.steps, loss, last=True)
        return replace(evaluation, network=network.cpu())

    def optimisation(self, network: Host, labelling: Labelling, steps: int, *, averaged: bool = False) -> Optimisation:
        """The steps of a training of ``network``, none of them done; ``averaged``: see ``Optimisation``."""
        device = next(network.parameters()).device
        return Optimisation(
            network,
            DiceAndEntropy(labelling, device, FOCUS[self.loss]),
            steps,
            learning_rate=self.learning_rate,
            weight_decay=self.weight_decay,
            warmup=self.warmup,
            clip=self.clip,
            averaged=averaged,
        )

    def train(self, network: Host, assignment: Assignment) -> Generator[Progress, None, float]:
        """Train ``network`` in place; returns the mean loss of the last tenth.

        Yields progress about once a second, at every rung with the scores there, and at the last step.
        """
        reported = time.monotonic()
        task, layout, steps = assignment.task, assignment.task.preprocessing, assignment.steps
        device = next(network.parameters()).device
        rungs = {rung for rung in assignment.rungs if rung < steps}
        work = self.optimisation(network, layout.labelling, steps, averaged=bool(rungs))
        if assignment.state is not None:
            work.restore(assignment.state)
        batch = self.batch or batch_of(layout.patch)
        stream = batches(task.train, layout, batch, steps, self.augmentation, assignment.seed, device, work.done)
        for images, labels in stream:
            loss = work.step(images, labels)
            done = work.done
            due = done == steps or done in rungs or time.monotonic() - reported > REPORT_SECONDS
            if due or done % CHECK_EVERY == 0:
                value = float(loss)
                if not math.isfinite(value):
                    raise Diverged(f"the loss was {value} at step {done} of {steps}")
                if done in rungs:
                    evaluation = yield from self.scores(work.average, assignment, done, value)
                    yield Progress(done, steps, value, evaluation, work.state)
                elif due:
                    yield Progress(done, steps, value)
                if due:
                    reported = time.monotonic()
        return work.mean_loss

    def scores(
        self, network: nn.Module, assignment: Assignment, done: int, loss: float, last: bool = False
    ) -> Generator[Progress, None, Evaluation]:
        """Of a network in eval mode after ``done`` steps, on the cases of the assignment's split.

        ``last``: whether these are the last weights, of which everything is measured that was asked for.
        """
        task, labelling = assignment.task, assignment.task.preprocessing.labelling
        cases: CaseScores = {}
        false_positives: CaseScores = {}
        found: CaseScores = {}
        surfaces: CaseScores = {}
        distances = last and self.distances
        tolerance = 0.0
        if distances:
            tolerance = tolerance_of(task) if self.tolerance is None else self.tolerance
        calibration = Calibration(labelling.classes) if last and self.calibration else None
        scored: list[PreparedCase] = getattr(task, assignment.split)
        device = next(network.parameters()).device
        reported = time.monotonic()
        gains: dict[str, float] = {}
        if last and self.cleaning and assignment.split == "test":
            gains = yield from self._gains_of_largest(network, assignment, loss)
        predictions = self.predictions(network, task, scored, device, calibration)
        for number, (case, label) in enumerate(predictions, start=1):
            label = keep_largest(label, [1 + labelling.classes.index(name) for name in gains])
            cases[case.name], false_positives[case.name] = overlap_scores(label, case.reference, labelling)
            if distances:
                given = label, case.reference, labelling, case.spacing
                found[case.name] = hausdorff_scores(*given)
                surfaces[case.name] = surface_dice_scores(*given, tolerance)
            if time.monotonic() - reported > REPORT_SECONDS:
                yield Progress(done, assignment.steps, loss, scored=(number, len(scored)))
                reported = time.monotonic()
        metrics = overlap_metrics(cases, false_positives)
        if distances:
            diagonals = {case.name: diagonal(case.reference.shape, case.spacing) for case in scored}
            metrics |= distance_metrics(cases, found, diagonals) | surface_metrics(surfaces, tolerance)
        if calibration is not None:
            metrics |= calibration.metrics()
        metrics |= {f"{LARGEST}{name}": gain for name, gain in gains.items()}
        return Evaluation(metrics | {"loss": loss}, cases, found, false_positives, surface_dice=surfaces)

    def _gains_of_largest(
        self, network: nn.Module, assignment: Assignment, loss: float
    ) -> Generator[Progress, None, dict[str, float]]:
        """On the validation cases."""
        task, device = assignment.task, next(network.parameters()).device
        reported = time.monotonic()
        pairs: list[tuple[np.ndarray, np.ndarray]] = []
        for number, (case, label) in enumerate(self.predictions(network, task, task.val, device), start=1):
            pairs.append((label, case.reference))
            if time.monotonic() - reported > REPORT_SECONDS:
                yield Progress(assignment.steps, assignment.steps, loss, scored=(number, len(task.val)))
                reported = time.monotonic()
        return gains_of_largest(pairs, task.preprocessing.labelling)

    def predictions(
        self,
        network: nn.Module,
        task: PreparedTask,
        cases: Sequence[PreparedCase],
        device: torch.device,
        calibration: Calibration | None = None,
    ) -> Iterator[tuple[PreparedCase, np.ndarray]]:
        """Label indices ``(*original size)`` of each case; raises ``Diverged`` where there is no finite probability.

        ``calibration`` takes in the probabilities, where one is given.
        """
        layout = task.preprocessing
        at_once, threads = shares(layout, device)
        mirror = mirrored_axes(self.augmentation.flip, layout.dims) if self.mirror else ()

        def predict(case: PreparedCase) -> tuple[np.ndarray, Calibration | None]:
            size = case.reference.shape
            looked = None if calibration is None else CaseCalibration(case.reference, layout.labelling)
            try:
                label = predict_label(
                    network,
                    case.image,
                    layout,
                    size,
                    mirror=mirror,
                    device=device,
                    threads=threads,
                    see=None if looked is None else looked.see,
                )
            except FloatingPointError:  # the last update may break a network whose last loss was finite
                raise Diverged(f"the prediction of case '{case.name}' is not finite") from None
            return label, None if looked is None else looked.sums

        for case, (label, sums) in zip(cases, spread(predict, cases, at_once), strict=True):
            if calibration is not None and sums is not None:
                calibration.add(sums)
            yield case, label


def tolerance_of(task: PreparedTask) -> float:
    """The tolerance of surface Dice that follows from the voxels of a task's cases, mm; see ``voxel_tolerance``."""
    return voxel_tolerance([case.spacing for case in (*task.train, *task.val, *task.test)])


def resolve_device(name: str) -> torch.device:
    """``cpu`` or ``cuda``; raises ``InputError`` when a GPU is asked for and there is none."""
    if name == "cuda" and not torch.cuda.is_available():
        raise InputError("device: expected a GPU for 'cuda', torch sees none here")
    return torch.device(name)
