"""Counting multiply-accumulates on torch's meta device, in milliseconds a network.

torch's own ``FlopCounterMode`` also keeps a tree of modules and tries to decompose each operator, and the meta forms
of many cheap operators are written in Python and import torch's compiler, which takes seconds. Here operators whose
result's shape is plain to see are not run at all; the tests hold the counts equal to torch's.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Any

import torch
from torch import Tensor
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils.flop_counter import flop_registry

from search_spaces.pricing import sizes

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
        plain = _broadcast if torch.Tag.pointwise in func.tags else func
        result = SHORTCUTS.get(func._overloadpacket, plain)(*args, **(kwargs or {}))
        formula = flop_registry.get(func._overloadpacket)
        if formula is not None:
            self.flops += formula(*args, **(kwargs or {}), out_val=result)
        return result


def _broadcast(*args: Any, **kwargs: Any) -> Tensor:
    tensors = [arg for arg in args if isinstance(arg, Tensor)]
    return tensors[0].new_empty(sizes.broadcast({tensor.shape for tensor in tensors}))


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
    return x.new_empty(sizes.reduced(x.shape, dim or range(x.dim()), keepdim))


def _joined(tensors: list[Tensor], dim: int = 0) -> Tensor:
    return tensors[0].new_empty(sizes.joined([tensor.shape for tensor in tensors], dim))


def _stacked(tensors: list[Tensor], dim: int = 0) -> Tensor:
    return tensors[0].new_empty(sizes.stacked(tensors[0].shape, len(tensors), dim))


def _convolved(x: Tensor, weight: Tensor, bias: Tensor | None, *form: Any) -> Tensor:
    return x.new_empty(sizes.convolved(x.shape, weight.shape, *form))


def _max_pooled(
    x: Tensor,
    kernel: Sequence[int],
    stride: Sequence[int] = (),
    padding: Sequence[int] = (0,),
    dilation: Sequence[int] = (1,),
    ceil_mode: bool = False,
) -> tuple[Tensor, Tensor]:
    """The largest values and where they stood."""
    dims = len(kernel)
    spatial = []
    for axis, length in enumerate(x.shape[-dims:]):
        step, pad, spread = ((each * dims)[axis] for each in (list(stride or kernel), list(padding), list(dilation)))
        moves = (length + 2 * pad - spread * (kernel[axis] - 1) - 1) / step
        last = math.ceil(moves) if ceil_mode else math.floor(moves)
        inside = last * step < length + pad  # a window that would start in the padding behind is left out
        spatial.append(last + inside)
    shape = [*x.shape[:-dims], *spatial]
    return x.new_empty(shape), x.new_empty(shape, dtype=torch.int64)


def _mean_pooled(
    x: Tensor,
    kernel: Sequence[int],
    stride: Sequence[int] = (),
    padding: Sequence[int] = (0,),
    ceil_mode: bool = False,
    *_: Any,
) -> Tensor:
    return _max_pooled(x, kernel, stride, padding, ceil_mode=ceil_mode)[0]


def _counted(*bounds: float, dtype: torch.dtype | None = None, device: torch.device | None = None, **_: Any) -> Tensor:
    """``arange`` of an end, of a start and an end, or of both and a step."""
    start, end, step = (0, *bounds, 1) if len(bounds) == 1 else (*bounds, 1)[:3]
    whole = all(isinstance(bound, int) for bound in bounds)
    kind = dtype or (torch.int64 if whole else torch.get_default_dtype())
    return torch.empty(math.ceil((end - start) / step), dtype=kind, device=device)


def _alike(x: Tensor, *, dtype: torch.dtype | None = None, **_: Any) -> Tensor:
    return x.new_empty(x.shape, dtype=dtype)


def _compared(*args: Any, **_: Any) -> Tensor:
    return _broadcast(*args).to(torch.bool)


def _indexed(x: Tensor, indices: list[Tensor | None]) -> Tensor:
    """``x[indices]`` of whole numbers: the axes that they broadcast to stand where theirs were, or first if apart."""
    taken = [axis for axis, index in enumerate(indices) if index is not None]
    drawn = list(sizes.broadcast({index.shape for index in indices if index is not None}))
    kept = [length for axis, length in enumerate(x.shape) if axis not in taken]
    together = taken[-1] - taken[0] == len(taken) - 1
    place = taken[0] if together else 0
    return x.new_empty([*kept[:place], *drawn, *kept[place:]])


def _repeated(shape: Sequence[int], repeats: Sequence[int]) -> list[int]:
    shape = [1] * (len(repeats) - len(shape)) + list(shape)
    return [length * times for length, times in zip(shape, repeats, strict=True)]


def _vector_norm(x: Tensor, order: float = 2, dim: list[int] | None = None, keepdim: bool = False, **_: Any) -> Tensor:
    return _reduced(x, dim, keepdim)


def _kth(x: Tensor, k: int, dim: int = -1, keepdim: bool = False) -> tuple[Tensor, Tensor]:
    values = _reduced(x, [dim], keepdim)
    return values, values.to(torch.int64)


def _resized(x: Tensor, size: list[int], *args: Any, **kwargs: Any) -> Tensor:
    return x.new_empty(*x.shape[:2], *size)


SHORTCUTS: dict[Any, Callable[..., Any]] = {
    aten.where: lambda condition, *values: _broadcast(*values, condition),
    aten.native_group_norm: _group_normalised,
    aten.native_layer_norm: _layer_normalised,
    aten.native_batch_norm: _batch_normalised,
    **dict.fromkeys((aten.upsample_linear1d, aten.upsample_bilinear2d, aten.upsample_trilinear3d), _resized),
    **dict.fromkeys((aten.upsample_nearest1d, aten.upsample_nearest2d, aten.upsample_nearest3d), _resized),
    **dict.fromkeys((aten._softmax, aten._safe_softmax, aten.roll), _broadcast),
    **dict.fromkeys((aten.hardswish, aten._prelu_kernel), _broadcast),
    **dict.fromkeys((aten.ones_like, aten.zeros_like), _alike),
    aten.diag_embed: lambda x, *_: x.new_empty(*x.shape, x.shape[-1]),
    aten.eye: lambda n, m=None, *, dtype=None, device=None, **_: torch.empty(n, m or n, dtype=dtype, device=device),
    aten.mm: lambda a, b: a.new_empty(a.shape[0], b.shape[1]),
    aten.bmm: lambda a, b: a.new_empty(a.shape[0], a.shape[1], b.shape[2]),
    aten.addmm: lambda bias, a, b, **_: a.new_empty(a.shape[0], b.shape[1]),
    aten.convolution: _convolved,
    **dict.fromkeys((aten.max_pool2d_with_indices, aten.max_pool3d_with_indices), _max_pooled),
    **dict.fromkeys((aten.avg_pool2d, aten.avg_pool3d), _mean_pooled),
    aten.arange: _counted,
    **dict.fromkeys((aten.eq, aten.ne, aten.ge, aten.gt, aten.le, aten.lt), _compared),
    aten.repeat: lambda x, repeats: x.new_empty(_repeated(x.shape, repeats)),
    aten.cat: _joined,
    aten.index: _indexed,
    aten.stack: _stacked,
    **dict.fromkeys((aten.sum, aten.mean, aten.amax), _reduced),
    aten.linalg_vector_norm: _vector_norm,
    aten.kthvalue: _kth,
}
