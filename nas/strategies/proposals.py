"""Architectures that may be worth a trial: what a model hopes for in many slots at once, and changes of good ones."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np

from nas.surrogate.features import features_of_mechanism
from nas.surrogate.posterior import Posterior
from search_spaces.architecture.architecture import Architecture
from search_spaces.space.drawing import draw_placement
from search_spaces.space.frame import Contents, Frame, Group
from search_spaces.space.space import Space
from search_spaces.space.union import SearchSpace

HOPES = (0.0, 0.5, 1.0, 2.0)  # standard deviations that are added to what is expected of a placement
CROSSED = 0.5  # share of changed architectures that have two parents


class Filler:
    """Fills many slots of a host at once with the mechanisms that look best there, more or less hopefully."""

    def __init__(self, posterior: Posterior) -> None:
        self._posterior = posterior
        self._effects: dict[tuple[str, str], tuple[float, float]] = {}

    def fill(self, space: Space, frame: Frame, rng: np.random.Generator) -> Iterator[Architecture]:
        """For each degree of hope the one, two, four, ... best slots filled, as far as they promise anything."""
        most = min(space.max_filled, len(frame.groups))
        for hope in HOPES:
            best = [(*self._best(group, hope, rng), group) for group in frame.groups.values()]
            best.sort(key=lambda found: -found[0])
            promising = [(mechanism, group) for value, mechanism, group in best if value > 0][:most]
            for count in _doubling(len(promising)):
                contents: Contents = {
                    group.label: (draw_placement(rng, group, mechanism),) for mechanism, group in promising[:count]
                }
                architecture = space.assemble(frame.options, contents)
                if space.allows(architecture):
                    yield architecture

    def _best(self, group: Group, hope: float, rng: np.random.Generator) -> tuple[float, str]:
        """Value and name of the mechanism that promises most; ties are broken at random."""
        slot = group.slots[0].name
        values = []
        for mechanism in group.offers:
            if (slot, mechanism) not in self._effects:
                self._effects[slot, mechanism] = self._posterior.effect(features_of_mechanism(slot, mechanism))
            mean, deviation = self._effects[slot, mechanism]
            values.append(len(group.slots) * (mean + hope * deviation))
        ties = rng.random(len(values))
        place = max(range(len(values)), key=lambda index: (values[index], ties[index]))
        return values[place], list(group.offers)[place]


def changed(
    space: SearchSpace, parents: Sequence[Architecture], rng: np.random.Generator, count: int
) -> Iterator[Architecture]:
    """``count`` children of one or two parents with one change, seldom two, ever more seldom more."""
    for _ in range(count):
        child = parents[int(rng.integers(len(parents)))]
        if rng.random() < CROSSED:
            child = space.crossover(child, parents[int(rng.integers(len(parents)))], rng)
        for _ in range(int(rng.geometric(0.5))):
            child = space.mutate(child, rng)
        yield child


def _doubling(most: int) -> Iterator[int]:
    count = 1
    while count < most:
        yield count
        count *= 2
    if most:
        yield most
