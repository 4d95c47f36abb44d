"""Weight sharing as an evaluator: trained once, the same for every order of candidates."""

from __future__ import annotations

import pickle

import pytest

from evaluators.evaluator import Assignment
from evaluators.preprocessing import PreparedTask, prepare
from evaluators.supernet import SupernetEvaluator
from search_spaces import Architecture, Placement, load_space
from search_spaces.errors import InputError
from tests.evaluators.evaluations import finish
from tests.evaluators.made_tasks import disc_task

SPACE = load_space(
    {
        "host": "unet",
        "options": {"depth": 2, "width": 4},
        "slots": ["skip.0", "block.encoder.0"],
        "mechanisms": {"cbam": {"reduction": 4, "kernel": 3}, "sk": {"reduction": 2}},
    },
    2,
)
PLAIN = SPACE.plain()
WITH_CBAM = next(one for one in SPACE if "skip.0" in dict(one.attention))


def discs() -> PreparedTask:
    return prepare(disc_task([(16, 16)], train=3, val=3))


def test_scores_do_not_depend_on_what_was_scored_before_and_training_happens_once():
    evaluator, task = SupernetEvaluator(space=SPACE, shared_steps=8), discs()
    first = finish(evaluator, Assignment(WITH_CBAM, task, 1, 0))[1]
    spent = evaluator.kept.seconds
    finish(evaluator, Assignment(PLAIN, task, 1, 0))
    assert finish(evaluator, Assignment(WITH_CBAM, task, 1, 0))[1].metrics == first.metrics
    assert evaluator.kept.seconds == spent > 0
    other = SupernetEvaluator(space=SPACE, shared_steps=8)
    finish(other, Assignment(PLAIN, task, 1, 0))
    assert finish(other, Assignment(WITH_CBAM, task, 1, 0))[1].metrics == first.metrics


def test_it_travels_with_its_space():
    received = pickle.loads(pickle.dumps(SupernetEvaluator(space=SPACE, shared_steps=4)))
    assert finish(received, Assignment(PLAIN, discs(), 1, 0))[1].cases


def test_a_longer_shared_training_scores_better():
    task = discs()
    scores = [
        finish(SupernetEvaluator(space=SPACE, shared_steps=steps), Assignment(PLAIN, task, 1, 0))[1].metrics["dice"]
        for steps in (2, 60)
    ]
    assert scores[1] > scores[0]


def test_what_the_space_does_not_offer_has_no_score():
    foreign = Architecture.create("unet", 2, {"depth": 2, "width": 4}, {"skip.0": Placement("se")})
    with pytest.raises(InputError, match="got se"):
        finish(SupernetEvaluator(space=SPACE, shared_steps=4), Assignment(foreign, discs(), 1, 0))


@pytest.mark.parametrize(
    ("settings", "fault"),
    [
        ({"shared_steps": -1}, r"evaluator\.shared_steps: expected at least 0, got -1"),
        ({"empty": 1}, r"evaluator\.empty: expected a number from 0 up to 1, got 1"),
        ({"recalibration": 0}, r"evaluator\.recalibration: expected at least 1, got 0"),
    ],
)
def test_a_setting_out_of_range_is_named(settings: dict[str, int], fault: str):
    with pytest.raises(InputError, match=fault):
        SupernetEvaluator(**settings)  # type: ignore[arg-type]
