"""Train a candidate at a fraction of its width.

How well networks of fewer channels rank full ones: Zhou et al.: EcoNAS, Finding Proxies for Economical Neural
Architecture Search, CVPR 2020, https://arxiv.org/abs/2001.01233
"""

from __future__ import annotations

from collections.abc import Generator
from dataclasses import replace

from evaluators.estimate import Estimate
from evaluators.evaluator import Assignment, Evaluation, Progress, evaluator
from evaluators.training import TrainingEvaluator
from search_spaces.architecture.architecture import Architecture
from search_spaces.errors import InputError

WIDTH = "width"  # the option of every host that its channels are multiples of
NARROWEST = 2  # channels of the finest level: with one, a norm over channels leaves nothing


@evaluator("narrow")
class NarrowEvaluator(Estimate):
    """Trains the candidate at a fraction of its width; everything else is as it is.

    Candidates that become the same narrow network score the same.

    Args:
        training: see ``Estimate``.
        fraction: of the width, above 0 and at most 1; rounded, and at least ``NARROWEST``.
    """

    def __init__(self, training: TrainingEvaluator | None = None, fraction: float = 0.5) -> None:
        super().__init__(training)
        if not 0 < fraction <= 1:
            raise InputError(f"evaluator.fraction: expected a number above 0 and at most 1, got {fraction}")
        self.fraction = fraction

    def evaluate(self, assignment: Assignment) -> Generator[Progress, None, Evaluation]:
        narrow = narrowed(assignment.architecture, self.fraction)
        evaluation = yield from self.training.evaluate(replace(assignment, architecture=narrow))
        return replace(evaluation, network=None)  # what was trained is another network than the candidate


def narrowed(architecture: Architecture, fraction: float) -> Architecture:
    """The same host, options and attention at a fraction of the width; ``InputError`` where the host has none."""
    options = dict(architecture.options)
    width = options.get(WIDTH)
    if not isinstance(width, int):
        raise InputError(f"narrow: host '{architecture.host}' has no option '{WIDTH}'")
    options[WIDTH] = min(width, max(round(fraction * width), NARROWEST))
    return Architecture.create(architecture.host, architecture.dims, options, dict(architecture.attention))
