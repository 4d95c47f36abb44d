"""A network whose slots are full of one mechanism, with each value of each of its choices."""

from __future__ import annotations

import functools

import pytest
import torch

from search_spaces import HOSTS, MECHANISMS, Architecture, Placement
from search_spaces.attention.mechanism import Value

OPTIONS: dict[str, Value] = {"depth": 2, "width": 8}
SEEN = 0.02  # of what the plain network sees; the least that any sees is 0.05, what never learnt saw none
CASES = [(name, option) for name in MECHANISMS for option in [None, *MECHANISMS[name].choices]]


@pytest.mark.parametrize(("name", "option"), CASES)
def test_it_sees_its_image_from_the_start(name: str, option: str | None) -> None:
    """What is lost in slot after slot no step of a training brings back."""
    choices = MECHANISMS[name].choices
    usual = {key: values[0] for key, values in choices.items()}
    for value in choices[option][1:] if option else [None]:
        given = usual | ({option: value} if option else {})
        assert _seen(Placement(name, tuple(given.items()))) > SEEN * _seen(None), given


@functools.cache
def _seen(placement: Placement | None) -> float:
    """How far the logits of two images lie apart, with ``placement`` wherever it may be."""
    slots = HOSTS["unet"].module.slots(dims=2, **(HOSTS["unet"].defaults | OPTIONS))
    takes = [slot.name for slot in slots if placement and slot.refuses(MECHANISMS[placement.mechanism], 2) is None]
    filled = {name: placement for name in takes if placement}
    network = Architecture.create("unet", 2, OPTIONS, filled).build(1, 2)
    images = torch.randn(2, 1, 16, 16, generator=torch.Generator().manual_seed(0))
    with torch.no_grad():
        first, second = network(images)
    return float((first - second).std())
