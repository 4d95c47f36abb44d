"""From a config to the evaluators of its phases."""

from __future__ import annotations

import inspect
from collections.abc import Mapping
from typing import Any

from evaluators.augmentation import Augmentation
from evaluators.estimate import Estimate
from evaluators.evaluator import EVALUATORS, Evaluator
from evaluators.folds import FoldedEvaluator, folds_of
from evaluators.preprocessing import PreparedTask
from evaluators.training import TrainingEvaluator, tolerance_of
from nas.config.config import Config
from search_spaces.space.union import SearchSpace

FEW = 20  # test cases, below which folds are worth mentioning


def evaluators_of(config: Config, space: SearchSpace) -> dict[str, Evaluator]:
    """The evaluator of each phase: what stands for training in the search is trained in the finals.

    Raises ``InputError`` on a setting out of range.
    """
    chosen = config.chosen_evaluator
    search = make_evaluator(config, space, chosen.name, chosen.settings)
    if type(search) is not TrainingEvaluator and not isinstance(search, Estimate):
        return {"search": search, "final": _folded(search, config)}  # somebody's own way of scoring
    return {"search": search, "final": final_evaluator(config)}


def make_evaluator(config: Config, space: SearchSpace, name: str, settings: Mapping[str, Any]) -> Evaluator:
    """A registered evaluator with its settings, and what it asks for of the config."""
    training = training_evaluator(config)
    cls = EVALUATORS[name]
    if cls is TrainingEvaluator:
        return training
    held = {"training": training, "space": space}
    asked = set(inspect.signature(cls).parameters) if issubclass(cls, Estimate) else set()
    return cls(**{key: value for key, value in held.items() if key in asked}, **settings)


def training_evaluator(config: Config) -> TrainingEvaluator:
    """The evaluator that the ``training`` section of a config describes.

    What a config that is not settled leaves out has the evaluator's own defaults.
    """
    return _trains(config)


def final_evaluator(config: Config) -> Evaluator:
    """The same with all that its ``finals`` section asks for."""
    asked = config.finals.model_dump(include={"mirror", "distances", "tolerance", "calibration", "cleaning"})
    return _folded(_trains(config, **asked), config)


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
    trained = issubclass(EVALUATORS[config.chosen_evaluator.name], TrainingEvaluator | Estimate)
    if trained and finals.distances and finals.tolerance is None:
        within = f"{tolerance_of(task):.4g} mm"
        notes.append(f"surface Dice counts as right what is within {within}, the longest edge of the median voxel")
    return notes


def _folded(evaluator: Evaluator, config: Config) -> Evaluator:
    return FoldedEvaluator(evaluator, config.finals.folds) if config.finals.folds else evaluator


def _trains(config: Config, **finals: Any) -> TrainingEvaluator:
    settings = _given(config.training.model_dump(exclude={"steps", "augmentation"}))
    augmentation = _given(config.training.augmentation.model_dump())
    if isinstance(augmentation.get("flip"), list):
        augmentation["flip"] = tuple(augmentation["flip"])
    return TrainingEvaluator(**settings, **finals, augmentation=Augmentation(**augmentation))


def _given(values: Mapping[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in values.items() if value is not None}
