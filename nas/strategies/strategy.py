"""What a search strategy is: it looks at the history and suggests the next architecture."""

from __future__ import annotations

import functools
from abc import ABC, abstractmethod
from collections import Counter
from collections.abc import Callable, Iterable, Set
from pathlib import Path
from typing import TypeVar

from nas.records.trial import Trial
from nas.strategies.budget import Admits, Budget, budget_of
from search_spaces.architecture.architecture import Architecture
from search_spaces.registry import Registry
from search_spaces.space.union import SearchSpace


class History:
    """What a strategy may know: the trials of the search phase, and the architectures being evaluated.

    A trial may have been scored on the way only, after fewer steps than the others; it may still be running, or wait
    to be gone on with.

    Args:
        trials: each once, with the scores after the most steps.
        running: what is being evaluated.
        steps: of a trial that was worked to its end; None: the most of any.
    """

    def __init__(
        self, trials: Iterable[Trial] = (), running: Iterable[Architecture] = (), steps: int | None = None
    ) -> None:
        self._steps = steps
        self._trials: dict[int, Trial] = {}
        self._running: Counter[Architecture] = Counter()
        self._tried: set[Architecture] = set()
        self._seen: set[Architecture] = set()
        self._sorted: list[Trial] | None = None
        for trial in trials:
            self.add(trial)
        for architecture in running:
            self.begin(architecture)

    def add(self, trial: Trial) -> None:
        """A trial has been scored, or failed; in place of what was known of it before."""
        self._trials[trial.number] = trial
        self._tried.add(trial.architecture)
        self._seen.add(trial.architecture)
        self._sorted = None

    def begin(self, architecture: Architecture) -> None:
        """An architecture is being evaluated."""
        self._running[architecture] += 1
        self._seen.add(architecture)

    def end(self, architecture: Architecture) -> None:
        """It no longer is, whatever came of it."""
        self._running[architecture] -= 1
        if not self._running[architecture]:
            del self._running[architecture]
            if architecture not in self._tried:
                self._seen = self._seen - {architecture}

    @property
    def seen(self) -> Set[Architecture]:
        """Everything tried or running; an architecture that failed was tried. As long as it grows it is one object."""
        return self._seen

    @property
    def trials(self) -> list[Trial]:
        """All, by number."""
        if self._sorted is None:
            self._sorted = sorted(self._trials.values(), key=lambda trial: trial.number)
        return self._sorted

    @property
    def running(self) -> list[Architecture]:
        """The architectures being evaluated."""
        return list(self._running.elements())

    @property
    def scored(self) -> list[Trial]:
        """Trials that have a score, after whatever steps, by number."""
        return [trial for trial in self.trials if trial.status == "completed"]

    @property
    def completed(self) -> list[Trial]:
        """Trials that have a score and were worked to their end, by number: their scores are comparable."""
        found = self.scored
        steps = self._steps or max((trial.steps for trial in found), default=0)
        return [trial for trial in found if trial.steps >= steps]

    @property
    def failed(self) -> list[Trial]:
        """Trials that ended without a score, by number."""
        return [trial for trial in self.trials if trial.status == "failed"]


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

    @functools.cached_property
    def offers(self) -> Callable[[Architecture], bool]:
        """Whether an architecture lies in the space, which a start need not; asked once of each."""
        return functools.cache(self.space.__contains__)

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
    return STRATEGIES.register(name)
