"""Parallel partial decoder. Wu, Su, Huang: Cascaded Partial Decoder, CVPR 2019, https://arxiv.org/abs/1904.08739

p_i = x_i * prod_(j < i) conv_ij(up x_j),  q_i = conv[p_i; conv(up q_(i-1))],  q_0 = x_0,  y = W conv q_last
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor, nn

from search_spaces.layers import CONV, resize
from search_spaces.pricing.parts import Part


class PartialDecoder(Part):
    """A coarse prediction from the deeper levels alone: each is multiplied by all that are coarser, then joined.

    As in CaraNet's code the convolutions are 3x3 without bias, norm or activation; there features come up in steps of
    two with corners aligned, here at once and without, as everywhere.

    Args:
        channels: channels of each feature.
        levels: number of features.
        logits: channels of the prediction.
        dims: 2 or 3.
    """

    def __init__(self, channels: int, levels: int, logits: int, *, dims: int) -> None:
        super().__init__()

        def convolution(width: int) -> nn.Module:
            return CONV[dims](width, width, 3, padding=1, bias=False)

        finer = range(1, levels)
        self.weigh = nn.ModuleDict({f"{i}_{j}": convolution(channels) for i in finer for j in range(i)})
        self.lift = nn.ModuleDict({f"{i}": convolution(i * channels) for i in finer})
        self.join = nn.ModuleDict({f"{i}": convolution((i + 1) * channels) for i in finer})
        self.last = convolution(levels * channels)
        self.head = CONV[dims](levels * channels, logits, 1)

    def forward(self, features: Sequence[Tensor]) -> Tensor:
        """Features ``(batch, channels, *spatial)``, coarsest first, to logits at the size of the last."""
        joined = features[0]
        for i, x in enumerate(features[1:], start=1):
            product = x
            for j in range(i):
                product = product * self.weigh[f"{i}_{j}"](resize(features[j], x.shape[2:]))
            lifted = self.lift[f"{i}"](resize(joined, x.shape[2:]))
            joined = self.join[f"{i}"](torch.cat([product, lifted], dim=1))
        return self.head(self.last(joined))
