"""What a search strategy is: it looks at the history and suggests the next architecture."""

from __future__ import annotations

import functools
from abc import ABC, abstractmethod
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import TypeVar

from nas.records.trial import Trial
from nas.strategies.budget import Admits, Budget, budget_of
from search_spaces.architecture.architecture import Architecture
from search_spaces.registry import Registry
from search_spaces.space.union import SearchSpace


@dataclass(frozen=True)
class History:
    """What a strategy may know: the finished trials of the search phase, and the architectures being evaluated."""

    trials: list[Trial] = field(default_factory=list)
    running: list[Architecture] = field(default_factory=list)

    @functools.cached_property
    def seen(self) -> set[Architecture]:
        """Everything tried or running; an architecture that failed was tried."""
        return {trial.architecture for trial in self.trials} | set(self.running)

    @property
    def completed(self) -> list[Trial]:
        """Trials that have a score, by number."""
        return sorted((t for t in self.trials if t.status == "completed"), key=lambda trial: trial.number)

    @property
    def failed(self) -> list[Trial]:
        """Trials that ended without a score, by number."""
        return sorted((t for t in self.trials if t.status == "failed"), key=lambda trial: trial.number)


class Strategy(ABC):
    """Suggests architectures.

    What is suggested follows from the constructor's arguments and the history alone, so that a search that was
    killed goes on as it would have. An instance may remember what is costly to work out, never what was asked.

    Args:
        space: what there is to choose from.
        admits: whether an architecture may be tried at all, for example by its cost; always the same answer. A
            ``Budget`` also tells the parameters of an architecture and the range of them that is searched.
        seed: of all random choices.
    """

    def __init__(self, space: SearchSpace, admits: Admits, seed: int) -> None:
        self.space = space
        self.admits = admits
        self.seed = seed

    @functools.cached_property
    def budget(self) -> Budget:
        """``admits``, with parameters and their range."""
        return budget_of(self.admits, self.space)

    def prepare(self, runs: Path, folder: Path | None = None) -> None:  # noqa: B027  most have nothing to read
        """Read what the settings name; called once or twice before the first suggestion of a search.

        Args:
            runs: folder of runs.
            folder: of this run, None before there is one. What suggestions rest on beside the history is kept there,
                and where it was kept, it is that which counts: a search that is resumed goes on as it would have.

        Raises:
            InputError: where what is named is not there.
        """

    @abstractmethod
    def suggest(self, history: History) -> Architecture | None:
        """The next architecture: admitted, not seen before, the plain network first; None when it waits or is done."""


STRATEGIES: Registry[type[Strategy]] = Registry("strategy", "nas.strategies")

S = TypeVar("S", bound=type[Strategy])


def strategy(name: str) -> Callable[[S], S]:
    """Class decorator that registers a strategy; its constructor's keyword arguments are its settings."""

    def register(cls: S) -> S:
        STRATEGIES.add(name, cls)
        return cls

    return register
