"""Changes of good architectures, which may be worth a trial."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np

from search_spaces.architecture.architecture import Architecture
from search_spaces.space.union import SearchSpace

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
