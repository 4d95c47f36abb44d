"""From a config to the evaluators of its phases."""

from __future__ import annotations

import inspect
from collections.abc import Mapping
from typing import Any

from evaluators.augmentation import Augmentation
from evaluators.estimate import Estimate
from evaluators.evaluator import EVALUATORS, Evaluator
from evaluators.training import TrainingEvaluator
from nas.config.config import Config
from search_spaces.space.union import SearchSpace


def evaluators_of(config: Config, space: SearchSpace) -> dict[str, Evaluator]:
    """The evaluator of each phase: what stands for training in the search is trained in the finals.

    Raises ``InputError`` on a setting out of range.
    """
    chosen = config.chosen_evaluator
    search = make_evaluator(config, space, chosen.name, chosen.settings)
    if type(search) is not TrainingEvaluator and not isinstance(search, Estimate):
        return {"search": search, "final": search}  # somebody's own way of scoring
    finals = config.finals
    return {"search": search, "final": training_evaluator(config, mirror=finals.mirror, distances=finals.distances)}


def make_evaluator(config: Config, space: SearchSpace, name: str, settings: Mapping[str, Any]) -> Evaluator:
    """A registered evaluator with its settings, and what it asks for of the config."""
    training = training_evaluator(config)
    cls = EVALUATORS[name]
    if cls is TrainingEvaluator:
        return training
    held = {"training": training, "space": space}
    asked = set(inspect.signature(cls).parameters) if issubclass(cls, Estimate) else set()
    return cls(**{key: value for key, value in held.items() if key in asked}, **settings)


def training_evaluator(config: Config, mirror: bool = False, distances: bool = False) -> TrainingEvaluator:
    """The evaluator that a config's ``training`` section describes."""
    settings = config.training.model_dump(exclude={"steps", "augmentation"})
    augmentation = config.training.augmentation.model_dump()
    if isinstance(augmentation["flip"], list):
        augmentation["flip"] = tuple(augmentation["flip"])
    return TrainingEvaluator(**settings, mirror=mirror, distances=distances, augmentation=Augmentation(**augmentation))
