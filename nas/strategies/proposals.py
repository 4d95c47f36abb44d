"""Architectures that may be worth a trial: what a model hopes for in many slots at once, and changes of good ones."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np

from search_spaces.architecture.architecture import Architecture
from search_spaces.space.union import SearchSpace

HOPES = (0.0, 0.5, 1.0, 2.0)  # standard deviations that are added to what is expected of a placement
CROSSED = 0.5  # share of changed architectures that have two parents


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
