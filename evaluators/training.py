"""Train a candidate from scratch, then score it: the evaluator that counts.

AdamW with one cycle of the learning rate (Smith and Topin, 2018, https://arxiv.org/abs/1708.07120) on Dice plus
cross-entropy: it converges fast, and short runs rank candidates as long ones do more often than with a slow schedule.
"""

from __future__ import annotations

import math
import time
from collections import deque
from collections.abc import Generator, Iterator, Sequence

import numpy as np
import torch
from torch import Tensor, nn

from evaluators.augmentation import Augmentation
from evaluators.batches import batches
from evaluators.evaluator import Assignment, Diverged, Evaluation, Evaluator, Progress, evaluator
from evaluators.inference import half_precision, predict_label, shares
from evaluators.losses import Criterion, DiceAndEntropy, training_loss
from evaluators.preprocessing import PreparedCase, PreparedTask
from evaluators.scoring import (
    CaseScores,
    diagonal,
    distance_metrics,
    hausdorff_scores,
    overlap_metrics,
    overlap_scores,
)
from evaluators.threads import spread
from search_spaces.errors import InputError
from search_spaces.hosts import Host

BATCH = {2: 8, 3: 2}  # images per step, by dimensions: a patch of a volume has several times the voxels
CHECK_EVERY = 10  # most steps between looks at the loss: each look waits for the GPU
REPORT_SECONDS = 1.0


@evaluator("train")
class TrainingEvaluator(Evaluator):
    """Trains for a number of steps and scores the last weights.

    Args:
        batch: images per step; None: ``BATCH``.
        learning_rate: peak of the cycle.
        weight_decay: of AdamW.
        warmup: share of the steps in which the rate rises.
        clip: largest norm of the gradient.
        mirror: average predictions over mirrored images.
        distances: also compute Hausdorff distances.
        augmentation: how training images are varied.
    """

    def __init__(
        self,
        batch: int | None = None,
        learning_rate: float = 5e-3,
        weight_decay: float = 1e-2,
        warmup: float = 0.2,
        clip: float = 1.0,
        mirror: bool = False,
        distances: bool = False,
        augmentation: Augmentation | None = None,
    ) -> None:
        self.batch = batch
        self.learning_rate = learning_rate
        self.weight_decay = weight_decay
        self.warmup = warmup
        self.clip = clip
        self.mirror = mirror
        self.distances = distances
        self.augmentation = augmentation or Augmentation()

    def evaluate(self, assignment: Assignment) -> Generator[Progress, None, Evaluation]:
        task, layout = assignment.task, assignment.task.preprocessing
        device = resolve_device(assignment.device)
        network = assignment.architecture.build(layout.channels, len(layout.classes), assignment.seed).to(device)
        torch.manual_seed(assignment.seed)  # for layers that are random in training; weights have seeds of their own
        loss = yield from self.train(network, task, assignment.steps, assignment.seed, device)
        network.eval()
        cases: CaseScores = {}
        false_positives: CaseScores = {}
        distances: CaseScores = {}
        scored: list[PreparedCase] = getattr(task, assignment.split)
        labelling = layout.labelling
        for case, label in self.predictions(network, task, scored, device):
            cases[case.name], false_positives[case.name] = overlap_scores(label, case.reference, labelling)
            if self.distances:
                distances[case.name] = hausdorff_scores(label, case.reference, labelling, case.spacing)
        metrics = overlap_metrics(cases, false_positives)
        if self.distances:
            diagonals = {case.name: diagonal(case.reference.shape, case.spacing) for case in scored}
            metrics |= distance_metrics(cases, distances, diagonals)
        return Evaluation(metrics | {"loss": loss}, cases, distances, false_positives, network.cpu())

    def train(
        self, network: Host, task: PreparedTask, steps: int, seed: int, device: torch.device
    ) -> Generator[Progress, None, float]:
        """Train ``network`` in place; returns the mean loss of the last tenth.

        Yields progress about once a second, and at the last step.
        """
        layout = task.preprocessing
        stream = batches(task.train, layout, self.batch or BATCH[layout.dims], steps, self.augmentation, seed, device)
        criterion = DiceAndEntropy(layout.labelling, device)
        reported = time.monotonic()
        recent: deque[Tensor] = deque(maxlen=max(steps // 10, 1))
        for step, loss in enumerate(self._steps(network, stream, criterion, steps, device), start=1):
            recent.append(loss)
            due = step == steps or time.monotonic() - reported > REPORT_SECONDS
            if due or step % CHECK_EVERY == 0:
                value = float(loss)
                if not math.isfinite(value):
                    raise Diverged(f"the loss was {value} at step {step} of {steps}")
                if due:
                    reported = time.monotonic()
                    yield Progress(step, steps, value)
        return float(torch.stack(list(recent)).mean())

    def _steps(
        self,
        network: Host,
        stream: Iterator[tuple[Tensor, Tensor]],
        criterion: Criterion,
        steps: int,
        device: torch.device,
    ) -> Iterator[Tensor]:
        """One optimiser step a batch; yields the loss, not yet waited for."""
        optimiser = torch.optim.AdamW(
            network.parameters(), self.learning_rate, weight_decay=self.weight_decay, fused=True
        )
        warmup = max(self.warmup, 1.5 / (steps + 1))  # torch divides by zero at exactly one step of warm-up
        schedule = torch.optim.lr_scheduler.OneCycleLR(
            optimiser, self.learning_rate, total_steps=steps + 1, pct_start=warmup, cycle_momentum=False
        )
        precision = half_precision(device)
        scaler = torch.amp.GradScaler(device.type, enabled=precision.fast_dtype is torch.float16)
        network.train()
        for images, labels in stream:
            with precision:
                outputs = network.outputs(images)
            loss = training_loss(outputs, images, labels, criterion)
            optimiser.zero_grad(set_to_none=True)
            scaler.scale(loss).backward()
            scaler.unscale_(optimiser)
            nn.utils.clip_grad_norm_(network.parameters(), self.clip, foreach=True)
            scaler.step(optimiser)
            scaler.update()
            schedule.step()
            yield loss.detach()

    def predictions(
        self, network: nn.Module, task: PreparedTask, cases: Sequence[PreparedCase], device: torch.device
    ) -> Iterator[tuple[PreparedCase, np.ndarray]]:
        """Label indices ``(*original size)`` of each case; raises ``Diverged`` where there is no finite probability."""
        layout = task.preprocessing
        at_once, threads = shares(layout, device)

        def predict(case: PreparedCase) -> np.ndarray:
            size = case.reference.shape
            try:
                return predict_label(
                    network, case.image, layout, size, mirror=self.mirror, device=device, threads=threads
                )
            except FloatingPointError:  # the last update may break a network whose last loss was finite
                raise Diverged(f"the prediction of case '{case.name}' is not finite") from None

        yield from zip(cases, spread(predict, cases, at_once), strict=True)


def resolve_device(name: str) -> torch.device:
    """``cpu`` or ``cuda``; raises ``InputError`` when a GPU is asked for and there is none."""
    if name == "cuda" and not torch.cuda.is_available():
        raise InputError("device: expected a GPU for 'cuda', torch sees none here")
    return torch.device(name)
