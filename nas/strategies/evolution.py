"""Multi-objective evolution, after NSGA-II. Deb, Pratap, Agarwal, Meyarivan: A fast and elitist multiobjective
genetic algorithm, IEEE Transactions on Evolutionary Computation 6(2), 2002, https://doi.org/10.1109/4235.996017.

Steady state, one child at a time, as trials end one at a time.
"""

from __future__ import annotations

import itertools
import math
from collections import defaultdict
from collections.abc import Iterator, Sequence, Set
from typing import Any

import numpy as np

from nas.evidence.front import nondomination_ranks
from nas.records.trial import Trial
from nas.strategies.candidates import Candidates, draws, host_of, starting_network
from nas.strategies.strategy import Admits, History, Strategy, strategy
from search_spaces.architecture.architecture import Architecture
from search_spaces.attention import MECHANISMS
from search_spaces.errors import InputError
from search_spaces.space.drawing import draw_placement
from search_spaces.space.union import SearchSpace

ATTEMPTS = 200


@strategy("evolution")
class Evolution(Strategy):
    """Children of the best so far by Dice and parameters, after an initial population of simple networks.

    The initial population is the plain network, then in turns the plain networks of other host options and
    networks with one mechanism, one of each family first, then sparse draws. Where the neighbourhood of the
    parents is exhausted it goes on with these.

    Args:
        space, admits, seed: see ``Strategy``.
        population: size of the initial population and number of survivors that can be parents.
        crossover: probability that a child has two parents.
    """

    def __init__(
        self, space: SearchSpace, admits: Admits, seed: int, *, population: int = 16, crossover: float = 0.5
    ) -> None:
        super().__init__(space, admits, seed)
        if population < 2:
            raise InputError(f"evolution: population is a whole number from 2; got {population}")
        if not 0 <= crossover <= 1:
            raise InputError(f"evolution: crossover is a probability from 0 to 1; got {crossover}")
        self.population = population
        self.crossover = crossover
        self._initial = Candidates(self._initial_order(), admits, space)

    def suggest(self, history: History) -> Architecture | None:
        seen = history.seen
        child = None
        parents = [trial for trial in history.completed if self.offers(trial.architecture)]  # a start may lie outside
        if len(seen) >= self.population and parents:
            child = self._child(survivors(parents, self.population), seen)
        return child or self._initial.first_unseen(seen)

    def _child(self, parents: Sequence[Trial], seen: Set[Architecture]) -> Architecture | None:
        rng = np.random.default_rng((self.seed, len(seen)))
        for _ in range(ATTEMPTS):
            child = _tournament(parents, rng)
            if rng.random() < self.crossover:
                child = self.space.crossover(child, _tournament(parents, rng), rng)
            child = self.space.mutate(child, rng)
            if child not in seen and self.admits(child):
                return child
        return None

    def _initial_order(self) -> Iterator[Architecture]:
        start = starting_network(self.space, self.admits)
        if start is not None:
            yield start
            rng = np.random.default_rng(self.seed)
            hosts = [start, *(network for network in _shuffled(rng, self.space.plain_networks()) if network != start)]
            others = (host_of(self.space, network) for network in hosts[1:])  # with what is fixed
            plains = (network for network in others if self.offers(network) and self.admits(network))
            for plain, single in itertools.zip_longest(plains, self._singles(rng, hosts)):
                yield from (network for network in (plain, single) if network is not None)
        yield from draws(self.space, self.seed)

    def _singles(self, rng: np.random.Generator, hosts: Sequence[Architecture]) -> Iterator[Architecture]:
        """For each mechanism one admitted network with it alone, in the first of ``hosts`` that it finds a place in."""
        mechanisms = self.space.mechanisms if self.space.max_filled else []
        for name in _families_in_turn(_shuffled(rng, mechanisms)):
            placed = (single for host in hosts for single in self._placements(rng, name, host))
            yield from itertools.islice(filter(self.admits, itertools.islice(placed, ATTEMPTS)), 1)

    def _placements(self, rng: np.random.Generator, name: str, host: Architecture) -> Iterator[Architecture]:
        """``host`` with the mechanism in each place that offers it, hyper-parameters drawn."""
        for group in _shuffled(rng, self.space.places(name, host)):
            single = self.space.with_one(host, group, draw_placement(rng, group, name))
            if self.space.allows(single):
                yield single


def survivors(trials: Sequence[Trial], count: int) -> list[Trial]:
    """The best ``count`` completed trials, best first: by non-domination rank, then by crowding distance."""
    params = [trial.cost.params for trial in trials]
    dice = [trial.metrics["dice"] for trial in trials]
    ranks = nondomination_ranks(params, dice)
    crowding = crowding_distances(params, dice, ranks)
    order = sorted(range(len(trials)), key=lambda index: (ranks[index], -crowding[index], trials[index].number))
    return [trials[index] for index in order[:count]]


def crowding_distances(params: Sequence[int], dice: Sequence[float], ranks: Sequence[int]) -> list[float]:
    """How far apart each point's neighbours on its own front are, infinite at the ends.

    Parameters count by their logarithm: from 1k to 2k is as far as from 1M to 2M.
    """
    fronts: dict[int, list[int]] = defaultdict(list)
    for index in sorted(range(len(params)), key=lambda index: params[index]):
        fronts[ranks[index]].append(index)
    distances = [math.inf] * len(params)
    for front in fronts.values():
        axes = np.array([[math.log(params[index]) for index in front], [dice[index] for index in front]])
        gaps = np.abs(axes[:, 2:] - axes[:, :-2]) / np.maximum(np.ptp(axes, axis=1, keepdims=True), 1e-12)
        for index, gap in zip(front[1:-1], gaps.sum(axis=0), strict=True):
            distances[index] = float(gap)
    return distances


def _tournament(parents: Sequence[Trial], rng: np.random.Generator) -> Architecture:
    """The better of two drawn; ``parents`` are sorted, best first."""
    return parents[int(rng.integers(len(parents), size=2).min())].architecture


def _families_in_turn(names: Sequence[str]) -> list[str]:
    """One mechanism of each family, then another of each, and so on; otherwise in the order given."""
    families: dict[str, list[str]] = defaultdict(list)
    for name in names:
        families[MECHANISMS[name].family].append(name)
    return [name for turn in itertools.zip_longest(*families.values()) for name in turn if name is not None]


def _shuffled(rng: np.random.Generator, items: Sequence[Any]) -> list[Any]:
    return [items[int(index)] for index in rng.permutation(len(items))]
