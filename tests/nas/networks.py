"""Networks with every slot filled, for the tests of what is measured on and drawn from them; each is made once."""

from __future__ import annotations

import functools

import pytest

from nas.pictures.layout import Layout, layout_of
from search_spaces.architecture.architecture import Architecture, slots_of
from search_spaces.architecture.placement import Placement
from search_spaces.hosts import HOSTS

EVERY = [(name, dims) for name in HOSTS for dims in HOSTS[name].dims]
every_host = pytest.mark.parametrize(("host", "dims"), EVERY, ids=[f"{name}-{dims}d" for name, dims in EVERY])
IN_CHANNELS, CLASSES = 2, 3
SIZE: dict[int, tuple[int, ...]] = {2: (21, 34), 3: (9, 18, 12)}
MECHANISM = {"feature": "se", "gated": "attention_gate", "guided": "reverse", "pyramid": "scale", "block": "sk"}


def plain(host: str, dims: int) -> Architecture:
    """The lightest of the host."""
    return Architecture.create(host, dims, {option: values[0] for option, values in HOSTS[host].options.items()})


@functools.cache
def filled(host: str, dims: int) -> Architecture:
    """The lightest of the host with a mechanism in every slot, in some two."""
    bare = plain(host, dims)
    slots = slots_of(host, dims, bare.options)
    series = {name: [Placement(MECHANISM[slot.inputs[-1]])] for name, slot in slots.items()}
    for name, slot in slots.items():
        if "gated" in slot.inputs:
            series[name].append(Placement("cbam"))
    return Architecture.create(host, dims, dict(bare.options), series)


@functools.cache
def layout(host: str, dims: int) -> Layout:
    """Of ``filled``."""
    return layout_of(filled(host, dims), IN_CHANNELS, CLASSES)


def placements(architecture: Architecture) -> list[tuple[str, Placement]]:
    """Each mechanism with its slot."""
    return [(slot, placement) for slot, series in architecture.attention for placement in series]
