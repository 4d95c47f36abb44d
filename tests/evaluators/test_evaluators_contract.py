"""What every registered evaluator keeps to: written once, run over each name."""

import dataclasses
import pickle

import numpy as np
import pytest

from evaluators.evaluator import EVALUATORS, Assignment, Evaluation, Evaluator, Progress
from evaluators.preprocessing import PreparedTask, prepare
from search_spaces.architecture.architecture import Architecture
from search_spaces.errors import InputError
from tests.evaluators.evaluations import finish
from tests.evaluators.made_tasks import disc_task, read_only

# Settings with which an evaluator that makes something for all candidates is quick.
QUICK: dict[str, dict[str, int]] = {"grafted": {"base_steps": 3}, "supernet": {"shared_steps": 2}}

everywhere = pytest.mark.parametrize("name", list(EVALUATORS))
dimensions = pytest.mark.parametrize("size", [(16, 16), (8, 8, 8)])


def make(name: str) -> Evaluator:
    return EVALUATORS[name](**QUICK.get(name, {}))


def assignment(size: tuple[int, ...], split: str = "val") -> Assignment:
    task: PreparedTask = prepare(disc_task([size], train=3, val=3, test=2))
    for case in (*task.train, *task.val, *task.test):
        read_only(case)  # as in the store that workers share
    return Assignment(Architecture.create("unet", len(size), {"depth": 2, "width": 4}), task, 3, 0, split)


@everywhere
@dimensions
@pytest.mark.parametrize("split", ["val", "test"])
def test_an_evaluation_scores_exactly_the_cases_of_its_split(name: str, size: tuple[int, ...], split: str):
    given = assignment(size, split)

    reports, evaluation = finish(make(name), given)

    assert all(isinstance(report, Progress) for report in reports)
    assert all(0 <= report.step <= report.steps == given.steps for report in reports)
    assert isinstance(evaluation, Evaluation)
    assert 0 <= evaluation.metrics["dice"] <= 1
    assert all(isinstance(value, float) for value in evaluation.metrics.values())
    assert list(evaluation.cases) == [case.name for case in getattr(given.task, split)]
    for scores in evaluation.cases.values():
        assert list(scores) == list(given.task.preprocessing.classes)
        assert all(value is None or 0 <= value <= 1 for value in scores.values())


@everywhere
def test_a_class_has_a_score_in_the_cases_whose_reference_shows_it_and_in_no_other(name: str):
    given = assignment((16, 16))
    healthy = dataclasses.replace(given.task.val[0], reference=np.zeros((16, 16), np.uint8))
    task = dataclasses.replace(given.task, val=[healthy, *given.task.val[1:]])

    _, evaluation = finish(make(name), dataclasses.replace(given, task=task))

    assert [scores["disc"] is None for scores in evaluation.cases.values()] == [True, False, False]


@everywhere
def test_an_evaluation_repeats(name: str):
    first, second = (finish(make(name), assignment((16, 16)))[1] for _ in range(2))
    assert first.metrics == second.metrics
    assert first.cases == second.cases


@everywhere
def test_an_evaluator_can_be_sent_to_workers(name: str):
    evaluator = make(name)
    received = pickle.loads(pickle.dumps(evaluator))
    assert type(received) is type(evaluator)
    given = assignment((16, 16))
    assert finish(received, given)[1].metrics == finish(evaluator, given)[1].metrics


@everywhere
def test_what_was_evaluated_before_changes_nothing(name: str):
    used, given = make(name), assignment((16, 16))
    other = Architecture.create("unet", 2, {"depth": 1, "width": 4})
    finish(used, dataclasses.replace(given, architecture=other))
    assert finish(used, given)[1].metrics == finish(make(name), given)[1].metrics


def test_an_unknown_evaluator_is_named_with_the_nearest():
    with pytest.raises(InputError, match="did you mean 'train'"):
        EVALUATORS["trian"]


def test_a_name_is_registered_once():
    with pytest.raises(ValueError, match="twice"):
        EVALUATORS.add("train", EVALUATORS["train"])
