"""What the finals of a config are measured by, and what is told before they start."""

from __future__ import annotations

from typing import Any

import pytest

from evaluators.folds import FoldedEvaluator
from evaluators.preprocessing import PreparedTask, prepare
from evaluators.training import TrainingEvaluator
from nas.config.config import Config
from nas.config.evaluation import evaluators_of, notes_on_finals
from search_spaces import load_space
from search_spaces.errors import InputError
from tests.evaluators.made_tasks import disc_task

SPACE = load_space({"host": "unet", "mechanisms": ["se"]}, 2)


def config(**finals: Any) -> Config:
    return Config.model_validate({"finals": finals})


def discs(train: int = 9, test: int = 3) -> PreparedTask:
    return prepare(disc_task([(16, 16)], train=train, val=2, test=test))


def test_only_finals_measure_distances_and_calibration() -> None:
    made = evaluators_of(config(tolerance=2, mirror=True), SPACE)
    search, final = made["search"], made["final"]
    assert isinstance(search, TrainingEvaluator)
    assert isinstance(final, TrainingEvaluator)
    assert (search.distances, search.calibration, search.mirror) == (False, False, False)
    assert (final.distances, final.calibration, final.mirror, final.tolerance) == (True, True, True, 2)


@pytest.mark.parametrize("name", ["train", "synthetic"])
def test_folds_are_around_any_evaluator_of_finals(name: str) -> None:
    made = evaluators_of(Config.model_validate({"evaluator": name, "finals": {"folds": 3}}), SPACE)
    assert isinstance(made["final"], FoldedEvaluator)
    assert not isinstance(made["search"], FoldedEvaluator)


def test_the_tolerance_that_nobody_gave_is_told() -> None:
    (line,) = notes_on_finals(config(), discs(train=20, test=20))
    assert line == "surface Dice counts as right what is within 1 mm, the longest edge of the median voxel"
    assert notes_on_finals(config(tolerance=3), discs(train=20, test=20)) == []
    assert notes_on_finals(config(distances=False), discs(train=20, test=20)) == []


def test_few_test_cases_are_told_with_what_would_help() -> None:
    (line,) = notes_on_finals(config(tolerance=1), discs())
    assert line.startswith("3 test cases make wide intervals: finals.folds: 4 would score the 9 training cases too")
    (line,) = notes_on_finals(config(tolerance=1, folds=4), discs())
    assert line.startswith("finals score 12 cases in 4 folds, the 3 test cases in the first")


def test_folds_that_cannot_be_made_are_refused() -> None:
    with pytest.raises(InputError, match=r"^finals\.folds: expected at most 10"):
        notes_on_finals(config(folds=12), discs())
