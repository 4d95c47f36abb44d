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

from torch import Tensor, nn

from search_spaces.attention.group_bridge import GroupBridge
from search_spaces.attention.hadamard import HadamardAttention
from search_spaces.layers import GroupNorm, resize
from search_spaces.rivals.fan_out import fan_out

PLAIN = 3  # levels that are convolutions; coarser ones are Hadamard attention
NORM_GROUPS = 4


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
            nn.Conv2d(before, width, 3, padding=1)
            if level < PLAIN
            else HadamardAttention(width, dims=2, in_channels=before)
            for level, (before, width) in enumerate(zip((in_channels, *widths), widths, strict=False))
        )
        self.encoder_norms = nn.ModuleList(GroupNorm(NORM_GROUPS, width) for width in widths[:-1])
        self.decoder = nn.ModuleList(
            HadamardAttention(width, dims=2, in_channels=below)
            if level < PLAIN
            else nn.Conv2d(below, width, 3, padding=1)
            for level, (below, width) in enumerate(zip(widths[::-1], finer, strict=False))
        )
        self.decoder_norms = nn.ModuleList(GroupNorm(NORM_GROUPS, width) for width in finer)
        self.predictions = nn.ModuleList(nn.Conv2d(width, 1, 1) for width in finer)
        self.bridges = nn.ModuleList(
            GroupBridge(width, below, dims=2) for below, width in zip(widths[::-1], finer, strict=False)
        )
        self.head = nn.Conv2d(widths[0], out_channels, 1)
        fan_out(self)
        for layer in self.modules():
            if isinstance(layer, nn.Conv1d):  # of the maps that are lines: by all outputs, though there are groups
                nn.init.normal_(layer.weight, std=(2 / (layer.kernel_size[0] * layer.out_channels)) ** 0.5)

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
            bridged = self.bridges[level](skip, bridged, self.predictions[level](x))
            x = x + bridged
        return resize(self.head(x), image.shape[2:], align_corners=True)
