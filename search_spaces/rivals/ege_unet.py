"""EGE-UNet. Ruan, Xie, Gao, Liu, Fu: EGE-UNet, an Efficient Group Enhanced UNet for Skin Lesion Segmentation, MICCAI
2023, https://arxiv.org/abs/2307.08473

Quarters of the channels are multiplied by small learnt maps of an image's plane, height and width, or go through a
depthwise convolution; skips are joined with the coarser feature and a coarse prediction by dilated depthwise ones.

What the paper leaves open (norms, what is interpolated how, initial weights) is as in the authors' code
(JCruan519/EGE-UNet at f52ba30c, Apache-2.0), which has 53,374 parameters with three channels and one output; 53k are
published. The learnt maps are of height and width, so it stays 2D.

Deviation: the coarse predictions, one channel each, guide the skips as published and learn from that alone; the authors
train them on the labels, too.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor, nn

from search_spaces.layers import GroupNorm, resize
from search_spaces.rivals.fan_out import fan_out

PLAIN = 3  # levels that are convolutions; coarser ones are Hadamard attention
SIDE = 8  # of the learnt maps
DILATIONS = (1, 2, 5, 7)
NORM_GROUPS = 4


class ChannelNorm(nn.LayerNorm):
    """Normalises the channels of each position of ``(batch, channels, height, width)``."""

    def __init__(self, channels: int) -> None:
        super().__init__(channels, eps=1e-6)

    def forward(self, input: Tensor) -> Tensor:
        """``input`` and the result have one shape."""
        return super().forward(input.movedim(1, -1)).movedim(-1, 1)


class LearntGate(nn.Module):
    """A learnt map, brought to a size and made into weights by a depthwise and a 1x1 convolution.

    Args:
        channels: of the map.
        axes: 2 for a plane, 1 for a line.
    """

    def __init__(self, channels: int, axes: int) -> None:
        super().__init__()
        conv = {1: nn.Conv1d, 2: nn.Conv2d}[axes]
        self.mode = {1: "linear", 2: "bilinear"}[axes]
        self.map = nn.Parameter(torch.ones(1, channels, *(SIDE,) * axes))
        self.weigh = nn.Sequential(
            conv(channels, channels, 3, padding=1, groups=channels), nn.GELU(), conv(channels, channels, 1)
        )
        for layer in self.weigh:
            if isinstance(layer, nn.Conv1d):
                nn.init.normal_(layer.weight, std=(2 / (layer.kernel_size[0] * channels)) ** 0.5)

    def forward(self, *size: int) -> Tensor:
        """``(1, channels, *size)``."""
        return self.weigh(nn.functional.interpolate(self.map, size=size, mode=self.mode, align_corners=True))


class HadamardAttention(nn.Module):
    """Group multi-axis Hadamard product attention (GHPA), ``in_channels`` to ``channels``."""

    def __init__(self, in_channels: int, channels: int) -> None:
        super().__init__()
        quarter = in_channels // 4
        self.before = ChannelNorm(in_channels)
        self.plane, self.height, self.width = (LearntGate(quarter, axes) for axes in (2, 1, 1))
        self.local = nn.Sequential(
            nn.Conv2d(quarter, quarter, 1), nn.GELU(), nn.Conv2d(quarter, quarter, 3, padding=1, groups=quarter)
        )
        self.after = ChannelNorm(in_channels)
        self.join = nn.Sequential(
            nn.Conv2d(in_channels, in_channels, 3, padding=1, groups=in_channels),
            nn.GELU(),
            nn.Conv2d(in_channels, channels, 1),
        )

    def forward(self, x: Tensor) -> Tensor:
        """``(batch, in_channels, height, width)`` to ``(batch, channels, height, width)``."""
        height, width = x.shape[2:]
        first, second, third, fourth = self.before(x).chunk(4, 1)
        parts = [
            first * self.plane(height, width),
            second * self.height(height).unsqueeze(3),
            third * self.width(width).unsqueeze(2),
            self.local(fourth),
        ]
        return self.join(self.after(torch.cat(parts, dim=1)))


class AggregationBridge(nn.Module):
    """Group aggregation bridge (GAB): a skip, with the coarser skip and a coarse prediction as context."""

    def __init__(self, coarse_channels: int, channels: int) -> None:
        super().__init__()
        group = channels // 2 + 1  # a quarter of either feature, and the prediction
        self.project = nn.Conv2d(coarse_channels, channels, 1)
        self.groups = nn.ModuleList(
            nn.Sequential(
                ChannelNorm(group), nn.Conv2d(group, group, 3, padding=dilation, dilation=dilation, groups=group)
            )
            for dilation in DILATIONS
        )
        self.join = nn.Sequential(ChannelNorm(4 * group), nn.Conv2d(4 * group, channels, 1))

    def forward(self, coarse: Tensor, skip: Tensor, prediction: Tensor) -> Tensor:
        """The skip and the result are ``(batch, channels, height, width)``, the prediction has one channel."""
        coarse = resize(self.project(coarse), skip.shape[2:], align_corners=True)
        quarters = zip(self.groups, coarse.chunk(4, 1), skip.chunk(4, 1), strict=True)
        return self.join(torch.cat([group(torch.cat([a, b, prediction], dim=1)) for group, a, b in quarters], dim=1))


class EGEUNet(nn.Module):
    """Six levels, five poolings; what a bridge makes of a skip is added to the decoder and goes to the next bridge.

    Args:
        in_channels: of the image.
        out_channels: classes and the background.
        widths: channels of each level, multiples of 4.
    """

    def __init__(self, in_channels: int, out_channels: int, widths: Sequence[int] = (8, 16, 24, 32, 48, 64)) -> None:
        super().__init__()
        finer = widths[-2::-1]
        self.encoder = nn.ModuleList(
            nn.Conv2d(before, width, 3, padding=1) if level < PLAIN else HadamardAttention(before, width)
            for level, (before, width) in enumerate(zip((in_channels, *widths), widths, strict=False))
        )
        self.encoder_norms = nn.ModuleList(GroupNorm(NORM_GROUPS, width) for width in widths[:-1])
        self.decoder = nn.ModuleList(
            HadamardAttention(below, width) if level < PLAIN else nn.Conv2d(below, width, 3, padding=1)
            for level, (below, width) in enumerate(zip(widths[::-1], finer, strict=False))
        )
        self.decoder_norms = nn.ModuleList(GroupNorm(NORM_GROUPS, width) for width in finer)
        self.predictions = nn.ModuleList(nn.Conv2d(width, 1, 1) for width in finer)
        self.bridges = nn.ModuleList(
            AggregationBridge(below, width) for below, width in zip(widths[::-1], finer, strict=False)
        )
        self.head = nn.Conv2d(widths[0], out_channels, 1)
        fan_out(self)

    def forward(self, image: Tensor) -> Tensor:
        """``(batch, in_channels, height, width)`` to logits ``(batch, out_channels, height, width)``."""
        gelu, skips, x = nn.functional.gelu, [], image
        for stage, norm in zip(self.encoder, self.encoder_norms, strict=False):
            x = gelu(nn.functional.max_pool2d(norm(stage(x)), 2))
            skips.append(x)
        x = bridged = gelu(self.encoder[-1](x))
        for level, skip in enumerate(reversed(skips)):
            x = self.decoder_norms[level](self.decoder[level](x))
            x = gelu(resize(x, skip.shape[2:], align_corners=True) if level else x)
            bridged = self.bridges[level](bridged, skip, self.predictions[level](x))
            x = x + bridged
        return resize(self.head(x), image.shape[2:], align_corners=True)
