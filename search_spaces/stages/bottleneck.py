"""Bottlenecks of weight-standardised convolutions: the ResNet that TransUNet has in front of its transformer.

Kolesnikov et al.: Big Transfer (BiT), ECCV 2020, https://arxiv.org/abs/1912.11370; the standardised weights are those
of Qiao et al.: Micro-Batch Training with Batch-Channel Normalization and Weight Standardization, 2019,
https://arxiv.org/abs/1903.10520
"""

from __future__ import annotations

import math

from torch import Tensor, nn
from torch.nn import functional as F

from search_spaces.layers import CONV, CONVOLVE, GroupNorm, instance_norm
from search_spaces.pricing.parts import Part

GROUPS = 32


class StandardisedConv(Part):
    """A convolution whose kernels have mean 0 and variance 1 each: w = (v - mean v) / sqrt(var v + 1e-5), no bias."""

    def __init__(self, in_channels: int, channels: int, *, dims: int, kernel: int = 1, stride: int = 1) -> None:
        super().__init__()
        self.conv = CONV[dims](in_channels, channels, kernel, stride, kernel // 2, bias=False)
        self.convolve = CONVOLVE[dims]

    def forward(self, x: Tensor) -> Tensor:
        """``(batch, in_channels, *spatial)`` to ``(batch, channels, *spatial)``, strided sizes rounded up."""
        weight = F.layer_norm(self.conv.weight, self.conv.weight.shape[1:], eps=1e-5)
        return self.convolve(x, weight, None, self.conv.stride, self.conv.padding)


def group_norm(channels: int) -> GroupNorm:
    """Group normalisation with 32 groups, or the most that divide both that and ``channels``."""
    return GroupNorm(math.gcd(channels, GROUPS), channels, eps=1e-6)


def root(in_channels: int, channels: int, *, dims: int) -> nn.Sequential:
    """The first stage: a 7x7 convolution that halves the size (rounded up), normalised and activated."""
    conv = StandardisedConv(in_channels, channels, dims=dims, kernel=7, stride=2)
    return nn.Sequential(conv, group_norm(channels), nn.ReLU(inplace=True))


class Bottleneck(Part):
    """1x1 to a quarter of the channels, 3x3, 1x1 back, added to the input: relu(s(x) + N W3 relu(N W2 relu(N W1 x))).

    The shortcut s is a normalised 1x1 convolution where shapes differ.

    Args:
        in_channels: channels of the input.
        channels: channels of the result.
        dims: 2 or 3.
        stride: of the 3x3 convolution.
        width: channels in between; left out, a quarter of ``channels``.
    """

    def __init__(
        self, in_channels: int, channels: int, *, dims: int, stride: int = 1, width: int | None = None
    ) -> None:
        super().__init__()
        width = width or -(-channels // 4)
        self.body = nn.Sequential(
            StandardisedConv(in_channels, width, dims=dims),
            group_norm(width),
            nn.ReLU(inplace=True),
            StandardisedConv(width, width, dims=dims, kernel=3, stride=stride),
            group_norm(width),
            nn.ReLU(inplace=True),
            StandardisedConv(width, channels, dims=dims),
            group_norm(channels),
        )
        self.shortcut: nn.Module = nn.Identity()
        if in_channels != channels or stride != 1:
            conv = StandardisedConv(in_channels, channels, dims=dims, stride=stride)
            self.shortcut = nn.Sequential(conv, instance_norm(channels))

    def forward(self, x: Tensor) -> Tensor:
        """``(batch, in_channels, *spatial)`` to ``(batch, channels, *spatial)``, strided sizes rounded up."""
        return F.relu(self.shortcut(x) + self.body(x), inplace=True)
