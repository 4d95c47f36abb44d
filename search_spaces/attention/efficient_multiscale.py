"""Efficient multi-scale attention. Ouyang et al.: Efficient Multi-Scale Attention Module with Cross-Spatial Learning,
ICASSP 2023, https://arxiv.org/abs/2305.13563

In groups of channels: x_1 = IN(x * prod_a sigmoid(W mean_(not a) x)), x_2 = conv_3(x),
y = x * sigmoid(softmax(mean_s x_1)' x_2 + softmax(mean_s x_2)' x_1)
"""

from __future__ import annotations

import math

import torch
from torch import Tensor, nn

from search_spaces.attention.mechanism import Mechanism, mechanism
from search_spaces.attention.strips import along, strips
from search_spaces.layers import CONV, SPATIAL_AXES, instance_norm


@mechanism(
    "efficient_multiscale",
    family="multi-scale",
    type="spatial",
    title="Efficient multi-scale attention",
    paper="Ouyang, He, Zhang, Luo, Guo, Zhan, Huang: Efficient Multi-Scale Attention Module with Cross-Spatial "
    "Learning, ICASSP",
    year=2023,
    address="https://arxiv.org/abs/2305.13563",
    cost="O(C^2 n 3^dims / G)",
    choices={"groups": (1, 2, 4, 8)},
    effective={"groups": lambda channels, settings: math.gcd(channels, settings["groups"])},
)
class EfficientMultiscaleAttention(Mechanism):
    """Gates positions by what strips along the axes and a 3x3 convolution say of each other.

    The authors call it EMA, which is also expectation-maximisation attention. All groups share their weights. The norm
    leaves its bias as the mean of x_1, so that the first softmax is that of the bias, whatever the image.

    Args:
        channels: channels of the feature map.
        dims: 2 or 3; in 3D there are three strips, each the mean over two axes.
        groups: number G of groups, the authors' is 32; where it does not divide the channels, what both share.
    """

    def __init__(self, channels: int, *, dims: int, groups: int = 4) -> None:
        super().__init__()
        self.width, self.axes = channels // math.gcd(channels, groups), SPATIAL_AXES[dims]
        self.strip = nn.Conv1d(self.width, self.width, 1)
        self.norm = instance_norm(self.width)
        self.spread = CONV[dims](self.width, self.width, 3, padding=1)

    def forward(self, x: Tensor) -> Tensor:
        """``x`` and the result: ``(batch, channels, *spatial)``."""
        groups = x.reshape(-1, self.width, *x.shape[2:])
        gated = groups
        for axis, strip in zip(self.axes, strips(groups), strict=True):
            gated = gated * along(torch.sigmoid(self.strip(strip)), axis, x.dim())
        first, second = self.norm(gated), self.spread(groups)
        by_first = self.norm.bias.softmax(0).reshape(1, -1, *[1] * len(self.axes))
        by_second = second.mean(self.axes, keepdim=True).softmax(1)
        scores = (by_first * second + by_second * first).sum(1, keepdim=True)
        return (groups * torch.sigmoid(scores)).reshape(x.shape)
