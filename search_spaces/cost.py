"""What an architecture costs, exactly, without building it.

The host and each mechanism at each slot's shape are measured once, on torch's meta device, and remembered;
an architecture's cost is a sum of look-ups. No formula is written down, so none can drift from the code.
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from search_spaces.attention import MECHANISMS
from search_spaces.flop_counter import FlopCounter
from search_spaces.hosts import HOSTS
from search_spaces.placement import Options, Placement
from search_spaces.slot import Slot, size_at

Size = tuple[int, ...]


@dataclass(frozen=True)
class Cost:
    """Trainable parameters, and multiply-accumulates of one forward pass of one image.

    Convolutions and matrix products are counted, as in torch's ``FlopCounterMode``; element-wise work is not.
    """

    params: int
    macs: int

    def __add__(self, other: Cost) -> Cost:
        return Cost(self.params + other.params, self.macs + other.macs)


@functools.cache
def host_cost(host: str, dims: int, options: Options, in_channels: int, classes: int, size: Size) -> Cost:
    """Cost of a host with every slot empty, for one image ``(in_channels, *size)``."""
    module = HOSTS[host].module
    return measure(
        lambda: module(in_channels, classes, dims=dims, attention={}, **dict(options)), [(in_channels, *size)]
    )


@functools.cache
def host_params(host: str, dims: int, options: Options, in_channels: int, classes: int) -> int:
    """Parameters of a host with every slot empty; many times quicker than its full cost."""
    with torch.device("meta"):
        return _parameters(HOSTS[host].module(in_channels, classes, dims=dims, attention={}, **dict(options)))


def mechanism_cost(placement: Placement, dims: int, slot: Slot, size: Size) -> Cost:
    """Cost of one mechanism in ``slot`` of a network whose image is ``size``."""
    inputs = MECHANISMS[placement.mechanism].inputs
    gate_channels = slot.gate_channels if inputs == "gated" else None
    pyramid_channels = slot.pyramid_channels if inputs == "pyramid" else ()
    alike = Slot("", slot.channels, 0, gate_channels=gate_channels, pyramid_channels=pyramid_channels)
    return _local_cost(placement, dims, alike, size_at(size, slot.level))


@functools.cache
def _local_cost(placement: Placement, dims: int, slot: Slot, size: Size) -> Cost:
    """As ``mechanism_cost``, of a slot at level 0 without a name: slots that look alike are measured once."""
    shapes: list[Size | list[Size]] = [(slot.channels, *size)]
    if slot.pyramid_channels:
        shapes = [[(channels, *size_at(size, level)) for level, channels in enumerate(slot.pyramid_channels)]]
    if slot.gate_channels is not None:
        shapes.append((slot.gate_channels, *size_at(size, 1)))
    return measure(lambda: placement.build(slot, dims), shapes)


def measure(build: Callable[[], nn.Module], shapes: Sequence[Size | list[Size]]) -> Cost:
    """Cost of the module that ``build`` makes, called with one image each of ``shapes``, ``(channels, *spatial)``.

    A list among them stands for one argument that is a list of images.
    """
    with torch.device("meta"), torch.no_grad(), FlopCounter() as counter:
        module = build().eval()
        module(*(_empty(shape) for shape in shapes))
    return Cost(_parameters(module), counter.flops // 2)


def _empty(shape: Size | list[Size]) -> Tensor | list[Tensor]:
    return [torch.empty(1, *one) for one in shape] if isinstance(shape, list) else torch.empty(1, *shape)


def _parameters(module: nn.Module) -> int:
    return sum(parameter.numel() for parameter in module.parameters() if parameter.requires_grad)
