"""A made-up score at no cost, to measure the tool itself and to try strategies. It says nothing about any network."""

from __future__ import annotations

import time
from collections.abc import Generator

import numpy as np

from evaluators.evaluator import Assignment, Evaluation, Evaluator, Progress, evaluator
from evaluators.scoring import CaseScores
from search_spaces.initialisation import name_seed


@evaluator("synthetic")
class SyntheticEvaluator(Evaluator):
    """Dice that grows with width and filled slots, with a fixed pseudo-random part for each architecture and seed.

    Args:
        seconds: how long each evaluation sleeps.
    """

    def __init__(self, seconds: float = 0.0) -> None:
        self.seconds = seconds

    def evaluate(self, assignment: Assignment) -> Generator[Progress, None, Evaluation]:
        if self.seconds:
            yield Progress(0, assignment.steps, 0.0)
            time.sleep(self.seconds)
        labelling = assignment.task.preprocessing.labelling
        width = float(dict(assignment.architecture.options).get("width", 8))
        filled = len(assignment.architecture.attention)
        luck = name_seed(assignment.architecture.key, assignment.seed) / 2**63
        dice = 0.85 * width / (width + 4) + 0.05 * filled / (filled + 2) + 0.05 * luck
        scored = getattr(assignment.task, assignment.split)
        cases: CaseScores = {}
        for case in scored:
            there = set(np.unique(case.reference).tolist())
            cases[case.name] = {
                name: dice if there & set(members) else None
                for name, members in zip(labelling.classes, labelling.members, strict=True)
            }
        return Evaluation({"dice": dice}, cases)
