"""Positions as sines and cosines of the coordinates. Vaswani et al.: Attention Is All You Need, NeurIPS 2017,
https://arxiv.org/abs/1706.03762; in several dimensions each axis gets its share of the channels.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor


def sine_positions(channels: int, size: Sequence[int]) -> Tensor:
    """``(channels, *size)``: channels are shared out evenly to the axes, the last axis takes what is left over.

    An axis with m channels has the sines of the paper's formula, sin(p / 10000^(2i / m)), then its cosines: where m is
    odd there is one sine more. The exponent is the formula's for every m. Some code counts i in halves of m, rounded,
    which is the same for even m alone.
    """
    share, dims = channels // len(size), len(size)
    parts = []
    for axis, length in enumerate(size):
        count = share if axis < dims - 1 else channels - share * (dims - 1)
        parts.append(_axis(count, length).reshape(count, *(length if other == axis else 1 for other in range(dims))))
    return torch.cat([part.expand(len(part), *size) for part in parts])


def _axis(count: int, length: int) -> Tensor:
    rates = 10000 ** (-torch.arange(0, count, 2, dtype=torch.float64) / max(count, 1))
    angles = rates[:, None] * torch.arange(length, dtype=torch.float64)
    return torch.cat([angles.sin(), angles.cos()])[:count]
