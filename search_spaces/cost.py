"""What an architecture costs, exactly, without building it.

The host and each mechanism at each slot's shape are measured once, on torch's meta device, and remembered;
an architecture's cost is a sum of look-ups. No formula is written down, so none can drift from the code.
"""

from __future__ import annotations

import functools
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils.flop_counter import flop_registry

from search_spaces.attention import MECHANISMS
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


@functools.cache
def mechanism_cost(placement: Placement, dims: int, slot: Slot, size: Size) -> Cost:
    """Cost of one mechanism in ``slot`` of a network whose image is ``size``."""
    shapes = [(slot.channels, *size_at(size, slot.level))]
    if MECHANISMS[placement.mechanism].inputs == "gated" and slot.gate_channels is not None:
        shapes.append((slot.gate_channels, *size_at(size, slot.level + 1)))
    return measure(lambda: placement.build(slot, dims), shapes)


def measure(build: Callable[[], nn.Module], shapes: list[Size]) -> Cost:
    """Cost of the module that ``build`` makes, called with one image each of ``shapes``, ``(channels, *spatial)``."""
    with torch.device("meta"), torch.no_grad(), _FlopCounter() as counter:
        module = build().eval()
        inputs: list[Tensor] = [torch.empty(1, *shape) for shape in shapes]
        module(*inputs)
    return Cost(_parameters(module), counter.flops // 2)


class _FlopCounter(TorchDispatchMode):
    """torch's own formulas, summed over the operators that have one.

    ``FlopCounterMode`` also keeps a tree of modules and tries to decompose each operator, which takes several times
    as long; the tests hold the two equal. Operators in place keep shapes and have no formula, and torch's meta forms
    of these and of group norm are slow, so neither is run at all.
    """

    def __init__(self) -> None:
        super().__init__()
        self.flops = 0

    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        if func._schema.name.endswith("_") and torch.Tag.inplace_view not in func.tags:
            return args[0]
        if func is torch.ops.aten.native_group_norm.default:
            return tuple(torch.empty_like(args[0]) for _ in range(3))
        result = func(*args, **(kwargs or {}))
        formula = flop_registry.get(func._overloadpacket)
        if formula is not None:
            self.flops += formula(*args, **(kwargs or {}), out_val=result)
        return result


def _parameters(module: nn.Module) -> int:
    return sum(parameter.numel() for parameter in module.parameters() if parameter.requires_grad)
