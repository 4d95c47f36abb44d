"""Counting multiply-accumulates on torch's meta device, in milliseconds a network.

torch's own ``FlopCounterMode`` also keeps a tree of modules and tries to decompose each operator, and the meta forms
of many cheap operators are written in Python and import torch's compiler, which takes seconds. Here operators whose
result's shape is plain to see are not run at all; the tests hold the counts equal to torch's.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import torch
from torch import Tensor
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils.flop_counter import flop_registry

aten = torch.ops.aten


class FlopCounter(TorchDispatchMode):
    """Adds up torch's formulas over the operators that have one; ``flops`` is two for each multiply-accumulate."""

    @classmethod
    def _should_skip_dynamo(cls) -> bool:
        return False  # torch's switch for a wrapper that would import its compiler

    def __init__(self) -> None:
        super().__init__()
        self.flops = 0

    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        if func._schema.name.endswith("_") and torch.Tag.inplace_view not in func.tags:
            return args[0]
        result = SHORTCUTS.get(func._overloadpacket, func)(*args, **(kwargs or {}))
        formula = flop_registry.get(func._overloadpacket)
        if formula is not None:
            self.flops += formula(*args, **(kwargs or {}), out_val=result)
        return result


def _broadcast(*args: Any, **kwargs: Any) -> Tensor:
    tensors = [arg for arg in args if isinstance(arg, Tensor)]
    shapes = {tensor.shape for tensor in tensors}
    return tensors[0].new_empty(shapes.pop() if len(shapes) == 1 else np.broadcast_shapes(*shapes))


def _group_normalised(x: Tensor, *args: Any, **_: Any) -> tuple[Tensor, Tensor, Tensor]:
    """The result, and a mean and a deviation a group."""
    return x.new_empty(x.shape), x.new_empty(x.shape[0], args[5]), x.new_empty(x.shape[0], args[5])


def _layer_normalised(x: Tensor, axes: list[int], *args: Any, **_: Any) -> tuple[Tensor, Tensor, Tensor]:
    kept = x.shape[: x.dim() - len(axes)] + (1,) * len(axes)
    return x.new_empty(x.shape), x.new_empty(kept), x.new_empty(kept)


def _batch_normalised(x: Tensor, *args: Any, **_: Any) -> tuple[Tensor, Tensor, Tensor]:
    """The statistics are the batch's, where it is trained on; else there are none."""
    count = x.shape[1] if args[4] else 0
    return x.new_empty(x.shape), x.new_empty(count), x.new_empty(count)


def _reduced(x: Tensor, dim: list[int] | None = None, keepdim: bool = False, **_: Any) -> Tensor:
    over = {axis % x.dim() for axis in dim} if dim else set(range(x.dim()))
    kept = [1 if axis in over else length for axis, length in enumerate(x.shape) if keepdim or axis not in over]
    return x.new_empty(kept)


def _joined(tensors: list[Tensor], dim: int = 0) -> Tensor:
    shape = list(tensors[0].shape)
    shape[dim] = sum(tensor.shape[dim] for tensor in tensors)
    return tensors[0].new_empty(shape)


def _stacked(tensors: list[Tensor], dim: int = 0) -> Tensor:
    shape = list(tensors[0].shape)
    shape.insert(dim if dim >= 0 else len(shape) + 1 + dim, len(tensors))
    return tensors[0].new_empty(shape)


def _convolved(
    x: Tensor,
    weight: Tensor,
    bias: Tensor | None,
    stride: list[int],
    padding: list[int],
    dilation: list[int],
    transposed: bool,
    output_padding: list[int],
    groups: int,
) -> Tensor:
    spatial = []
    for axis, (length, kernel) in enumerate(zip(x.shape[2:], weight.shape[2:], strict=True)):
        reach = dilation[axis] * (kernel - 1) - 2 * padding[axis]
        if transposed:
            spatial.append((length - 1) * stride[axis] + reach + output_padding[axis] + 1)
        else:
            spatial.append((length - reach - 1) // stride[axis] + 1)
    return x.new_empty(x.shape[0], weight.shape[1] * groups if transposed else weight.shape[0], *spatial)


def _resized(x: Tensor, size: list[int], *args: Any, **kwargs: Any) -> Tensor:
    return x.new_empty(*x.shape[:2], *size)


SHORTCUTS: dict[Any, Callable[..., Any]] = {
    **dict.fromkeys((aten.add, aten.sub, aten.mul, aten.div), _broadcast),
    **dict.fromkeys((aten.relu, aten.leaky_relu, aten.sigmoid, aten.hardswish, aten.silu, aten.gelu), _broadcast),
    **dict.fromkeys((aten.tanh, aten.exp), _broadcast),
    aten.native_group_norm: _group_normalised,
    aten.native_layer_norm: _layer_normalised,
    aten.native_batch_norm: _batch_normalised,
    **dict.fromkeys((aten.upsample_linear1d, aten.upsample_bilinear2d, aten.upsample_trilinear3d), _resized),
    **dict.fromkeys((aten.upsample_nearest1d, aten.upsample_nearest2d, aten.upsample_nearest3d), _resized),
    **dict.fromkeys((aten._softmax, aten._safe_softmax), _broadcast),
    aten.addmm: lambda bias, a, b, **_: a.new_empty(a.shape[0], b.shape[1]),
    aten.convolution: _convolved,
    aten.cat: _joined,
    aten.stack: _stacked,
    **dict.fromkeys((aten.sum, aten.mean, aten.amax), _reduced),
}
