"""MK-UNet. Rahman, Marculescu: MK-UNet, Multi-kernel Lightweight CNN for Medical Image Segmentation, ICCV workshops
2025, https://arxiv.org/abs/2509.18493

Inverted residuals whose depthwise convolutions of side 1, 3 and 5 are added: y = x + BN c1 sum_k r6 BN dw_k r6 BN c1 x.

Written from the paper's abstract and what is told of the network elsewhere; neither its figures nor the authors' code,
which may not be passed on, were read. So this is an interpretation: what they leave open was chosen so that both
published counts (0.027M and 0.316M of three channels and one output) are met by their rounding:

* a block that changes the width adds its input through a 1x1 convolution;
* the gates of the skips take 1x1 convolutions in four groups (two where there are two channels), to half the width;
* channel gates squeeze to a sixteenth, at least 1, without biases; spatial gates have a kernel of 7 and no norm;
* the channel shuffle after the sum is left out: before a 1x1 convolution it only renames the weights of that;
* one head, at full size: the paper trains coarser ones beside it.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import torch
from torch import Tensor, nn

from search_spaces.attention.cbam import SpatialGate
from search_spaces.layers import CONV, MAX_POOL, BatchNorm, resize

KERNELS = (1, 3, 5)
EXPANSION = 2
REDUCTION = 16
GROUPS = 4


class MultiKernelResidual(nn.Module):
    """The block of the encoder. Args: channels of the input, of the result, and 2 or 3 dimensions."""

    def __init__(self, in_channels: int, channels: int, dims: int) -> None:
        super().__init__()
        wide, conv = EXPANSION * in_channels, CONV[dims]
        self.expand = nn.Sequential(conv(in_channels, wide, 1, bias=False), BatchNorm(wide), nn.ReLU6())
        self.branches = nn.ModuleList(
            nn.Sequential(
                conv(wide, wide, kernel, padding=kernel // 2, groups=wide, bias=False), BatchNorm(wide), nn.ReLU6()
            )
            for kernel in KERNELS
        )
        self.project = nn.Sequential(conv(wide, channels, 1, bias=False), BatchNorm(channels))
        same = in_channels == channels
        self.shortcut = nn.Identity() if same else conv(in_channels, channels, 1, bias=False)

    def forward(self, x: Tensor) -> Tensor:
        """``(batch, in_channels, *spatial)`` to ``(batch, channels, *spatial)``."""
        y = self.expand(x)
        return self.project(torch.stack([branch(y) for branch in self.branches]).sum(0)) + self.shortcut(x)


class ChannelGate(nn.Module):
    """Channel weights from the sum of one perceptron's answers to the mean and the maximum over positions."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        squeezed = max(channels // REDUCTION, 1)
        self.perceptron = nn.Sequential(
            nn.Linear(channels, squeezed, bias=False), nn.ReLU(), nn.Linear(squeezed, channels, bias=False)
        )

    def forward(self, x: Tensor) -> Tensor:
        """``x`` and the result: ``(batch, channels, *spatial)``."""
        positions = x.flatten(2)
        scores = self.perceptron(positions.mean(-1)) + self.perceptron(positions.max(-1).values)
        return x * torch.sigmoid(scores).reshape(*scores.shape, *[1] * (x.dim() - 2))


class GroupedGate(nn.Module):
    """A skip weighted at each position by what it and the decoder say: s * sigmoid(BN c1 r(BN g(d) + BN g(s)))."""

    def __init__(self, channels: int, dims: int) -> None:
        super().__init__()
        inner, conv = channels // 2, CONV[dims]
        groups = math.gcd(inner, GROUPS)
        self.decoder = nn.Sequential(conv(channels, inner, 1, groups=groups), BatchNorm(inner))
        self.skip = nn.Sequential(conv(channels, inner, 1, groups=groups), BatchNorm(inner))
        self.score = nn.Sequential(nn.ReLU(), conv(inner, 1, 1), BatchNorm(1), nn.Sigmoid())

    def forward(self, decoder: Tensor, skip: Tensor) -> Tensor:
        """Both and the result: ``(batch, channels, *spatial)``."""
        return skip * self.score(self.decoder(decoder) + self.skip(skip))


class MKUNet(nn.Module):
    """Five levels of multi-kernel blocks, each pooled; a decoder that attends before each block, and gated skips.

    Args:
        in_channels: of the image.
        out_channels: classes and the background.
        spatial_dims: 2 or 3.
        widths: channels after each of five halvings; a multiple of 2.
    """

    def __init__(
        self,
        in_channels: int,
        out_channels: int,
        spatial_dims: int = 2,
        widths: Sequence[int] = (16, 32, 64, 96, 160),
    ) -> None:
        super().__init__()
        dims = spatial_dims
        self.encoder = nn.ModuleList(
            nn.Sequential(MultiKernelResidual(before, width, dims), MAX_POOL[dims](2))
            for before, width in zip((in_channels, *widths), widths, strict=False)
        )
        self.decoder = nn.ModuleList(
            nn.Sequential(ChannelGate(width), SpatialGate(dims, 7, norm=False), MultiKernelResidual(width, after, dims))
            for width, after in zip(widths[::-1], (*widths[-2::-1], widths[0]), strict=True)
        )
        self.gates = nn.ModuleList(GroupedGate(width, dims) for width in widths[-2::-1])
        self.head = CONV[dims](widths[0], out_channels, 1)

    def forward(self, image: Tensor) -> Tensor:
        """``(batch, in_channels, *spatial)`` to logits ``(batch, out_channels, *spatial)``."""
        skips, x = [], image
        for level in self.encoder:
            x = level(x)
            skips.append(x)
        finer = [*skips[-2::-1], image]
        for stage, gate, skip in zip(self.decoder, [*self.gates, None], finer, strict=True):
            x = resize(stage(x), skip.shape[2:])
            if gate is not None:
                x = x + gate(x, skip)
        return self.head(x)
