"""What may be tried at all, and what it costs: known of every architecture before it is built."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from nas.evidence.hypervolume import Box
from search_spaces.architecture.architecture import Architecture
from search_spaces.architecture.cost import host_params
from search_spaces.space.union import SearchSpace

Admits = Callable[[Architecture], bool]
NOMINAL = {2: (96, 96), 3: (48, 48, 48)}  # image sizes; parameters do not depend on them
ASKED = 64  # plain networks, from small to large, of which it is asked whether they are admitted
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

    return Budget(admits, params, box_of(space, admits, 1, 1))


def box_of(space: SearchSpace, admits: Admits, in_channels: int, classes: int, most: int | None = None) -> Box:
    """From the smallest plain network to the limit ``most``; without one, to twice the largest that is admitted."""
    _, low = space.smallest(in_channels, classes)
    if most is None:

        def params(network: Architecture) -> int:
            return host_params(network.host, network.dims, network.options, in_channels, classes)

        networks = sorted(space.plain_networks(), key=params)
        chosen = np.unique(np.linspace(0, len(networks) - 1, ASKED).round().astype(int)).tolist()
        admitted = [networks[place] for place in chosen if admits(networks[place])]
        most = ROOM * params((admitted or networks)[-1])
    return Box(low, max(most, low + 1))
