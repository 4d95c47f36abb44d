"""Settings that make the same module are one placement, and only those."""

from __future__ import annotations

import functools
import itertools

import pytest

from search_spaces import MECHANISMS, Architecture, Placement
from search_spaces.architecture.canonical import canonical
from search_spaces.hosts.slot import Slot
from tests.search_spaces.signature import signature


@pytest.mark.parametrize("channels", [2, 3, 4, 8, 12, 32])
@pytest.mark.parametrize("name", MECHANISMS)
def test_placements_are_equal_where_the_modules_are_and_only_there(name: str, channels: int) -> None:
    entry = MECHANISMS[name]
    dims = entry.dims[0]
    gate = 2 * channels if entry.inputs == "gated" else None
    pyramid = (channels, 2 * channels) if entry.inputs == "pyramid" else ()
    slot = Slot("any", channels, 0, gate_channels=gate, pyramid_channels=pyramid, predicted=True)
    of_module: dict[bytes, Placement] = {}
    for values in itertools.product(*entry.choices.values()):
        placement = Placement(name, tuple(zip(entry.choices, values, strict=True)))
        built = signature(functools.partial(placement.build, slot, dims, 1))
        first = of_module.setdefault(built, placement)
        assert canonical(placement, slot, dims) == first, f"{placement} is {first} in {channels} channels"


def test_two_files_of_one_network_are_one_architecture() -> None:
    four, eight = (
        Architecture.create("unet", 2, {"depth": 2, "width": 8}, {"skip.0": Placement("se", (("reduction", r),))})
        for r in (4, 8)
    )
    assert four == eight
    assert four.key == eight.key
    wide = {"depth": 2, "width": 64}
    assert Architecture.create(
        "unet", 2, wide, {"skip.0": Placement("se", (("reduction", 4),))}
    ) != Architecture.create("unet", 2, wide, {"skip.0": Placement("se", (("reduction", 8),))})
