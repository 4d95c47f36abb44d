"""Contextual transformer. Li, Yao, Pan, Mei: Contextual Transformer Networks, TPAMI 2022,
https://arxiv.org/abs/2107.12292

K = relu(BN(conv_k x)),  w = GN(W_2 relu(BN(W_1 [x; K]))),  z_c(p) = sum_t w_t(p) v_c(p + t),  y = a * z + (1 - a) * K
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Sequence

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from search_spaces.attention.local import shifted
from search_spaces.attention.mechanism import Mechanism, check_odd, check_option, mechanism, sides_of, squeezed
from search_spaces.attention.mhsa import fitting_heads
from search_spaces.layers import CONV, NORM, SPATIAL_AXES, GroupNorm


@mechanism(
    "cot",
    family="self-similarity",
    type="multi-dimensional",
    title="Contextual transformer",
    paper="Li, Yao, Pan, Mei: Contextual Transformer Networks for Visual Recognition, TPAMI",
    year=2022,
    address="https://arxiv.org/abs/2107.12292",
    cost="O(C^2 n k^dims / 4)",
    inputs="block",
    choices={"kernel": (3, 5), "reduction": (1, 2, 4)},
    effective={"reduction": squeezed},
)
class ContextualTransformer(Mechanism):
    """Sums over surroundings with weights that each position makes of itself and its static context, no softmax.

    Channel c has the weights of map c mod m, m an eighth of the channels. The popular port is something else: it
    averages the weights of a position, takes a softmax over all positions and adds K.

    Args:
        channels: channels of input and result.
        dims: 2 or 3.
        kernel: odd side k of the surroundings, or one for each axis.
        reduction: squeeze ratio of the weights a that mix both; the authors' is 2.
        min_width: lower bound of that width; the authors' is 32.
        norm: key of ``NORM``, of all but the weights of surroundings.
    """

    def __init__(
        self,
        channels: int,
        *,
        dims: int,
        kernel: int | Sequence[int] = 3,
        reduction: int = 2,
        min_width: int = 4,
        norm: str = "batch",
    ) -> None:
        sides = sides_of("cot kernel", kernel, dims)
        for side in sides:
            check_odd("cot kernel", side)
        check_option("cot norm", norm, NORM)
        super().__init__()
        conv, half, places = CONV[dims], max(channels // 2, 1), math.prod(sides)
        self.sides, self.axes = sides, SPATIAL_AXES[dims]
        self.maps = fitting_heads(channels, max(channels // 8, 1))
        groups = fitting_heads(channels, 4)
        self.context = nn.Sequential(
            conv(channels, channels, sides, padding=tuple(side // 2 for side in sides), groups=groups, bias=False),
            NORM[norm](channels),
            nn.ReLU(),
        )
        self.weigh = nn.Sequential(
            conv(2 * channels, half, 1, bias=False),
            NORM[norm](half),
            nn.ReLU(inplace=True),
            conv(half, places * self.maps, 1),
            GroupNorm(self.maps, places * self.maps),
        )
        self.value = nn.Sequential(conv(channels, channels, 1, bias=False), NORM[norm](channels))
        self.norm = nn.Sequential(NORM[norm](channels), nn.SiLU())
        width = max(channels // reduction, min_width)
        self.select = nn.Sequential(
            conv(channels, width, 1), NORM[norm](width), nn.ReLU(inplace=True), conv(width, 2 * channels, 1)
        )

    def forward(self, x: Tensor) -> Tensor:
        """``x`` and the result: ``(batch, channels, *spatial)``."""
        context = self.context(x)
        around = self.norm(self._summed(self.value(x), self.weigh(torch.cat([x, context], dim=1))))
        scores = self.select((around + context).mean(self.axes, keepdim=True))
        shares = scores.unflatten(1, (-1, 2)).softmax(2)  # of each channel, one pair after the other
        return shares.select(2, 0) * around + shares.select(2, 1) * context

    def _summed(self, value: Tensor, weights: Tensor) -> Tensor:
        """Sums of the surroundings, of which those outside of the map count as zeros."""
        size = value.shape[2:]
        weights = weights.unflatten(1, (self.maps, 1, -1))  # (batch, maps, 1, places, *spatial)
        margins = [side // 2 for side in reversed(self.sides) for _ in range(2)]
        padded = F.pad(value, margins).unflatten(1, (-1, self.maps)).transpose(1, 2)
        y = torch.zeros_like(value).unflatten(1, (-1, self.maps)).transpose(1, 2)
        offsets = itertools.product(*map(range, self.sides))
        for weight, offset in zip(weights.unbind(3), offsets, strict=True):
            y = torch.addcmul(y, weight, shifted(padded, offset, size))
        return y.transpose(1, 2).flatten(1, 2)
