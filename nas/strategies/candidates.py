"""Orders in which architectures can be tried whatever the results: what random search is, and evolution begins with."""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Iterator, Set

import numpy as np

from nas.strategies.budget import Admits, Budget
from search_spaces.architecture.architecture import Architecture
from search_spaces.architecture.cost import host_params
from search_spaces.space.union import SearchSpace

PATIENCE = 2000
SMALL = 10_000  # architectures that can be walked through
SIZES = 5  # networks without attention, spread over the parameters, that a search begins with
DRAWN = 300  # draws whose hosts these are chosen from


class Candidates:
    """The admitted architectures of an order, each once, worked out only as far as asked and then remembered.

    They end where the order ends, or after ``PATIENCE`` architectures in a row that were refused or had come before.
    What is left of a small space is then found by walking through all of it, and of a large one, where hard limits
    leave so little that draws hardly ever hit it, by walking from what was found to its neighbours, and on to theirs.

    Args:
        order: of architectures, endless or not.
        admits: which of them count.
        space: what to walk through in the end.
    """

    def __init__(self, order: Iterable[Architecture], admits: Admits, space: SearchSpace | None = None) -> None:
        self._known: list[Architecture] = []
        self._rest = _admitted_once(order, admits, space)
        self._passed: tuple[Set[Architecture] | None, int] = (None, 0)  # how many of the first are all in that set

    def first_unseen(self, seen: Set[Architecture]) -> Architecture | None:
        """The first candidate that is not in ``seen``; a set that only grows is not gone through again."""
        before, place = self._passed
        if before is not seen:
            place = 0
        while (candidate := self._at(place)) is not None and candidate in seen:
            place += 1
        self._passed = seen, place
        return candidate

    def _at(self, place: int) -> Architecture | None:
        if place == len(self._known):
            self._known.extend(itertools.islice(self._rest, 1))
        return self._known[place] if place < len(self._known) else None


def _admitted_once(order: Iterable[Architecture], admits: Admits, space: SearchSpace | None) -> Iterator[Architecture]:
    met: set[Architecture] = set()
    found: list[Architecture] = []
    misses = 0
    for architecture in order:
        known = architecture in met
        met.add(architecture)
        misses += 1
        if not known and admits(architecture):
            misses = 0
            found.append(architecture)
            yield architecture
        if misses >= PATIENCE:
            break
    if space is None:
        return
    if space.size() <= SMALL:
        yield from (architecture for architecture in space if architecture not in met and admits(architecture))
        return
    for architecture in found:  # which grows
        for neighbour in neighbours(space, architecture, 0) if architecture in space else ():
            if neighbour not in met:
                met.add(neighbour)
                if admits(neighbour):
                    found.append(neighbour)
                    yield neighbour


def host_of(space: SearchSpace, network: Architecture) -> Architecture:
    """The network without what is open to choice."""
    return space.part_of(network).assemble(network.options, {})


def neighbours(space: SearchSpace, architecture: Architecture, seed: int) -> Iterator[Architecture]:
    """All that are one change away, in an order of its own for each architecture."""
    found = list(space.neighbours(architecture))
    rng = np.random.default_rng((seed, int(architecture.key, 16)))
    return (found[place] for place in rng.permutation(len(found)).tolist())


def draws(space: SearchSpace, seed: int, sparse: bool = True) -> Iterator[Architecture]:
    """The endless stream of random architectures; each draw has a generator of its own."""
    return (space.sample(np.random.default_rng((seed, index)), sparse) for index in itertools.count())


def plain_then_draws(space: SearchSpace, admits: Admits, seed: int, sparse: bool = True) -> Iterator[Architecture]:
    """The plain network of a run, then random architectures without end."""
    start = starting_network(space, admits)
    if start is not None:
        yield start
    yield from draws(space, seed, sparse)


def sizes_then_draws(space: SearchSpace, budget: Budget, seed: int) -> Iterator[Architecture]:
    """The plain network of a run, others spread over the parameters from few to many, then sparse draws without end."""
    start = starting_network(space, budget)
    if start is not None:
        yield start
        drawn = itertools.islice(draws(space, seed), DRAWN)
        plain = filter(space.allows, {host_of(space, draw) for draw in drawn})
        admitted = sorted(filter(budget, plain), key=lambda one: (budget.params(one), str(one)))
        if admitted:
            places = np.linspace(0, len(admitted) - 1, SIZES - 1).round().astype(int)
            yield from (admitted[place] for place in places.tolist())
    yield from draws(space, seed)


def starting_network(space: SearchSpace, admits: Admits) -> Architecture | None:
    """The plain network of a run: the space's own, else the admitted one most like it, if any.

    That is one of the same host with as many of the same words and flags, such as the kind of block, and of these the
    one with the most parameters. What keeps the rules of the space comes before what does not: there are rules that no
    network without attention keeps, and the run has its plain network all the same.
    """
    return _plain_that(lambda one: space.allows(one) and admits(one), space) or _plain_that(admits, space)


def _plain_that(admits: Admits, space: SearchSpace) -> Architecture | None:
    wanted = space.plain()
    if admits(wanted):
        return wanted
    words = {(name, value) for name, value in wanted.options if isinstance(value, str | bool)}

    def likeness(network: Architecture) -> tuple[bool, int]:
        return network.host == wanted.host, len(words.intersection(network.options))

    def params(network: Architecture) -> int:
        # A task's channels and classes change the first and the last layer only: they do not decide which is largest.
        return host_params(network.host, network.dims, network.options, in_channels=1, classes=1)

    networks = sorted(space.plain_networks(), key=likeness, reverse=True)
    for _, alike in itertools.groupby(networks, key=likeness):
        admitted = [network for network in alike if admits(network)]
        if admitted:
            return max(admitted, key=params)
    return None
