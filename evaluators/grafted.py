"""Graft a candidate's mechanisms into a trained plain network of its host and train on for a short while."""

from __future__ import annotations

import copy
from collections.abc import Generator
from dataclasses import replace

import torch

from evaluators.estimate import Estimate, Kept
from evaluators.evaluator import Assignment, Evaluation, Progress, evaluator
from evaluators.grafting import Grafted
from evaluators.training import TrainingEvaluator, resolve_device
from search_spaces.architecture.architecture import Architecture
from search_spaces.errors import InputError, unknown_name
from search_spaces.hosts import Host

GATES = ("opening", "learnt")
MOST = 8  # trained plain networks that a worker keeps


@evaluator("grafted")
class GraftedEvaluator(Estimate):
    """Starts from a trained plain network of the same host, with the mechanisms behind gates that open.

    The plain network is trained once per host, options and seed in every worker, and is the same in each. An
    assignment's steps are those after grafting, of all weights.

    Args:
        training: see ``Estimate``.
        base_steps: of the plain network; 0: three times those of an assignment, what finals take unless told.
        gate: ``opening``: evenly over the first ``open_by`` of the steps, so that it is the candidate itself that is
            scored; ``learnt``: as training wants them, and a mechanism may stay unused.
        open_by: share of the steps, above 0 and at most 1.
        gate_rate: of learnt gates, how many times the learning rate of the other weights.
    """

    def __init__(
        self,
        training: TrainingEvaluator | None = None,
        base_steps: int = 0,
        gate: str = "opening",
        open_by: float = 0.5,
        gate_rate: float = 10.0,
    ) -> None:
        super().__init__(training)
        if base_steps < 0:
            raise InputError(f"evaluator.base_steps: expected at least 0, got {base_steps}")
        if gate not in GATES:
            raise InputError(f"evaluator.gate: {unknown_name('gate', gate, GATES)}")
        if not 0 < open_by <= 1:
            raise InputError(f"evaluator.open_by: expected a number above 0 and at most 1, got {open_by}")
        if gate_rate <= 0:
            raise InputError(f"evaluator.gate_rate: expected more than 0, got {gate_rate}")
        self.base_steps, self.gate, self.open_by, self.gate_rate = base_steps, gate, open_by, gate_rate
        self.kept: Kept[Host] = Kept(MOST)

    def evaluate(self, assignment: Assignment) -> Generator[Progress, None, Evaluation]:
        layout, seed = assignment.task.preprocessing, assignment.seed
        candidate = assignment.architecture.build(layout.channels, len(layout.classes), seed)
        base = yield from self._base(assignment)
        opening = max(round(self.open_by * assignment.steps), 1) if self.gate == "opening" else None
        network = Grafted(candidate, base, opening, self.gate_rate).to(resolve_device(assignment.device))
        torch.manual_seed(seed)
        loss = yield from self.training.train(network, assignment)
        network.eval()
        return (yield from self.training.scores(network, assignment, assignment.steps, loss))

    def _base(self, assignment: Assignment) -> Generator[Progress, None, Host]:
        """The plain network of the candidate's host, on the CPU: the caller's own."""
        candidate, layout = assignment.architecture, assignment.task.preprocessing
        plain = Architecture(candidate.host, candidate.dims, candidate.options)
        if assignment.state is not None:  # it holds all weights
            return plain.build(layout.channels, len(layout.classes), assignment.seed)
        steps = self.base_steps or 3 * assignment.steps
        wanted = replace(assignment, architecture=plain, steps=steps, rungs=())
        kept = yield from self.kept.get(
            assignment.task,
            (plain, steps, assignment.seed, assignment.device),
            lambda: self._trained(wanted),
            assignment.steps,
        )
        return copy.deepcopy(kept)

    def _trained(self, assignment: Assignment) -> Generator[Progress, None, Host]:
        layout = assignment.task.preprocessing
        network = assignment.architecture.build(layout.channels, len(layout.classes), assignment.seed)
        network.to(resolve_device(assignment.device))
        torch.manual_seed(assignment.seed)
        yield from self.training.train(network, assignment)
        return network.cpu()
