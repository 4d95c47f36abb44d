"""What is quicker told than asked torch: the operators that networks consist of for the most part.

All others are run on torch's meta device, under a counter or, where they multiply no matrices, without one.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Any

import torch
from torch import Tensor
from torch.nn import functional as F
from torch.utils.flop_counter import conv_flop_count

from search_spaces.pricing import sizes
from search_spaces.pricing.shape import Shape, shape

Rule = Callable[..., "tuple[Shape, int] | None"]  # None where it does not know; else the result and its cost


def _same(x: Any, *args: Any, **kwargs: Any) -> tuple[Shape, int] | None:
    return (x, 0) if type(x) is Shape and x.dtype is torch.float32 else None


def _normalised(x: Any, *args: Any, **kwargs: Any) -> tuple[Shape, int] | None:
    return x, 0


def _pointwise(a: Any, b: Any, *args: Any, **kwargs: Any) -> tuple[Shape, int] | None:
    """Of floating numbers, so that the type of the result is plain too."""
    if kwargs or any(one.dtype is not torch.float32 for one in (a, b, *args) if type(one) is Shape):
        return None
    if not all(isinstance(one, Shape | int | float) for one in (a, b, *args)):
        return None
    return shape(sizes.broadcast({one.shape for one in (a, b, *args) if type(one) is Shape})), 0


def _reduced(x: Any, dim: Any = None, keepdim: bool = False, **kwargs: Any) -> tuple[Shape, int] | None:
    if kwargs or type(x) is not Shape or x.dtype is not torch.float32 or dim is None or dim == ():
        return None
    return shape(sizes.reduced(x.shape, dim if isinstance(dim, tuple | list) else (dim,), keepdim)), 0


def _joined(tensors: Any, dim: int = 0) -> tuple[Shape, int] | None:
    first = tensors[0]
    if any(type(x) is not Shape or x.dtype is not first.dtype or x.dim() != first.dim() for x in tensors):
        return None
    if any(x.shape[:dim] != first.shape[:dim] or x.shape[dim:][1:] != first.shape[dim:][1:] for x in tensors):
        return None
    return shape(sizes.joined([x.shape for x in tensors], dim), first.dtype), 0


def _stacked(tensors: Any, dim: int = 0) -> tuple[Shape, int] | None:
    first = tensors[0]
    if any(x is not first for x in tensors):
        return None
    return shape(sizes.stacked(first.shape, len(tensors), dim), first.dtype), 0


def _resized(
    x: Shape, size: Any = None, scale_factor: Any = None, mode: str = "nearest", *args: Any, **kwargs: Any
) -> tuple[Shape, int] | None:
    if not isinstance(size, tuple | list):
        return None
    return shape((*x.shape[:2], *size), x.dtype), 0


def _convolution(dims: int, transposed: bool) -> Rule:
    def several(value: Any) -> Sequence[int]:
        return (value,) * dims if isinstance(value, int) else value

    def priced(
        x: Shape, weight: Shape, stride: Any, padding: Any, dilation: Any, output_padding: Any, groups: int
    ) -> tuple[Shape, int]:
        form = several(stride), several(padding), several(dilation), transposed, several(output_padding), groups
        size = sizes.convolved(x.shape, weight.shape, *form)
        return shape(size, x.dtype), conv_flop_count(list(x.shape), list(weight.shape), size, transposed)

    def convolution(
        x: Shape,
        weight: Shape,
        bias: Shape | None = None,
        stride: Any = 1,
        padding: Any = 0,
        dilation: Any = 1,
        groups: int = 1,
    ) -> tuple[Shape, int] | None:
        if isinstance(padding, str) or x.shape[1] != weight.shape[1] * groups:
            return None
        return priced(x, weight, stride, padding, dilation, 0, groups)

    def transpose(
        x: Shape,
        weight: Shape,
        bias: Shape | None = None,
        stride: Any = 1,
        padding: Any = 0,
        output_padding: Any = 0,
        groups: int = 1,
        dilation: Any = 1,
    ) -> tuple[Shape, int] | None:
        if x.shape[1] != weight.shape[0]:
            return None
        return priced(x, weight, stride, padding, dilation, output_padding, groups)

    def checked(x: Shape, *args: Any, **kwargs: Any) -> tuple[Shape, int] | None:
        if x.dim() != dims + 2 or not args or type(args[0]) is not Shape:
            return None
        found = (transpose if transposed else convolution)(x, *args, **kwargs)
        return found if found and min(found[0].shape) > 0 else None

    return checked


def _linear(x: Shape, weight: Shape, bias: Shape | None = None) -> tuple[Shape, int] | None:
    if x.dim() < 2 or x.shape[-1] != weight.shape[1]:
        return None
    size = (*x.shape[:-1], weight.shape[0])
    return shape(size, x.dtype), 2 * math.prod(size) * weight.shape[1]


def _product(a: Any, b: Any) -> tuple[Shape, int] | None:
    if type(a) is not Shape or type(b) is not Shape or a.dim() < 2 or b.dim() < 2 or a.shape[-1] != b.shape[-2]:
        return None
    size = (*sizes.broadcast({a.shape[:-2], b.shape[:-2]}), a.shape[-2], b.shape[-1])
    return shape(size, a.dtype), 2 * math.prod(size) * a.shape[-1]


def _attention(q: Any, k: Any, v: Any, mask: Any = None, *args: Any, **kwargs: Any) -> tuple[Shape, int] | None:
    """Two products of matrices, as torch counts them where the steps are taken one by one."""
    if args or not set(kwargs) <= {"attn_mask", "scale"} or q.shape[:-2] != k.shape[:-2] or q.shape[-1] != k.shape[-1]:
        return None
    if q.dim() < 3 or v.shape[:-1] != k.shape[:-1]:
        return None
    size = (*q.shape[:-1], v.shape[-1])
    return shape(size, q.dtype), 2 * math.prod(q.shape[:-1]) * k.shape[-2] * (q.shape[-1] + v.shape[-1])


def _narrowed(x: Any, dim: Any, start: Any, length: Any) -> tuple[Shape, int] | None:
    if not isinstance(start, int) or not 0 <= start <= start + length <= x.shape[dim]:
        return None
    size = list(x.shape)
    size[dim] = length
    return shape(size, x.dtype), 0


def _picked(x: Any, index: Any) -> tuple[Shape, int] | None:
    """Rows by their numbers; every other index is torch's to understand."""
    if type(index) is not Shape or index.dtype is not torch.int64:
        return None
    return shape((*index.shape, *x.shape[1:]), x.dtype), 0


def _converted(x: Any, to: Any) -> tuple[Shape, int] | None:
    dtype = to.dtype if type(to) is Shape else to
    if isinstance(dtype, torch.dtype):
        return shape(x.shape, dtype), 0
    return (x, 0) if isinstance(to, torch.device) else None


def _padded(x: Any, pad: Any, mode: str = "constant", value: Any = None) -> tuple[Shape, int] | None:
    if mode != "constant" or not all(isinstance(width, int) and width >= 0 for width in pad) or len(pad) % 2:
        return None
    size = list(x.shape)
    for axis in range(len(pad) // 2):
        size[-1 - axis] += pad[2 * axis] + pad[2 * axis + 1]
    return shape(size, x.dtype), 0


ARITHMETIC = ("add", "sub", "mul", "truediv", "radd", "rsub", "rmul", "rtruediv", "iadd", "isub", "imul", "itruediv")
RULES: dict[Any, Rule] = {
    **dict.fromkeys((torch.conv1d, F.conv1d), _convolution(1, False)),
    **dict.fromkeys((torch.conv2d, F.conv2d), _convolution(2, False)),
    **dict.fromkeys((torch.conv3d, F.conv3d), _convolution(3, False)),
    **dict.fromkeys((torch.conv_transpose2d, F.conv_transpose2d), _convolution(2, True)),
    **dict.fromkeys((torch.conv_transpose3d, F.conv_transpose3d), _convolution(3, True)),
    F.linear: _linear,
    **dict.fromkeys((torch.matmul, Tensor.matmul, Tensor.__matmul__, torch.bmm, Tensor.bmm), _product),
    **dict.fromkeys((F.group_norm, torch.group_norm, F.batch_norm, F.layer_norm, torch.layer_norm), _normalised),
    **dict.fromkeys(
        (F.relu, torch.relu, Tensor.relu, F.relu6, F.leaky_relu, F.gelu, F.silu, torch.prelu, F.prelu), _same
    ),
    **dict.fromkeys(
        (torch.prelu, torch.sigmoid, Tensor.sigmoid, F.hardsigmoid, F.softplus, torch.tanh, Tensor.tanh), _same
    ),
    **dict.fromkeys((torch.softmax, Tensor.softmax, F.softmax, Tensor.contiguous, Tensor.clone, Tensor.roll), _same),
    F.interpolate: _resized,
    **{getattr(Tensor, f"__{name}__"): _pointwise for name in ARITHMETIC},
    **dict.fromkeys((torch.addcmul, Tensor.add, Tensor.mul, Tensor.sub, torch.add, torch.mul), _pointwise),
    **dict.fromkeys((Tensor.mean, torch.mean, Tensor.sum, torch.sum, Tensor.amax, torch.amax), _reduced),
    **dict.fromkeys((torch.cat, torch.concat), _joined),
    torch.stack: _stacked,
    F.scaled_dot_product_attention: _attention,
    Tensor.narrow: _narrowed,
    Tensor.__getitem__: _picked,
    Tensor.to: _converted,
    F.pad: _padded,
}

# What is only looked at otherwise multiplies nothing: no counter has to watch.
VIEWS = {
    *(Tensor.narrow, Tensor.flatten, Tensor.transpose, Tensor.permute, Tensor.movedim, Tensor.reshape, Tensor.view),
    *(Tensor.unsqueeze, Tensor.squeeze, Tensor.expand, Tensor.chunk, Tensor.unbind, Tensor.select, Tensor.unflatten),
    *(Tensor.split, torch.flatten, torch.split, torch.chunk, Tensor.__getitem__),
}
