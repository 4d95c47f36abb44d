"""What the benchmarks of strategies search: made-up truths whose best front is known, and recorded tables."""

from __future__ import annotations

import dataclasses
import functools
from abc import ABC, abstractmethod
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from made_up_truth import MAKE_UPS, Truth

from nas.benchmark.replay import Recorded, recorded
from nas.evidence.hypervolume import Box, Steps
from nas.records.trial import Trial
from nas.strategies.budget import Budget
from nas.testing import made_up
from search_spaces import Architecture, load_space
from search_spaces.space.union import SearchSpace

LIMIT = 500_000  # parameters
TABLE = "table "  # before the name of a table, where a make-up is named


class SearchTask(ABC):
    """A space, what may be tried, what a trial shows, and what a network is worth."""

    space: SearchSpace
    budget: Budget
    plain: Sequence[Architecture]

    @abstractmethod
    def worth(self, architecture: Architecture) -> float:
        """Dice without noise."""

    @abstractmethod
    def trial(self, number: int, architecture: Architecture, rng: np.random.Generator) -> Trial:
        """One noisy trial."""

    @abstractmethod
    def best(self, count: int) -> float:
        """The largest hypervolume there is, or that ``count`` evaluations without noise find."""

    def area(self, architectures: Sequence[Architecture]) -> float:
        """Noise-free hypervolume."""
        place, params = self.budget.box.place, self.budget.params
        return Steps((place(params(one)), self.worth(one)) for one in architectures).area()


class MadeUp(SearchTask):
    """A made-up truth over a shipped space."""

    def __init__(self, truth: Truth, noise: float, space: str = "unet") -> None:
        self.truth, self.noise = truth, noise
        self.space = load_space(space, 2)
        self.plain = [network for network in self.space.plain_networks() if self._admits(network)]
        box = Box(min(map(self._params, self.plain)), LIMIT)
        self.budget = Budget(self._admits, self._params, box)

    def _params(self, architecture: Architecture) -> int:
        return architecture.cost(1, 1, (32, 32)).params

    def _admits(self, architecture: Architecture) -> bool:
        return self._params(architecture) <= LIMIT

    def worth(self, architecture: Architecture) -> float:
        return self.truth.dice(architecture)

    def trial(self, number: int, architecture: Architecture, rng: np.random.Generator) -> Trial:
        return made_up(number, architecture, self.worth(architecture) + rng.normal(0, self.noise))

    def best(self, count: int) -> float:
        """What evolution of the front finds without noise."""
        rng = np.random.default_rng(0)
        known = {network: self.worth(network) for network in self.plain}
        front: list[Architecture] = []
        for index in range(count):
            if index % 200 == 0:
                front, best = [], -1.0
                for one in sorted(known, key=lambda one: (self._params(one), -known[one])):
                    if known[one] > best:
                        best = known[one]
                        front.append(one)
            child = front[int(rng.integers(len(front)))]
            if rng.random() < 0.3:
                child = self.space.crossover(child, front[int(rng.integers(len(front)))], rng)
            for _ in range(1 + (rng.random() < 0.3)):
                child = self.space.mutate(child, rng)
            if self._admits(child) and child not in known:
                known[child] = self.worth(child)
        return self.area(list(known))


class OfTable(SearchTask):
    """A recorded table: a trial shows what one of the recorded seeds did."""

    def __init__(self, path: Path) -> None:
        self.table = _read(path)
        self.space, self.budget = self.table.space, self.table.budget
        self.plain = [one for one in self.table.rows if one.is_plain]

    def worth(self, architecture: Architecture) -> float:
        return self.table.worth[architecture]

    def trial(self, number: int, architecture: Architecture, rng: np.random.Generator) -> Trial:
        rows = self.table.rows[architecture]
        shown = made_up(number, architecture, rows[int(rng.integers(len(rows)))].dice)
        return dataclasses.replace(shown, cost=self.table.cost_of(architecture))

    def best(self, count: int) -> float:
        return self.area(list(self.table.rows))


@functools.cache
def _read(path: Path) -> Recorded:
    return recorded(path)


def task_of(make_up: str, truth: int, noise: float) -> SearchTask:
    """By the name of a make-up, or ``table PATH``."""
    if make_up.startswith(TABLE):
        return OfTable(Path(make_up.removeprefix(TABLE)))
    return MadeUp(Truth(truth, MAKE_UPS[make_up]), noise)
