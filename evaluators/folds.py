"""Folds for a task with few test cases: more cases are scored, each by a network that has not seen it.

The first fold is the task as it is: trained on its training cases, scored on its test cases. Each other fold scores a
share of the training cases, with a network that was trained on all other training cases and the test cases. Validation
cases are in no fold: a search chose by them. So no scored case was ever scored before, nor trained on by the network
that is scored; but networks that were chosen had been trained on the training cases, which the test cases alone are
free of. Their score is kept beside that of all.
"""

from __future__ import annotations

import hashlib
from collections import Counter, defaultdict
from collections.abc import Generator, Sequence
from dataclasses import replace

import numpy as np

from evaluators.components import METRIC as LARGEST
from evaluators.evaluator import Assignment, Evaluation, Evaluator, Progress
from evaluators.files import AS_ON_DISK
from evaluators.preprocessing import PreparedCase, PreparedTask
from evaluators.scoring import CaseScores, diagonal, distance_metrics, overlap_metrics
from evaluators.surface_dice import surface_metrics
from evaluators.tasks.faults import raise_faults
from evaluators.tasks.stratification import Parts, deal
from search_spaces.errors import InputError


class FoldedEvaluator(Evaluator):
    """Trains and scores once for each fold, and takes the scores together. The network is that of the first fold.

    Beside all that the evaluator within measures stand ``test_dice``, of the test cases alone, and ``folds``. What
    is no mean over cases (loss, calibration) is the mean over folds.

    Args:
        within: what trains and scores.
        folds: how many.
    """

    def __init__(self, within: Evaluator, folds: int) -> None:
        self.within = within
        self.folds = folds

    def evaluate(self, assignment: Assignment) -> Generator[Progress, None, Evaluation]:
        if assignment.split != "test":
            raise ValueError(f"folds score test cases; got the split '{assignment.split}'")
        found: list[Evaluation] = []
        steps = assignment.steps
        for number, task in enumerate(folds_of(assignment.task, self.folds)):
            work = self.within.evaluate(replace(assignment, task=task))
            while True:
                try:
                    progress = next(work)
                except StopIteration as stop:
                    evaluation: Evaluation = stop.value
                    break
                yield replace(progress, step=number * steps + progress.step, steps=self.folds * steps)
            found.append(evaluation if number == 0 else replace(evaluation, network=None))
        return _together(found, assignment.task)


def folds_of(task: PreparedTask, count: int) -> list[PreparedTask]:
    """``count`` tasks, whose ``test`` cases are to be scored and are not among their ``train`` cases.

    Which fold a training case is in follows from the names and what the cases show; groups stay whole, and what is
    rare is dealt out.

    Raises:
        InputError: for more folds than there is something to put into, and for each class that the training cases of
            some fold would not show.
    """
    names = {record.name: record.group for record in task.records}
    groups: dict[tuple[bool, str], list[PreparedCase]] = defaultdict(list)
    for case in task.train:
        group = names.get(case.name, "")
        groups[bool(group), group or case.name].append(case)
    if count > 1 + len(groups):
        raise InputError(
            f"finals.folds: expected at most {1 + len(groups)}, the test cases and each training case (or group) for "
            f"itself; got {count}"
        )
    waiting = [groups[key] for key in sorted(groups, key=lambda key: _hash(f"{key[0]:d}/{key[1]}"))]
    shown = {case.name: _shown(task, case) for case in (*task.train, *task.test)}
    tasks = [task]
    for held in _dealt(waiting, shown, count - 1):
        out = {case.name for case in held}
        rest = [case for case in task.train if case.name not in out]
        tasks.append(replace(task, train=[*rest, *task.test], test=held))
    raise_faults(
        [
            f"finals.folds: class '{name}' is shown by too few cases to be learnt in each of {count} folds; expected "
            "fewer folds, or none"
            for name in task.preprocessing.classes
            if any(all(name not in shown[case.name] for case in fold.train) for fold in tasks)
        ]
    )
    return tasks


def _dealt(groups: Sequence[list[PreparedCase]], shown: dict[str, list[str]], count: int) -> list[list[PreparedCase]]:
    """The cases of ``groups`` in ``count`` parts of nearly equal size."""
    total = sum(map(len, groups))
    wanted = {str(number): total * (number + 1) // count - total * number // count for number in range(count)}
    parts = Parts([len(group) for group in groups], wanted)
    deal(parts, [Counter(name for case in group for name in shown[case.name]) for group in groups])
    first, *others = wanted
    for part in others:
        parts.fill(part)
    for group in list(parts.waiting):
        parts.put(group, first)
    return [[case for group in sorted(parts.groups[part]) for case in groups[group]] for part in wanted]


def _shown(task: PreparedTask, case: PreparedCase) -> list[str]:
    return task.preprocessing.labelling.shown(np.bincount(case.reference.ravel(), minlength=256))


def _hash(text: str) -> bytes:
    return hashlib.blake2b(text.encode(errors=AS_ON_DISK), digest_size=8).digest()


def _together(found: Sequence[Evaluation], task: PreparedTask) -> Evaluation:
    """One evaluation of those of all folds, the first of them of the test cases."""
    first = found[0]
    cases, distances, false_positives, surfaces = (
        _joined([getattr(one, table) for one in found])
        for table in ("cases", "distances", "false_positives", "surface_dice")
    )
    names = dict.fromkeys(name for one in found for name in one.metrics)
    values = {name: [one.metrics[name] for one in found if name in one.metrics] for name in names}
    metrics = {name: float(np.mean(of_folds)) for name, of_folds in values.items() if not name.startswith(LARGEST)}
    metrics |= {name: value for name, value in first.metrics.items() if name.startswith(LARGEST)}  # of its own weights
    if cases:
        metrics |= overlap_metrics(cases, false_positives)
    if distances:
        diagonals = {case.name: diagonal(case.reference.shape, case.spacing) for case in (*task.train, *task.test)}
        metrics |= distance_metrics(cases, distances, diagonals)
    if "surface_dice_tolerance" in first.metrics:
        metrics |= surface_metrics(surfaces, first.metrics["surface_dice_tolerance"])
    metrics |= {"test_dice": first.metrics["dice"], "folds": float(len(found))}
    return replace(
        first,
        metrics=metrics,
        cases=cases,
        distances=distances,
        false_positives=false_positives,
        surface_dice=surfaces,
    )


def _joined(tables: Sequence[CaseScores]) -> CaseScores:
    return {case: scores for table in tables for case, scores in table.items()}
