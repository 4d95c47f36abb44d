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
    return {"search": search, "final": training_evaluator(config, final=True)}


def make_evaluator(config: Config, space: SearchSpace, name: str, settings: Mapping[str, Any]) -> Evaluator:
    """A registered evaluator with its settings, and what it asks for of the config."""
    training = training_evaluator(config)
    cls = EVALUATORS[name]
    if cls is TrainingEvaluator:
        return training
    held = {"training": training, "space": space}
    asked = set(inspect.signature(cls).parameters) if issubclass(cls, Estimate) else set()
    return cls(**{key: value for key, value in held.items() if key in asked}, **settings)


def training_evaluator(config: Config, final: bool = False) -> TrainingEvaluator:
    """The evaluator that the ``training`` section of a config describes, of searches or of finals.

    What a config that is not settled leaves out has the evaluator's own defaults.
    """
    settings = _given(config.training.model_dump(exclude={"steps", "augmentation"}))
    augmentation = _given(config.training.augmentation.model_dump())
    if isinstance(augmentation.get("flip"), list):
        augmentation["flip"] = tuple(augmentation["flip"])
    return TrainingEvaluator(
        **settings,
        mirror=final and config.finals.mirror,
        distances=final and config.finals.distances,
        augmentation=Augmentation(**augmentation),
    )


def _given(values: Mapping[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in values.items() if value is not None}
