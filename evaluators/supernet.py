"""Score candidates with the weights of a network that was trained for all of them at once."""

from __future__ import annotations

from collections.abc import Generator
from dataclasses import dataclass, replace

import numpy as np
import torch

from evaluators.batches import batches
from evaluators.estimate import Estimate, Kept
from evaluators.evaluator import Assignment, Evaluation, Progress, evaluator
from evaluators.inference import half_precision
from evaluators.planning.rules import batch_of
from evaluators.training import TrainingEvaluator, resolve_device
from evaluators.weight_sharing import Supernet, recalibrate
from search_spaces.architecture.architecture import Architecture
from search_spaces.errors import InputError
from search_spaces.space.space import Space
from search_spaces.space.space_file import load_space
from search_spaces.space.union import SearchSpace

MOST = 4  # supernets that a worker keeps
LONGER = 10  # times the steps of an assignment, that a supernet is trained unless told


@dataclass(frozen=True)
class Trained:
    """A supernet in eval mode, and the mean loss at the end of its training."""

    network: Supernet
    loss: float


@evaluator("supernet")
class SupernetEvaluator(Estimate):
    """Scores a candidate with shared weights: one supernet is trained per host and options, no candidate is.

    Every step trains one candidate that is drawn from the space. The supernet is trained once per seed in every worker,
    and is the same in each. Batch norms are recalibrated for each candidate.

    Args:
        training: see ``Estimate``.
        space: what is drawn from; None: all mechanisms in all slots.
        shared_steps: of the supernet; 0: ``LONGER`` times those of an assignment.
        empty: chance of a slot to be empty in a step, from 0 up to 1.
        recalibration: batches of training images from which batch norms take their statistics.
    """

    def __init__(
        self,
        training: TrainingEvaluator | None = None,
        space: SearchSpace | None = None,
        shared_steps: int = 0,
        empty: float = 0.5,
        recalibration: int = 8,
    ) -> None:
        super().__init__(training)
        if shared_steps < 0:
            raise InputError(f"evaluator.shared_steps: expected at least 0, got {shared_steps}")
        if not 0 <= empty < 1:
            raise InputError(f"evaluator.empty: expected a number from 0 up to 1, got {empty}")
        if recalibration < 1:
            raise InputError(f"evaluator.recalibration: expected at least 1, got {recalibration}")
        self.space, self.shared_steps = space, shared_steps
        self.empty, self.recalibration = empty, recalibration
        self.kept: Kept[Trained] = Kept(MOST)

    def evaluate(self, assignment: Assignment) -> Generator[Progress, None, Evaluation]:
        candidate, task, seed = assignment.architecture, assignment.task, assignment.seed
        plain = Architecture(candidate.host, candidate.dims, candidate.options)
        steps = self.shared_steps or LONGER * assignment.steps
        shared = replace(assignment, architecture=plain, steps=steps, rungs=(), state=None)
        trained = yield from self.kept.get(
            task, (plain, steps, seed, assignment.device), lambda: self._trained(shared), assignment.steps
        )
        trained.network.take(candidate)
        network = trained.network.network
        device = next(network.parameters()).device
        batch = self.training.batch or batch_of(task.preprocessing.patch)
        augmentation = self.training.augmentation
        stream = batches(task.train, task.preprocessing, batch, self.recalibration, augmentation, seed, device)
        torch.manual_seed(seed)
        with half_precision(device):
            recalibrate(network, (images for images, _ in stream))
        return (yield from self.training.scores(network, assignment, assignment.steps, trained.loss))

    def _trained(self, assignment: Assignment) -> Generator[Progress, None, Trained]:
        plain, layout, seed = assignment.architecture, assignment.task.preprocessing, assignment.seed
        space, rng = self._space(plain), np.random.default_rng((seed, assignment.steps))
        paths = [space.sample_with(plain.options, rng, self.empty) for _ in range(assignment.steps)]
        network = Supernet(plain, paths, layout.channels, len(layout.classes), seed)
        network.to(resolve_device(assignment.device))
        torch.manual_seed(seed)
        loss = yield from self.training.train(network, assignment)
        return Trained(network.eval(), loss)

    def _space(self, plain: Architecture) -> Space:
        if self.space is not None:
            return self.space.part_of(plain)
        options = {name: [value] for name, value in plain.options}
        return load_space({"host": plain.host, "options": options}, plain.dims).part_of(plain)
