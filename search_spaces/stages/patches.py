"""Patches of a feature map become positions of a coarser one, and positions become patches again.

Liu et al.: Swin Transformer, ICCV 2021, https://arxiv.org/abs/2103.14030 (embedding, merging);
Cao et al.: Swin-Unet, ECCV Workshops 2022, https://arxiv.org/abs/2105.05537 (expanding)

The positions of a patch are joined row by row, the last axis fastest.
"""

from __future__ import annotations

from torch import Tensor, nn

from search_spaces.attention.window import join_windows, split_windows
from search_spaces.exporting import fill, lack
from search_spaces.layers import CONV, ChannelNorm, linear, token_norm
from search_spaces.pricing.parts import Part


class PatchEmbedding(Part):
    """One linear layer on each patch of an image, then a normalisation or none.

    Args:
        in_channels: channels of the image.
        channels: channels of a position.
        dims: 2 or 3.
        patch: side of a patch; a size that it does not divide is rounded up with zeros.
        norm: whether channels are normalised.
    """

    def __init__(self, in_channels: int, channels: int, *, dims: int, patch: int, norm: bool) -> None:
        super().__init__()
        self.patch = patch
        self.project = CONV[dims](in_channels, channels, patch, patch)
        self.norm = ChannelNorm(channels) if norm else nn.Identity()

    def forward(self, image: Tensor) -> Tensor:
        """``(batch, in_channels, *spatial)`` to ``(batch, channels, *coarser)``."""
        return self.norm(self.project(filled(image, self.patch)))


class PatchMerging(Part):
    """Each 2x2 patch becomes a position: y = W LN [x_1, x_2, ...]; odd sizes are rounded up with zeros."""

    def __init__(self, in_channels: int, channels: int, *, dims: int) -> None:
        super().__init__()
        self.norm = token_norm(in_channels * 2**dims)
        self.reduce = linear(in_channels * 2**dims, channels, bias=False)

    def forward(self, x: Tensor) -> Tensor:
        """``(batch, in_channels, *spatial)`` to ``(batch, channels, *coarser)``."""
        x = filled(x, 2).movedim(1, -1)
        patches = split_windows(x, [2] * (x.dim() - 2)).flatten(1)
        merged = self.reduce(self.norm(patches))
        return merged.unflatten(0, (x.shape[0], *(length // 2 for length in x.shape[1:-1]))).movedim(-1, 1)


class PatchExpanding(Part):
    """Each position becomes a patch: [y_1, y_2, ...] = W x, every y normalised.

    Args:
        in_channels: channels of the input.
        channels: channels of the result.
        dims: 2 or 3.
        patch: side of a patch.
    """

    def __init__(self, in_channels: int, channels: int, *, dims: int, patch: int = 2) -> None:
        super().__init__()
        self.patch = (patch,) * dims
        self.expand = linear(in_channels, channels * patch**dims, bias=False)
        self.norm = token_norm(channels)

    def forward(self, x: Tensor) -> Tensor:
        """``(batch, in_channels, *spatial)`` to ``(batch, channels, *finer)``, ``patch`` times the size."""
        size = [length * side for length, side in zip(x.shape[2:], self.patch, strict=True)]
        patches = self.expand(x.movedim(1, -1)).unflatten(-1, (-1, *self.norm.normalized_shape))
        return self.norm(join_windows(patches, self.patch, size)).movedim(-1, 1)


def filled(x: Tensor, multiple: int) -> Tensor:
    """``(batch, channels, *spatial)`` with zeros at the far ends, up to a multiple on each axis."""
    return fill(x, [lack(length, multiple) for length in x.shape[2:]])
