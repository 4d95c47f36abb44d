"""Canonical form of a placement: settings that make the same module are one."""

from __future__ import annotations

import functools
import itertools

from search_spaces.architecture.placement import Placement
from search_spaces.attention import MECHANISMS
from search_spaces.hosts.slot import Slot


def canonical(placement: Placement, slot: Slot, dims: int) -> Placement:
    """The first setting, in the registry's order, that makes the same module for ``slot`` as ``placement``.

    ``placement`` names every hyper-parameter. Where none of the registry's settings does, it is canonical itself.
    """
    return canonical_in(placement, slot.channels, dims)


@functools.cache
def canonical_in(placement: Placement, channels: int, dims: int) -> Placement:
    """As ``canonical``, for a slot of so many channels: nothing else of a slot matters."""
    entry = MECHANISMS[placement.mechanism]
    own = dict(placement.options)
    wanted = entry.comes_to(own, channels, dims)
    alike = (  # what comes to nothing else keeps its value
        values if name in entry.effective else [value for value in values if value == own[name]]
        for name, values in entry.choices.items()
    )
    for values in itertools.product(*alike):
        options = tuple(zip(entry.choices, values, strict=True))
        if entry.comes_to(dict(options), channels, dims) == wanted:
            return Placement(placement.mechanism, options)
    return placement
