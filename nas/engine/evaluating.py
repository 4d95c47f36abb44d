"""What trials and finals are measured by, and what a user should know of it before they start."""

from __future__ import annotations

from typing import Any

from evaluators.augmentation import Augmentation
from evaluators.evaluator import EVALUATORS, Evaluator
from evaluators.folds import FoldedEvaluator, folds_of
from evaluators.preprocessing import PreparedTask
from evaluators.training import TrainingEvaluator, tolerance_of
from nas.config.config import Config

FEW = 20  # test cases, below which folds are worth mentioning


def evaluators_of(config: Config) -> dict[str, Evaluator]:
    """The evaluator of each phase."""
    if config.evaluator != "train":
        other = EVALUATORS[config.evaluator]()
        return {"search": other, "final": _folded(other, config)}
    return {"search": training_evaluator(config), "final": final_evaluator(config)}


def training_evaluator(config: Config) -> TrainingEvaluator:
    """The evaluator that a config's ``training`` section describes."""
    return _trains(config)


def final_evaluator(config: Config) -> Evaluator:
    """The same with all that its ``finals`` section asks for."""
    finals = config.finals
    trains = _trains(
        config,
        mirror=finals.mirror,
        distances=finals.distances,
        tolerance=finals.tolerance,
        calibration=finals.calibration,
    )
    return _folded(trains, config)


def notes_on_finals(config: Config, task: PreparedTask) -> list[str]:
    """What nobody has said and a ``final_evaluator`` goes by, and what would help.

    Raises ``InputError`` where the cases cannot be put into the folds that are asked for.
    """
    finals = config.finals
    notes = []
    if finals.folds:
        folds = folds_of(task, finals.folds)
        cases = sum(len(fold.test) for fold in folds)
        notes.append(
            f"finals score {cases} cases in {finals.folds} folds, the {len(task.test)} test cases in the first; a "
            "final is as many trainings"
        )
    elif len(task.test) < FEW and len(task.train) > len(task.test):
        count = 1 + round(len(task.train) / len(task.test))
        notes.append(
            f"{len(task.test)} test cases make wide intervals: finals.folds: {count} would score the {len(task.train)} "
            f"training cases too, each with a network that has not seen it, and train {count} times as often"
        )
    if config.evaluator == "train" and finals.distances and finals.tolerance is None:
        within = f"{tolerance_of(task):.4g} mm"
        notes.append(f"surface Dice counts as right what is within {within}, the longest edge of the median voxel")
    return notes


def _folded(evaluator: Evaluator, config: Config) -> Evaluator:
    return FoldedEvaluator(evaluator, config.finals.folds) if config.finals.folds else evaluator


def _trains(config: Config, **finals: Any) -> TrainingEvaluator:
    settings = config.training.model_dump(exclude={"steps", "augmentation"})
    augmentation = config.training.augmentation.model_dump()
    if isinstance(augmentation["flip"], list):
        augmentation["flip"] = tuple(augmentation["flip"])
    return TrainingEvaluator(**settings, **finals, augmentation=Augmentation(**augmentation))
