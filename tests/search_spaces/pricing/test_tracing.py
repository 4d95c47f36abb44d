"""A network's own code, run on shapes, costs what it costs on tensors; what wants more than shapes is told apart."""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any

import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional as F

from search_spaces import HOSTS, MECHANISMS, Architecture
from search_spaces.architecture.cost import Cost, measure, measured
from search_spaces.layers import CONV, NORM
from search_spaces.pricing.operations import CURRENT
from search_spaces.pricing.parts import Part
from search_spaces.pricing.tracing import traced
from tests.search_spaces.tiny import filled

IMAGE = (4, 9, 7)


EVERY = [(name, dims) for name in MECHANISMS for dims in MECHANISMS[name].dims]
EVERY_HOST = [(name, dims) for name in HOSTS for dims in HOSTS[name].dims]


def assert_priced_alike(build: Callable[[], nn.Module], shapes: list[Any]) -> None:
    """From shapes alone, and as operator by operator on the meta device."""
    params, flops = traced(build, shapes)
    assert Cost(params, flops // 2) == measured(build, shapes)


@pytest.mark.parametrize(("name", "dims"), EVERY)
def test_every_mechanism_is_priced_from_shapes_alone(name: str, dims: int) -> None:
    size = (11, 8, 6)[:dims]
    for host in ("unet", "partial_decoder"):
        architecture = filled(host, dims, name)
        slots = {slot.name: slot for slot in HOSTS[host].module.slots(dims=dims, **dict(architecture.options))}
        for label, (placement,) in architecture.attention:
            slot, shapes = slots[label], list[Any]()
            if placement.inputs == "pyramid":
                shapes.append([(channels, *size) for channels in slot.pyramid_channels])
            else:
                shapes.append((slot.channels, *size))
            if placement.inputs in ("gated", "guided"):
                shapes.append((3 if slot.predicted else slot.gate_channels, *size))
            assert_priced_alike(functools.partial(placement.build, slot, dims, 2), shapes)


@pytest.mark.parametrize(("host", "dims"), EVERY_HOST)
def test_every_host_is_priced_from_shapes_alone(host: str, dims: int) -> None:
    options = Architecture.create(host, dims).options
    assert_priced_alike(functools.partial(HOSTS[host].build, 2, 3, dims, options), [(2, *(21, 16, 9)[:dims])])


class Odd(nn.Module):
    """A network of a user's own, with what ``act`` does between two convolutions."""

    def __init__(self, act: Any = lambda x: x) -> None:
        super().__init__()
        self.first, self.act, self.last = nn.Conv2d(4, 6, 3), act, nn.Conv2d(6, 2, 1)

    def forward(self, x: Tensor) -> Tensor:
        return self.last(self.act(self.first(x)))


ACTS = {
    "a function that has no rule": torch.special.expit,
    "a question whether it is a tensor": lambda x: x if isinstance(x, Tensor) else x[0],
    "a change of shape in place": lambda x: x.squeeze_(0).unsqueeze_(0),
    "a change of values in place": lambda x: x.add_(1).mul_(2),
    "an assignment to a part": lambda x: (x.__setitem__((..., 0), 1.0), x)[1],
    "positions": lambda x: x + torch.arange(x.shape[-1]),
    "other types": lambda x: x.to(torch.float64).ceil().to(torch.int64).float(),
    "a product of matrices": lambda x: x @ x.transpose(-1, -2) @ x,
    "a sum by Einstein's convention": lambda x: torch.einsum("bchw,bdhw,bdij->bcij", x, x, x),
    "attention": lambda x: F.scaled_dot_product_attention(x, x, x),
    "a complex transform": lambda x: torch.fft.fft2(x).real,
    "a choice by a mask": lambda x: torch.where(x > 0, x, -x),
    "indices": lambda x: x[:, [5, 4, 3, 2, 1, 0]][:, torch.arange(6)],
    "several at once": lambda x: torch.cat(list(reversed(x.split(2, 1))), 1),
    "the largest with its place": lambda x: x.max(1, keepdim=True)[0].expand_as(x),
    "a named argument": lambda x: x.mean(dim=(2, 3), keepdim=True) * x,
    "strings": lambda x: F.pad(x, (1, 1, 1, 1), mode="reflect")[..., 1:-1, 1:-1],
    "a result written elsewhere": lambda x: torch.add(x, 1, out=torch.empty(1, 6, 7, 5)),
}


@pytest.mark.parametrize("act", ACTS.values(), ids=ACTS)
def test_networks_of_any_kind_cost_what_they_cost_on_tensors(act: Any) -> None:
    assert measure(lambda: Odd(act), [IMAGE]) == measured(lambda: Odd(act), [IMAGE])


def tied() -> nn.Module:
    network = nn.Sequential(CONV[2](4, 4, 1), CONV[2](4, 4, 1))
    network[1].weight = network[0].weight
    return network


def twice() -> nn.Module:
    layer = CONV[2](4, 4, 1)
    return nn.Sequential(layer, layer)


class Untrained(nn.Sequential):
    def __init__(self) -> None:
        super().__init__(CONV[2](4, 8, 3), NORM["batch"](8), CONV[2](8, 4, 1))
        self[0].requires_grad_(False)


class Replaced(nn.Sequential):
    def __init__(self) -> None:
        super().__init__(CONV[2](4, 8, 3), NORM["batch"](8))
        self[0].bias = None


class Moded(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.layer = nn.Conv2d(4, 4, 3)
        self.skipped = False

    def train(self, mode: bool = True) -> Moded:
        self.skipped = not mode
        return super().train(mode)

    def forward(self, x: Tensor) -> Tensor:
        return x if self.skipped else self.layer(x)


@pytest.mark.parametrize("build", [tied, twice, Untrained, Replaced, Moded])
def test_weights_are_counted_as_torch_counts_them(build: Any) -> None:
    assert measure(build, [IMAGE]) == measured(build, [IMAGE])


def test_decisions_that_follow_values_are_no_silent_guess() -> None:
    with pytest.raises(Exception, match="meta"):
        measure(lambda: Odd(lambda x: x if x.sum() > 0 else -x), [IMAGE])


def test_after_a_fault_everything_is_as_before() -> None:
    with pytest.raises(ZeroDivisionError):
        traced(lambda: Odd(lambda x: x / (1 // 0)), [IMAGE])
    assert not CURRENT.tracing
    assert type(CONV[2](3, 5, 3).weight) is nn.Parameter
    assert torch.zeros(1).device.type == "cpu"


class Counting(Part):
    """A part that knows how often it was built and run."""

    built = run = 0

    def __init__(self, channels: int) -> None:
        super().__init__()
        Counting.built += 1
        self.layer = nn.Conv2d(channels, channels, 3, padding=1)

    def forward(self, x: Tensor) -> Tensor:
        Counting.run += 1
        return self.layer(x)


def test_a_part_is_built_and_run_once_and_paid_for_each_time() -> None:
    once = traced(lambda: Counting(3), [(3, 8, 8)])
    Counting.built = Counting.run = 0
    twice = traced(lambda: nn.Sequential(Counting(3), Counting(3)), [(3, 8, 8)])
    assert twice == (2 * once[0], 2 * once[1])
    assert (Counting.built, Counting.run) == (0, 0)
    assert (Counting(3) is not Counting(3), Counting.built) == (True, 2)  # outside of pricing as ever


def test_a_part_that_stands_for_another_is_of_its_class() -> None:
    class Asking(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.layer, self.norm = CONV[2](4, 4, 3), NORM["instance"](4)
            assert isinstance(self.layer, nn.Conv2d)
            assert isinstance(self.norm, nn.GroupNorm)
            assert not isinstance(self.norm, nn.Conv2d)

        def forward(self, x: Tensor) -> Tensor:
            return F.conv2d(self.norm(x), self.layer.weight, None, self.layer.stride)

    for _ in range(2):
        params, flops = traced(Asking, [IMAGE])
        assert Cost(params, flops // 2) == measured(Asking, [IMAGE])
