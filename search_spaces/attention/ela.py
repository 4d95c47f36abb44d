"""Efficient local attention. Xu, Wan: ELA, Efficient Local Attention for Deep Convolutional Neural Networks, 2024,
https://arxiv.org/abs/2403.01123

y = x * prod_a f(mean over all axes but a),  f(p) = sigmoid(GN(conv_k p)), with one f for all axes
"""

from __future__ import annotations

import math

import torch
from torch import Tensor, nn

from search_spaces.attention.mechanism import Mechanism, check_odd, mechanism
from search_spaces.attention.strips import along, strips
from search_spaces.layers import GroupNorm


@mechanism(
    "ela",
    family="conventional",
    type="spatial",
    title="Efficient local attention",
    paper="Xu, Wan: ELA, Efficient Local Attention for Deep Convolutional Neural Networks",
    year=2024,
    address="https://arxiv.org/abs/2403.01123",
    cost="O(C n + k C m (H + W)), m channels of a group",
    choices={"kernel": (5, 7), "group_width": (1, 8)},
    effective={"group_width": lambda channels, settings: math.gcd(channels, settings["group_width"])},
)
class EfficientLocalAttention(Mechanism):
    """Gates each spatial axis by a short convolution along it over the means of the other axes.

    The paper's variants are kernel 5, group width 1 and 32 norm groups (T), 7, 1 and 16 (B), 5, 8 and 16 (S), 7, 8 and
    16 (L). There is no code of the authors; a popular port reshapes both strips alike and gates one axis twice.

    Args:
        channels: channels of the feature map.
        dims: 2 or 3; in 3D there are three strips, each the mean over two axes.
        kernel: odd length k.
        group_width: channels of a group of the convolution; where it does not divide the channels, what both share.
        norm_groups: groups of the normalisation, likewise.
    """

    def __init__(
        self, channels: int, *, dims: int, kernel: int = 7, group_width: int = 1, norm_groups: int = 16
    ) -> None:
        check_odd("ela kernel", kernel)
        super().__init__()
        groups = channels // math.gcd(channels, group_width)
        self.conv = nn.Conv1d(channels, channels, kernel, padding=kernel // 2, groups=groups, bias=False)
        self.norm = GroupNorm(math.gcd(channels, norm_groups), channels)

    def forward(self, x: Tensor) -> Tensor:
        """``x`` and the result: ``(batch, channels, *spatial)``."""
        y = x
        for axis, strip in enumerate(strips(x), start=2):
            y = y * along(torch.sigmoid(self.norm(self.conv(strip))), axis, x.dim())
        return y
