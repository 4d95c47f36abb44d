"""What reaches each path of a network with two encoders, and what passes between them."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from torch import Tensor, nn

from search_spaces import Architecture, Placement
from search_spaces.hosts import Host
from search_spaces.stages.interaction import EXCHANGE, Interaction

SIZE = (13, 18)
DEEPEST = {"first": "first_bottleneck", "second": "second_bottleneck"}


class Keep(nn.Module):
    """Stands in a slot and remembers its feature."""

    def forward(self, x: Tensor, *_: Any) -> Tensor:
        self.x = x
        return x


def build(in_channels: int, attention: dict[str, Placement] | None = None, **options: Any) -> Host:
    given = {"depth": 2, "width": 4, **options}
    return Architecture.create("dual_path", 2, given, attention).build(in_channels, 2).eval()


def channels_that_reach(network: Host, in_channels: int) -> dict[str, set[int]]:
    """Of each path, the channels of the image that its deepest feature depends on."""
    kept = {name: Keep() for name in DEEPEST.values()}
    network.attention.update(kept)
    image = torch.randn(1, in_channels, *SIZE, generator=torch.Generator().manual_seed(0)).requires_grad_()
    network(image)
    found: dict[str, set[int]] = {}
    for path, name in DEEPEST.items():
        (gradient,) = torch.autograd.grad(kept[name].x.square().sum(), image, retain_graph=True)
        found[path] = {channel for channel in range(in_channels) if gradient[0, channel].abs().max() > 0}
    return found


@pytest.mark.parametrize(
    ("in_channels", "first", "second"),
    [(1, {0}, {0}), (2, {0}, {1}), (3, {0, 1}, {2}), (4, {0, 1}, {2, 3})],
)
def test_each_group_of_channels_reaches_its_encoder_alone(in_channels: int, first: set[int], second: set[int]) -> None:
    assert channels_that_reach(build(in_channels), in_channels) == {"first": first, "second": second}


@pytest.mark.parametrize(
    ("options", "attention"),
    [
        ({"exchange": "sum"}, {}),
        ({"exchange": "concat"}, {}),
        ({}, {"cross.0": Placement("non_local", (("mode", "dot_product"),))}),
        ({}, {"cross.1": Placement("se")}),
    ],
)
def test_an_exchange_or_a_mechanism_between_the_paths_lets_both_see_everything(
    options: dict[str, Any], attention: dict[str, Placement]
) -> None:
    network = build(2, attention, **options)
    for parameter in network.parameters():  # a mechanism that starts as the identity is to do something
        parameter.data += 0.1
    assert channels_that_reach(network, 2) == {"first": {0, 1}, "second": {0, 1}}


def test_location_attention_lets_each_path_ask_the_other_at_the_end_alone() -> None:
    kept, network = Keep(), build(2, location=True)
    network.attention["cross_bottleneck"] = kept
    assert channels_that_reach(network, 2) == {"first": {0}, "second": {1}}
    image = torch.randn(1, 2, *SIZE, generator=torch.Generator().manual_seed(0)).requires_grad_()
    network(image)
    for half in kept.x.chunk(2, dim=1):
        (gradient,) = torch.autograd.grad(half.square().sum(), image, retain_graph=True)
        assert (gradient.abs().amax((0, 2, 3)) > 0).all()


@pytest.mark.parametrize("kind", EXCHANGE)
def test_the_interaction_is_symmetric(kind: str) -> None:
    torch.manual_seed(0)
    interaction = Interaction(kind, 6, dims=2, norm="instance", activation="relu")
    a, b = torch.randn(2, 3, 6, 5, 4).unbind(0)
    first, second = interaction(a, b)
    interaction.first, interaction.second = interaction.second, interaction.first
    swapped = interaction(b, a)
    assert torch.equal(swapped[0], second)
    assert torch.equal(swapped[1], first)
    assert not torch.allclose(first, a)


def test_location_attention_is_a_softmax_over_the_positions_of_the_other_path() -> None:
    torch.manual_seed(0)
    module = Interaction("location", 6, dims=3, norm="instance", activation="relu").double().first
    x, other = torch.randn(2, 2, 6, 3, 4, 5, dtype=torch.float64).unbind(0)
    q, k, v = module.query(x).flatten(2), module.key(other).flatten(2), module.value(other).flatten(2)
    weights = (torch.einsum("bci,bcj->bij", q, k) / 3**0.5).softmax(2)
    found = torch.einsum("bij,bcj->bci", weights, v).unflatten(2, (3, 4, 5))
    torch.testing.assert_close(module(x, other), x + module.project(found))
