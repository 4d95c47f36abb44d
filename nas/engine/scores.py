"""What an evaluator gave as plain numbers, whoever wrote it; a trial whose scores are none fails with a reason."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

from evaluators.evaluator import Evaluation
from evaluators.scoring import CaseScores

ROUNDING = 1e-6  # by which a Dice may leave its range, as single precision does
DICE = ("dice", "surface_dice")  # metrics that lie between 0 and 1


class NoScore(ValueError):
    """An evaluation that holds no score: one line that says what was expected and what came."""


def plain_scores(evaluation: Evaluation) -> dict[str, Any]:
    """``metrics`` and the tables of cases of an ``Evaluation`` in Python's own finite numbers.

    Raises ``NoScore`` for what is no number, not finite, or a Dice outside 0 to 1.
    """
    if not isinstance(evaluation, Evaluation):
        raise NoScore(f"the evaluator returned no Evaluation; got {type(evaluation).__name__}")
    metrics = {
        str(name): _number(str(name), value, dice=str(name).split("/")[0] in DICE)
        for name, value in _mapping("metrics", evaluation.metrics).items()
    }
    if "dice" not in metrics:
        raise NoScore("the score is not a number: no dice")
    return {
        "metrics": metrics,
        "cases": _table("Dice", evaluation.cases, dice=True),
        "distances": _table("distance", evaluation.distances),
        "false_positives": _table("false positives", evaluation.false_positives),
        "surface_dice": _table("surface Dice", evaluation.surface_dice, dice=True),
    }


def _table(what: str, scores: Any, dice: bool = False) -> CaseScores:
    """Numbers of each case and class, None where there is none."""
    return {
        str(case): {
            str(name): None if value is None else _number(f"{what} of case '{case}', class '{name}'", value, dice)
            for name, value in _mapping(f"{what} of case '{case}'", classes).items()
        }
        for case, classes in _mapping(what, scores).items()
    }


def _mapping(what: str, value: Any) -> Mapping[Any, Any]:
    if not isinstance(value, Mapping):
        raise NoScore(f"the evaluator's {what}: expected a mapping, got {type(value).__name__}")
    return value


def _number(what: str, value: Any, dice: bool = False) -> float:
    try:
        number = float(value)  # of numpy and torch too
    except (TypeError, ValueError):
        raise NoScore(f"the score is not a number: {what}, got {type(value).__name__}") from None
    if not math.isfinite(number):
        raise NoScore(f"the score is not a number: {what}, got {number}")
    if dice and not -ROUNDING <= number <= 1 + ROUNDING:
        raise NoScore(f"the score is no Dice: {what}, expected 0 to 1, got {number:g}")
    return min(max(number, 0.0), 1.0) if dice else number
