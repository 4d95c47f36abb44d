"""TinyU-Net. Chen, Chen, Wang, Cheng, Zhang, Chen: TinyU-Net, Lighter Yet Better U-Net with Cascaded Multi-receptive
Fields, MICCAI 2024, https://doi.org/10.1007/978-3-031-72114-4_60

Depthwise convolutions one after another on few channels, all results kept: y = c1 [e + o; d1 o; d2 d1 o; ...] with
e, o the even and odd channels of c1 x.

Sides of kernels, widths and the constants of norms are those of the authors' code (ChenJunren-Lab/TinyU-Net at
73147721, MIT), which has 481,105 parameters with three channels and one output; 0.48M are published. In 3D, which the
paper has not, interpolation is linear: torch has no cubic one there.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import accumulate

import torch
from torch import Tensor, nn

from search_spaces.layers import CONV, MAX_POOL, BatchNorm, resize

PARTS = 8  # of the result's channels, half of them each: one is the sum, and one comes from each depthwise convolution


def _conv_norm(in_channels: int, channels: int, dims: int, kernel: int = 1, groups: int = 1) -> nn.Sequential:
    convolution = CONV[dims](in_channels, channels, kernel, padding=kernel // 2, groups=groups, bias=False)
    return nn.Sequential(convolution, BatchNorm(channels, eps=1e-3, momentum=0.03))


class CascadedReceptiveFields(nn.Module):
    """The block of every stage (CMRF); ``in_channels`` to ``channels``, residual where these are equal."""

    def __init__(self, in_channels: int, channels: int, dims: int) -> None:
        super().__init__()
        narrow = channels // PARTS // 2
        self.first = nn.Sequential(_conv_norm(in_channels, 2 * narrow, dims), nn.GELU())
        self.cascade = nn.ModuleList(_conv_norm(narrow, narrow, dims, 3, narrow) for _ in range(PARTS - 1))
        self.last = nn.Sequential(_conv_norm(PARTS * narrow, channels, dims), nn.GELU())
        self.residual = in_channels == channels

    def forward(self, x: Tensor) -> Tensor:
        """``(batch, in_channels, *spatial)`` to ``(batch, channels, *spatial)``."""
        even, odd = self.first(x).unflatten(1, (-1, 2)).unbind(2)
        fields = accumulate(self.cascade, lambda field, convolution: convolution(field), initial=odd)
        next(fields)  # the odd channels themselves
        y = self.last(torch.cat([even + odd, *fields], dim=1))
        return x + y if self.residual else y


class TinyUNet(nn.Module):
    """A U-Net of four poolings with one block a stage and none below the last.

    Args:
        in_channels: of the image.
        out_channels: classes and the background.
        spatial_dims: 2 or 3.
        widths: channels of each level, multiples of 16.
    """

    def __init__(
        self,
        in_channels: int,
        out_channels: int,
        spatial_dims: int = 2,
        widths: Sequence[int] = (64, 128, 256, 512),
    ) -> None:
        super().__init__()
        dims = spatial_dims
        self.encoder = nn.ModuleList(
            CascadedReceptiveFields(before, width, dims)
            for before, width in zip((in_channels, *widths), widths, strict=False)
        )
        self.pool = MAX_POOL[dims](2)
        coarser = (widths[-1], *widths[:0:-1])
        self.decoder = nn.ModuleList(
            CascadedReceptiveFields(below + width, width, dims)
            for below, width in zip(coarser, widths[::-1], strict=True)
        )
        self.head = CONV[dims](widths[0], out_channels, 1)

    def forward(self, image: Tensor) -> Tensor:
        """``(batch, in_channels, *spatial)`` to logits ``(batch, out_channels, *spatial)``."""
        skips, x = [], image
        for stage in self.encoder:
            skips.append(stage(x))
            x = self.pool(skips[-1])
        for stage, skip in zip(self.decoder, reversed(skips), strict=True):
            x = stage(torch.cat([_doubled(x, skip), skip], dim=1))
        return self.head(x)


def _doubled(x: Tensor, like: Tensor) -> Tensor:
    if x.dim() == 5:
        return resize(x, like.shape[2:])
    return nn.functional.interpolate(x, size=like.shape[2:], mode="bicubic")
