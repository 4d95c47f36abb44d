"""Folds: every case but those of validation is scored once, by a network that was not trained on it."""

from __future__ import annotations

import dataclasses
from collections.abc import Generator, Sequence

import numpy as np
import pytest

from evaluators.evaluator import Assignment, Evaluation, Evaluator, Progress
from evaluators.folds import FoldedEvaluator, folds_of
from evaluators.preprocessing import PreparedTask, prepare
from evaluators.tasks import Sample
from evaluators.training import TrainingEvaluator
from search_spaces.architecture.architecture import Architecture
from search_spaces.errors import InputError
from tests.evaluators.evaluations import finish
from tests.evaluators.made_tasks import disc_sample, disc_task, make_sample, make_task

UNET = Architecture.create("unet", 2, {"depth": 1, "width": 4})


def discs(train: int = 9, test: int = 3) -> PreparedTask:
    return prepare(disc_task([(16, 16)], train=train, val=2, test=test))


def grouped(task: PreparedTask, groups: Sequence[str]) -> PreparedTask:
    """With these groups of the training cases."""
    of_case = {case.name: group for case, group in zip(task.train, groups, strict=True)}
    records = [dataclasses.replace(record, group=of_case.get(record.name, "")) for record in task.records]
    return dataclasses.replace(task, records=tuple(records))


def names(cases: Sequence[object]) -> list[str]:
    return [case.name for case in cases]  # type: ignore[attr-defined]


class Told(Evaluator):
    """Scores each case with the number of training cases, and keeps what it was given."""

    def __init__(self) -> None:
        self.given: list[Assignment] = []

    def evaluate(self, assignment: Assignment) -> Generator[Progress, None, Evaluation]:
        self.given.append(assignment)
        yield Progress(1, assignment.steps, 0.5)
        yield Progress(assignment.steps, assignment.steps, 0.1)
        dice = len(self.given) / 10
        cases = {case.name: {"disc": dice} for case in assignment.task.test}
        return Evaluation({"dice": dice, "loss": dice}, cases)


@pytest.mark.parametrize("count", [2, 4, 10])
def test_every_training_and_test_case_is_scored_once_and_never_trained_on_where_it_is(count: int) -> None:
    task = discs()
    folds = folds_of(task, count)
    assert len(folds) == count
    assert folds[0] is task
    scored = [name for fold in folds for name in names(fold.test)]
    assert sorted(scored) == sorted(names(task.train) + names(task.test))
    for fold in folds:
        assert not {*names(fold.train)} & {*names(fold.test)}
        assert names(fold.val) == names(task.val)
    for fold in folds[1:]:
        assert {*names(fold.train)} | {*names(fold.test)} == {*names(task.train)} | {*names(task.test)}


def test_folds_are_of_nearly_equal_size_and_do_not_depend_on_the_order_of_the_cases() -> None:
    task = discs()
    turned = dataclasses.replace(task, train=task.train[::-1])
    first, second = ([sorted(names(fold.test)) for fold in folds_of(one, 4)] for one in (task, turned))
    assert first == second
    assert [len(fold) for fold in first] == [3, 3, 3, 3]


def test_groups_stay_whole() -> None:
    groups = ["a", "a", "a", "b", "b", "c", "c", "", ""]
    task = grouped(discs(), groups)
    of_case = dict(zip(names(task.train), groups, strict=True))
    for fold in folds_of(task, 4)[1:]:
        inside, outside = ({of_case.get(name, "") for name in names(part)} - {""} for part in (fold.test, fold.train))
        assert not inside & outside


def test_more_folds_than_there_are_cases_or_groups_are_refused() -> None:
    with pytest.raises(InputError, match=r"^finals\.folds: expected at most 10, .*; got 11$"):
        folds_of(discs(), 11)
    with pytest.raises(InputError, match=r"expected at most 4, .*; got 5$"):
        folds_of(grouped(discs(), ["a"] * 3 + ["b"] * 3 + ["c"] * 3), 5)


def test_a_class_that_would_not_be_learnt_in_some_fold_is_refused_by_name() -> None:
    rng = np.random.default_rng(0)
    samples = [disc_sample(rng, (16, 16)) for _ in range(9)]

    def with_spot(sample: Sample) -> Sample:
        label = np.array(sample.label)
        label[0, 0] = 2
        return make_sample(sample.image, label)

    def task(train: Sequence[Sample], test: Sequence[Sample]) -> PreparedTask:
        return prepare(make_task({"train": train, "val": samples[:1], "test": test}, classes=("disc", "spot")))

    rare = task([with_spot(samples[1]), *samples[2:6]], samples[6:])
    with pytest.raises(InputError, match=r"^finals\.folds: class 'spot' is shown by too few cases .* each of 3 folds"):
        folds_of(rare, 3)
    folds_of(task([*map(with_spot, samples[1:3]), *samples[3:6]], samples[6:]), 3)


def test_scores_are_taken_together_and_those_of_the_test_cases_kept_apart() -> None:
    task, told = discs(), Told()
    reports, evaluation = finish(FoldedEvaluator(told, 4), Assignment(UNET, task, 5, seed=3, split="test"))

    assert [(one.seed, one.steps, one.split) for one in told.given] == [(3, 5, "test")] * 4
    assert len(evaluation.cases) == 12
    assert evaluation.metrics == {
        "dice": pytest.approx(0.25),
        "dice/disc": pytest.approx(0.25),
        "loss": pytest.approx(0.25),
        "test_dice": pytest.approx(0.1),
        "folds": 4.0,
    }
    assert [report.step for report in reports] == [1, 5, 6, 10, 11, 15, 16, 20]
    assert {report.steps for report in reports} == {20}


def test_the_first_fold_is_what_there_is_without_folds() -> None:
    task, assignment = discs(train=4, test=2), Assignment(UNET, discs(train=4, test=2), 2, seed=1, split="test")
    evaluator = TrainingEvaluator(batch=2, distances=True, calibration=True)
    _, single = finish(evaluator, assignment)
    _, folded = finish(FoldedEvaluator(evaluator, 3), assignment)

    assert folded.metrics["test_dice"] == single.metrics["dice"]
    assert folded.weights() == single.weights()
    for table in ("cases", "distances", "false_positives", "surface_dice"):
        whole, part = getattr(folded, table), getattr(single, table)
        assert {name: whole[name] for name in part} == part
        assert sorted(whole) == sorted(names(task.train) + names(task.test))
    assert folded.metrics.keys() >= single.metrics.keys() - {"hd95"}
    assert folded.metrics["hd95_count"] + folded.metrics["hd95_missed"] == 6


def test_validation_cases_have_no_folds() -> None:
    with pytest.raises(ValueError, match="got the split 'val'"):
        finish(FoldedEvaluator(Told(), 2), Assignment(UNET, discs(), 5, seed=0))
