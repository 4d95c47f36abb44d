"""Means over cells that share a map out to a size."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor
from torch.nn import functional as F

POOL: dict[int, Any] = {2: F.adaptive_avg_pool2d, 3: F.adaptive_avg_pool3d}


def mean_to(x: Tensor, size: Sequence[int]) -> Tensor:
    """``(batch, channels, *spatial)`` to the spatial ``size``, larger or smaller, by torch's own pooling.

    ONNX has no such pooling, so an export has ``mean_by_weights``. Where only shapes are asked for, torch's would
    import its compiler.
    """
    if torch.compiler.is_exporting():
        return mean_by_weights(x, size)
    if x.is_meta:
        return x.new_empty((*x.shape[:2], *size))
    return POOL[x.dim() - 2](x, tuple(size))


def mean_by_weights(x: Tensor, size: Sequence[int]) -> Tensor:
    """What ``mean_to`` gives, one axis after the other, by a product with the weights that positions have in cells.

    Cell i of m cells on an axis of n positions goes from i n / m, rounded down, to (i + 1) n / m, rounded up.
    """
    for axis, wanted in enumerate(size, start=2):
        length = x.shape[axis]
        cell, position = torch.arange(wanted, device=x.device), torch.arange(length, device=x.device)
        first, end = cell * length // wanted, ((cell + 1) * length + wanted - 1) // wanted
        inside = (position.unsqueeze(1) >= first) & (position.unsqueeze(1) < end)  # (positions, cells)
        x = (x.movedim(axis, -1) @ (inside.to(x.dtype) / (end - first))).movedim(-1, axis)
    return x
