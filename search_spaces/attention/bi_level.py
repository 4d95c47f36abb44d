"""Bi-level routing attention. Zhu, Wang, Ke, Zhang, Lau: BiFormer, CVPR 2023, https://arxiv.org/abs/2303.08810

y = x + W (softmax(q k' / sqrt(C)) v + dw v), over the positions of the k regions whose mean key best answers the mean
query of the own
"""

from __future__ import annotations

import contextlib
import itertools
import math
from collections.abc import Sequence

import torch
from torch import Tensor
from torch.nn import functional as F

from search_spaces.attention.dot_product import attention
from search_spaces.attention.mechanism import Mechanism, check_odd, mechanism, sides_of
from search_spaces.attention.mhsa import fitting_heads
from search_spaces.exporting import fill, rounded_up, smaller
from search_spaces.layers import CONV, crop


@mechanism(
    "bi_level",
    family="self-similarity",
    type="hybrid",
    title="Bi-level routing attention",
    paper="Zhu, Wang, Ke, Zhang, Lau: BiFormer, Vision Transformer with Bi-Level Routing Attention, CVPR",
    year=2023,
    address="https://arxiv.org/abs/2303.08810",
    cost="O(C^2 n + C n k n / R + C R^2), R regions",
    choices={"regions": (2, 4, 7), "chosen": (1, 2, 4), "heads": (1, 2, 4)},
    effective={"heads": lambda channels, settings: fitting_heads(channels, settings["heads"])},
)
class BiLevelRoutingAttention(Mechanism):
    """Attention of the positions of a region to those of a few regions, chosen by their means, without a gradient.

    Scores are divided by the root of all channels, not of a head's, as in the authors' code. Where regions do not fill
    the map they are padded with zeros after the projection, which takes part in the attention, not in the means, and
    there may be more than ``regions``; the authors' first version padded before the projection, and differs there.

    Args:
        channels: channels of the feature map; the heads used are the most, up to ``heads``, that divide it.
        dims: 2 or 3.
        regions: number of regions along an axis, or one for each; a shorter axis has as many as positions.
        chosen: number k of regions that each one attends to, itself not set apart; at most all.
        heads: number of heads; all choose the same regions.
        kernel: odd side of the depthwise convolution of the values; 0 for none.
        residual: whether the input is added; the authors' layer leaves that to their block.
    """

    def __init__(
        self,
        channels: int,
        *,
        dims: int,
        regions: int | Sequence[int] = 4,
        chosen: int = 2,
        heads: int = 4,
        kernel: int = 3,
        residual: bool = True,
    ) -> None:
        super().__init__()
        self.regions, self.chosen = sides_of("bi_level regions", regions, dims), chosen
        self.heads, self.residual = fitting_heads(channels, heads), residual
        self.qkv = CONV[dims](channels, 3 * channels, 1)
        self.project = CONV[dims](channels, channels, 1)
        self.spread = None
        if kernel:
            check_odd("bi_level kernel", kernel)
            self.spread = CONV[dims](channels, channels, kernel, padding=kernel // 2, groups=channels)

    def forward(self, x: Tensor) -> Tensor:
        """``x`` and the result: ``(batch, channels, *spatial)``."""
        packed, size = self.qkv(x), x.shape[2:]
        sides = [length // count for length, count in zip(size, self.regions, strict=True)]
        sides = [side + 1 - smaller(side, 1) for side in sides]  # an axis with fewer positions than regions
        counts = [rounded_up(length, side) for length, side in zip(size, sides, strict=True)]
        whole = [count * side for count, side in zip(counts, sides, strict=True)]
        missing = [padded - length for padded, length in zip(whole, size, strict=True)]
        parts = _regions(fill(packed, missing), counts, sides)
        query, key, value = parts.chunk(3, dim=3)  # (batch, regions, positions, channels)
        inside = _regions(fill(x.new_ones(1, 1, *size), missing), counts, sides).sum(2)  # no padding
        chosen = self._chosen(_regions(fill(x.detach(), missing), counts, sides).sum(2) / inside)
        key, value = (_gathered(part, chosen) for part in (key, value))
        query, key, value = (
            part.flatten(0, 1).unflatten(2, (self.heads, -1)).transpose(1, 2) for part in (query, key, value)
        )
        found = attention(query, key, value, scale=x.shape[1] ** -0.5).transpose(1, 2).flatten(2)
        y = crop(_joined(found.unflatten(0, (x.shape[0], -1)), counts, sides), x)
        if self.spread is not None:
            y = y + self.spread(packed.narrow(1, 2 * x.shape[1], x.shape[1]))
        y = self.project(y)
        return x + y if self.residual else y

    def _chosen(self, means: Tensor) -> Tensor:
        """``(batch, regions, k)``: numbers of the regions that each region takes, by its means.

        The mean of projected positions is the projected mean. In few digits regions would change places.
        """
        weight, bias = self.qkv.weight.detach(), self.qkv.bias
        assert bias is not None
        with contextlib.nullcontext() if means.is_meta else torch.autocast(means.device.type, enabled=False):
            packed = F.linear(means.to(weight.dtype), weight.flatten(1), bias.detach())
            query, key, _ = packed.chunk(3, dim=2)
            answers = query @ key.transpose(1, 2)
        return answers.topk(smaller(self.chosen, answers.shape[2]), dim=2).indices


def _regions(x: Tensor, counts: Sequence[int], sides: Sequence[int]) -> Tensor:
    """``(batch, channels, *spatial)`` to ``(batch, regions, positions of a region, channels)``, both row by row."""
    dims = len(counts)
    split = x.reshape(*x.shape[:2], *itertools.chain.from_iterable(zip(counts, sides, strict=True)))
    split = split.permute(0, *range(2, 2 + 2 * dims, 2), *range(3, 3 + 2 * dims, 2), 1)
    return split.reshape(x.shape[0], math.prod(counts), math.prod(sides), x.shape[1])


def _joined(x: Tensor, counts: Sequence[int], sides: Sequence[int]) -> Tensor:
    """The inverse of ``_regions``."""
    dims = len(counts)
    split = x.reshape(x.shape[0], *counts, *sides, x.shape[3])
    pairs = [axis for index in range(dims) for axis in (1 + index, 1 + dims + index)]
    whole = [count * side for count, side in zip(counts, sides, strict=True)]
    return split.permute(0, 1 + 2 * dims, *pairs).reshape(x.shape[0], x.shape[3], *whole)


def _gathered(x: Tensor, chosen: Tensor) -> Tensor:
    """``(batch, regions, positions, channels)`` to the positions of all chosen regions, one region after the other."""
    first = torch.arange(x.shape[0], device=x.device).reshape(-1, 1, 1) * x.shape[1]
    rows = x.flatten(0, 1).index_select(0, (chosen + first).flatten())
    return rows.reshape(*chosen.shape[:2], chosen.shape[2] * x.shape[2], x.shape[3])
