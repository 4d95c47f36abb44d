"""Running an evaluation to its end."""

from __future__ import annotations

from evaluators.evaluator import Assignment, Evaluation, Evaluator, Progress


def finish(evaluator: Evaluator, assignment: Assignment) -> tuple[list[Progress], Evaluation]:
    """All progress that was reported, and the evaluation."""
    work = evaluator.evaluate(assignment)
    reports: list[Progress] = []
    while True:
        try:
            reports.append(next(work))
        except StopIteration as stop:
            return reports, stop.value
