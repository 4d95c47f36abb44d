"""Sizes of what operators give, from the sizes of what they are given."""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Sequence, Set

Size = Sequence[int]


def broadcast(sizes: Set[Size]) -> Size:
    """Of what is worked out position by position, from different sizes."""
    if len(sizes) == 1:
        return next(iter(sizes))
    # torch.broadcast_shapes does the same, but brings sympy and the compiler in, which takes a second.
    axes = itertools.zip_longest(*(reversed(size) for size in sizes), fillvalue=1)
    return [_shared(lengths, sizes) for lengths in axes][::-1]


def _shared(lengths: tuple[int, ...], sizes: Set[Size]) -> int:
    """The length of an axis that is as long in each of ``sizes``, or 1 there."""
    longer = {length for length in lengths if length != 1}
    if len(longer) > 1:
        raise ValueError(f"expected sizes that can be broadcast; got {' and '.join(map(str, map(tuple, sizes)))}")
    return longer.pop() if longer else 1


def reduced(size: Size, axes: Iterable[int], keep: bool) -> list[int]:
    """Of a map of which ``axes`` become one number; with ``keep`` they stay, of length 1."""
    over = {axis % len(size) for axis in axes}
    return [1 if axis in over else length for axis, length in enumerate(size) if keep or axis not in over]


def joined(sizes: Sequence[Size], axis: int) -> list[int]:
    """Of maps one after the other along ``axis``."""
    size = list(sizes[0])
    size[axis] = sum(one[axis] for one in sizes)
    return size


def stacked(size: Size, count: int, axis: int) -> list[int]:
    """Of ``count`` maps side by side along a new ``axis``."""
    result = list(size)
    result.insert(axis if axis >= 0 else len(result) + 1 + axis, count)
    return result


def convolved(
    size: Sequence[int],
    weight: Sequence[int],
    stride: Sequence[int],
    padding: Sequence[int],
    dilation: Sequence[int],
    transposed: bool,
    output_padding: Sequence[int],
    groups: int,
) -> list[int]:
    """Size of the result of a convolution of a map of ``size`` with kernels of size ``weight``."""
    spatial = []
    for axis, (length, kernel) in enumerate(zip(size[2:], weight[2:], strict=True)):
        reach = dilation[axis] * (kernel - 1) - 2 * padding[axis]
        if transposed:
            spatial.append((length - 1) * stride[axis] + reach + output_padding[axis] + 1)
        else:
            spatial.append((length - reach - 1) // stride[axis] + 1)
    return [size[0], weight[1] * groups if transposed else weight[0], *spatial]
