"""CMUNeXt. Tang, Ding, Quan, Wang, Ning, Zhou: CMUNeXt, An Efficient Medical Image Segmentation Network Based on Large
Kernel and Skip Fusion, ISBI 2024, https://arxiv.org/abs/2308.01239

Depthwise convolutions of up to 9 positions a side, then a perceptron of four times the width; skips are joined by
grouped convolutions: x' = x + BN gelu dw_k x, y = BN gelu c1 BN gelu c1 x'.

Widths, kernels and the place of each norm are those of the authors' code (FengheTan9/CMUNeXt at affbf03e, MIT), which
has 417,505 parameters with three channels and one output in the form S; 0.418M are published. 3D is not in the paper:
kernels are cubes there.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor, nn

from search_spaces.layers import CONV, MAX_POOL, BatchNorm, resize


def _conv_norm(in_channels: int, channels: int, dims: int, kernel: int = 1, groups: int = 1) -> nn.Sequential:
    """A convolution, activated before it is normalised."""
    convolution = CONV[dims](in_channels, channels, kernel, padding=kernel // 2, groups=groups)
    return nn.Sequential(convolution, nn.GELU(), BatchNorm(channels))


def _normed_conv(in_channels: int, channels: int, dims: int) -> nn.Sequential:
    """A 3x3 convolution, normalised before it is activated."""
    return nn.Sequential(CONV[dims](in_channels, channels, 3, padding=1), BatchNorm(channels), nn.ReLU())


def _perceptron(in_channels: int, channels: int, dims: int) -> nn.Sequential:
    """Over channels, four times as wide inside as the result."""
    return nn.Sequential(_conv_norm(in_channels, 4 * channels, dims), _conv_norm(4 * channels, channels, dims))


class LargeKernelBlock(nn.Module):
    """Over space for each channel alone, added to the input; then over channels. Keeps ``channels``."""

    def __init__(self, channels: int, kernel: int, dims: int) -> None:
        super().__init__()
        self.spatial = _conv_norm(channels, channels, dims, kernel, channels)
        self.perceptron = _perceptron(channels, channels, dims)

    def forward(self, x: Tensor) -> Tensor:
        """``x`` and the result: ``(batch, channels, *spatial)``."""
        return self.perceptron(x + self.spatial(x))


class CMUNeXt(nn.Module):
    """A U-Net of four poolings.

    Args:
        in_channels: of the image.
        out_channels: classes and the background.
        spatial_dims: 2 or 3.
        widths: channels of each level; the default is the small form.
        depths: blocks of each level.
        kernels: odd sides of their depthwise convolutions.
    """

    def __init__(
        self,
        in_channels: int,
        out_channels: int,
        spatial_dims: int = 2,
        widths: Sequence[int] = (8, 16, 32, 64, 128),
        depths: Sequence[int] = (1, 1, 1, 1, 1),
        kernels: Sequence[int] = (3, 3, 7, 7, 9),
    ) -> None:
        super().__init__()
        dims = spatial_dims
        self.stem = _normed_conv(in_channels, widths[0], dims)
        self.encoder = nn.ModuleList(
            nn.Sequential(
                *(LargeKernelBlock(before, kernel, dims) for _ in range(depth)), _normed_conv(before, width, dims)
            )
            for before, width, depth, kernel in zip((widths[0], *widths), widths, depths, kernels, strict=False)
        )
        self.pool = MAX_POOL[dims](2)
        finer = widths[-2::-1]
        self.up = nn.ModuleList(
            _normed_conv(below, width, dims) for below, width in zip(widths[::-1], finer, strict=False)
        )
        self.fusion = nn.ModuleList(
            nn.Sequential(_conv_norm(2 * width, 2 * width, dims, 3, groups=2), _perceptron(2 * width, width, dims))
            for width in finer
        )
        self.head = CONV[dims](widths[0], out_channels, 1)

    def forward(self, image: Tensor) -> Tensor:
        """``(batch, in_channels, *spatial)`` to logits ``(batch, out_channels, *spatial)``."""
        skips: list[Tensor] = []
        x = self.stem(image)
        for stage in self.encoder:
            skips.append(stage(self.pool(x) if skips else x))
            x = skips[-1]
        for up, fusion, skip in zip(self.up, self.fusion, skips[-2::-1], strict=True):
            x = fusion(torch.cat([skip, up(resize(x, skip.shape[2:]))], dim=1))
        return self.head(x)
