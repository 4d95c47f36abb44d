"""Running an evaluation to its end."""

from __future__ import annotations

from evaluators.evaluator import Assignment, Evaluation, Evaluator, Progress


def state_at_rung(evaluator: Evaluator, assignment: Assignment) -> bytes:
    """What is to be gone on with at the first rung, where the evaluation is given up."""
    for report in evaluator.evaluate(assignment):
        if report.state is not None:
            return report.state()
    raise AssertionError("there was no rung")


def finish(evaluator: Evaluator, assignment: Assignment) -> tuple[list[Progress], Evaluation]:
    """All progress that was reported, and the evaluation."""
    work = evaluator.evaluate(assignment)
    reports: list[Progress] = []
    while True:
        try:
            reports.append(next(work))
        except StopIteration as stop:
            return reports, stop.value
