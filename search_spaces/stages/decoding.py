"""A decoder's step: the coarser feature and a skip become the finer feature."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor, nn

from search_spaces.layers import CONV, crop, resize
from search_spaces.pricing.parts import Part
from search_spaces.stages.convolution import Stage
from search_spaces.stages.patches import PatchExpanding
from search_spaces.stages.sampling import Up


class InterpolatedStep(Part):
    """Interpolated with aligned corners, joined to the skip where there is one, then two convolutions.

    Chen et al.: TransUNet, 2021, https://arxiv.org/abs/2102.04306

    Args:
        in_channels: channels of the coarser feature.
        skip_channels: channels of the skip, 0 for none.
        channels: channels of the result.
        form: what else a ``Stage`` is told.
    """

    def __init__(self, in_channels: int, skip_channels: int, channels: int, **form: Any) -> None:
        super().__init__()
        self.stage = Stage(in_channels + skip_channels, channels, **form)

    def forward(self, x: Tensor, size: Sequence[int], skip: Tensor | None = None) -> Tensor:
        """``(batch, in_channels, *coarser)`` to ``(batch, channels, *size)``."""
        x = resize(x, size, align_corners=True)
        return self.stage(x if skip is None else torch.cat([x, skip], dim=1))


class ExpandingStep(Part):
    """Patches expanded, joined to the skip by a 1x1 convolution, then window attention.

    Cao et al.: Swin-Unet, ECCV Workshops 2022, https://arxiv.org/abs/2105.05537

    Args:
        in_channels: channels of the coarser feature.
        channels: channels of the skip and of the result.
        dims: 2 or 3.
        blocks: the window attention, ``channels`` to ``channels``.
    """

    def __init__(self, in_channels: int, channels: int, *, dims: int, blocks: nn.Module) -> None:
        super().__init__()
        self.expand = PatchExpanding(in_channels, channels, dims=dims)
        self.join = CONV[dims](2 * channels, channels, 1)
        self.blocks = blocks

    def forward(self, x: Tensor, skip: Tensor) -> Tensor:
        """``(batch, in_channels, *coarser)`` to ``(batch, channels, *spatial)``, the shape of ``skip``."""
        return self.blocks(self.join(torch.cat([crop(self.expand(x), skip), skip], dim=1)))


class TransposedStep(Part):
    """A transposed convolution, joined to the skip, then a residual stage.

    Hatamizadeh et al.: UNETR, WACV 2022, https://arxiv.org/abs/2103.10504

    Args:
        in_channels: channels of the coarser feature.
        channels: channels of the skip and of the result.
        dims: 2 or 3.
        block: see ``Stage``.
    """

    def __init__(self, in_channels: int, channels: int, *, dims: int, block: nn.Module | None = None) -> None:
        super().__init__()
        self.up = Up(in_channels, channels, dims=dims)
        self.stage = Stage(2 * channels, channels, dims=dims, residual=True, block=block)

    def forward(self, x: Tensor, skip: Tensor) -> Tensor:
        """``(batch, in_channels, *coarser)`` to ``(batch, channels, *spatial)``, the shape of ``skip``."""
        return self.stage(torch.cat([self.up(x, skip), skip], dim=1))
