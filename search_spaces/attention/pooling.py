"""Means over cells that share a map out to a size."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor
from torch.nn import functional as F

from search_spaces.layers import adaptive_mean

POOL: dict[int, Any] = {2: F.adaptive_avg_pool2d, 3: F.adaptive_avg_pool3d}


def mean_to(x: Tensor, size: Sequence[int]) -> Tensor:
    """``(batch, channels, *spatial)`` to the spatial ``size``, larger or smaller, by torch's own pooling.

    Axis by axis where a model is exported, since ONNX has no such pooling, and where only shapes are asked for, since
    torch's form for those imports its compiler.
    """
    if torch.compiler.is_exporting() or x.is_meta:
        return adaptive_mean(x, size)
    return POOL[x.dim() - 2](x, tuple(size))
