"""What may be tried at all, and what it costs: known of every architecture before it is built."""

from __future__ import annotations

import itertools
from collections.abc import Callable
from dataclasses import dataclass

from nas.evidence.hypervolume import Box
from search_spaces.architecture.architecture import Architecture
from search_spaces.space.union import SearchSpace

Admits = Callable[[Architecture], bool]
NOMINAL = {2: (96, 96), 3: (48, 48, 48)}  # image sizes; parameters do not depend on them
MOST = 1000  # plain networks that a box is made of
ROOM = 2  # times the largest plain network, for attention that adds to it


@dataclass(frozen=True)
class Budget:
    """Called with an architecture, whether it may be tried.

    Attributes:
        admits: the same as a plain function.
        params: exact parameters of an architecture on the task.
        box: the range of parameters that is searched.
    """

    admits: Admits
    params: Callable[[Architecture], int]
    box: Box

    def __call__(self, architecture: Architecture) -> bool:
        return self.admits(architecture)


def budget_of(admits: Admits, space: SearchSpace) -> Budget:
    """``admits`` itself where it is a budget, else one for images of one channel and one class."""
    if isinstance(admits, Budget):
        return admits

    def params(architecture: Architecture) -> int:
        return architecture.cost(1, 1, NOMINAL[architecture.dims]).params

    return Budget(admits, params, box_of(space, admits, params))


def box_of(space: SearchSpace, admits: Admits, params: Callable[[Architecture], int], most: int | None = None) -> Box:
    """From the smallest plain network that is admitted to the limit ``most``; without one, to twice the largest."""
    networks = itertools.islice(filter(admits, space.plain_networks()), MOST)
    sizes = [params(network) for network in networks] or [params(network) for network in space.plain_networks()]
    low = min(sizes)
    return Box(low, max(most or ROOM * max(sizes), low + 1))
