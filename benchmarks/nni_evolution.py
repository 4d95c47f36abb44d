"""nni's RegularizedEvolution over one of our spaces: its own class and loop, on an engine that scores at once.

Real, Aggarwal, Huang, Le: Regularized Evolution for Image Classifier Architecture Search, AAAI 2019,
https://arxiv.org/abs/1802.01548. It knows one objective: Dice. What is beyond the limits it draws again, as it does
with samples that do not fit.
"""

from __future__ import annotations

import logging
import warnings
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from nni.mutable import SampleValidationError

from search_spaces import Architecture
from search_spaces.space.space import Space

with warnings.catch_warnings():
    warnings.simplefilter("ignore")  # of what nni makes of newer versions of torch
    from nni.nas.execution.event import ModelEventType
    from nni.nas.strategy import RegularizedEvolution


@dataclass(eq=False)
class _Model:
    """What nni calls a model: a sample, and its metric once there is one."""

    sample: dict[str, Any]
    architecture: Architecture
    metric: float | None = None


@dataclass
class _Event:
    model: _Model


class _Models:
    """What nni calls a model space."""

    def __init__(self, space: Space, admits: Callable[[Architecture], bool]) -> None:
        self._space, self._admits = space, admits

    def simplify(self) -> Mapping[str, Any]:
        return self._space.mutable.simplify()

    def random(self, memo: dict[str, Any], random_state: Any) -> _Model:
        self._space.mutable.random(memo=memo, random_state=random_state)
        return self.freeze(memo)

    def freeze(self, sample: dict[str, Any]) -> _Model:
        architecture = self._space.freeze(sample)
        if not self._admits(architecture):
            raise SampleValidationError("beyond the limits")
        return _Model(sample, architecture)


class _Engine:
    """What nni calls an execution engine: one worker, which has the score as it gets the model."""

    def __init__(self, score: Callable[[Architecture], float], trials: int) -> None:
        self._score, self._left = score, trials
        self._told: list[Callable[[Any], None]] = []

    def register_model_event_callback(self, kind: ModelEventType, told: Callable[[Any], None]) -> None:
        self._told.append(told)

    def unregister_model_event_callback(self, kind: ModelEventType, told: Callable[[Any], None]) -> None:
        self._told.remove(told)

    def idle_worker_available(self) -> bool:
        return self._left > 0

    def budget_available(self) -> bool:
        return self._left > 0

    def submit_models(self, *models: _Model) -> None:
        for model in models:
            self._left -= 1
            model.metric = self._score(model.architecture)
            for told in self._told:
                told(_Event(model))

    def wait_models(self, *models: _Model) -> None:
        """Nothing runs."""


def search(
    space: Space,
    admits: Callable[[Architecture], bool],
    score: Callable[[Architecture], float],
    trials: int,
    seed: int,
) -> None:
    """Try ``trials`` architectures; ``score`` is called with each."""
    logging.getLogger("nni").setLevel(logging.WARNING)  # it tells every sample
    RegularizedEvolution(seed=seed)(_Models(space, admits), _Engine(score, trials))
