"""A user's module: an evaluator that takes a moment, and tells on which node of a cluster it worked."""

from __future__ import annotations

import time
from collections.abc import Generator

import ray

from evaluators.evaluator import Assignment, Evaluation, Evaluator, Progress, evaluator

STEP = 0.1  # seconds


@evaluator("where")
class Where(Evaluator):
    """The score follows from the architecture; ``node`` is the beginning of the node's id as a number."""

    def evaluate(self, assignment: Assignment) -> Generator[Progress, None, Evaluation]:
        for step in range(1, assignment.steps + 1):
            time.sleep(STEP)
            yield Progress(step, assignment.steps, 1 / step)
        dice = 0.5 + int(assignment.architecture.key[:4], 16) / 2**20
        node = float(int(ray.get_runtime_context().get_node_id()[:8], 16))
        return Evaluation({"dice": dice, "node": node}, {"case": {"disc": dice}})
