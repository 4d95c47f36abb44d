"""What trials and finals are measured by, and what a user should know of it before they start."""

from __future__ import annotations

from typing import Any

from evaluators.augmentation import Augmentation
from evaluators.evaluator import EVALUATORS, Evaluator
from evaluators.preprocessing import PreparedTask
from evaluators.training import TrainingEvaluator, tolerance_of
from nas.config.config import Config


def evaluators_of(config: Config) -> dict[str, Evaluator]:
    """The evaluator of each phase."""
    if config.evaluator != "train":
        other = EVALUATORS[config.evaluator]()
        return {"search": other, "final": other}
    return {"search": training_evaluator(config), "final": final_evaluator(config)}


def training_evaluator(config: Config) -> TrainingEvaluator:
    """The evaluator that a config's ``training`` section describes."""
    return _trains(config)


def final_evaluator(config: Config) -> TrainingEvaluator:
    """The same with all that its ``finals`` section asks for."""
    finals = config.finals
    return _trains(
        config,
        mirror=finals.mirror,
        distances=finals.distances,
        tolerance=finals.tolerance,
        calibration=finals.calibration,
    )


def notes_on_finals(config: Config, task: PreparedTask) -> list[str]:
    """What nobody has said and a ``final_evaluator`` goes by."""
    finals = config.finals
    notes = []
    if finals.distances and finals.tolerance is None:
        within = f"{tolerance_of(task):.4g} mm"
        notes.append(f"surface Dice counts as right what is within {within}, the longest edge of the median voxel")
    return notes


def _trains(config: Config, **finals: Any) -> TrainingEvaluator:
    settings = config.training.model_dump(exclude={"steps", "augmentation"})
    augmentation = config.training.augmentation.model_dump()
    if isinstance(augmentation["flip"], list):
        augmentation["flip"] = tuple(augmentation["flip"])
    return TrainingEvaluator(**settings, **finals, augmentation=Augmentation(**augmentation))
