"""Grouped Hadamard product attention. Ruan, Xie, Gao, Liu, Fu: EGE-UNet, MICCAI 2023, https://arxiv.org/abs/2307.08473

[x_1 ... x_m] = LN(x),  y = W gelu(dw(LN[x_1 * F(up P), x_2 * F(up p_h), ..., dw(gelu(V x_m))])): a learned map over all
axes, one along each, and none for the last part
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from search_spaces.attention.mechanism import Mechanism, mechanism, sides_of
from search_spaces.attention.strips import along
from search_spaces.layers import CONV, ChannelNorm, resize
from search_spaces.pricing.parts import Part

EPS = 1e-6  # of the authors' norms


class LearnedMap(Part):
    """Weights ``(1, channels, *size)`` of a learned map over all spatial axes or along one of them, whatever the image.

    Args:
        channels: of the map.
        dims: 2 or 3.
        sides: of what is learned; interpolated linearly with aligned corners.
        axis: along which it runs; left out, along all.
    """

    def __init__(self, channels: int, *, dims: int, sides: Sequence[int], axis: int | None = None) -> None:
        super().__init__()
        self.axis = axis
        conv = nn.Conv1d if axis is not None else CONV[dims]
        self.learned = nn.Parameter(torch.empty(1, channels, *sides))
        self.refine = nn.Sequential(
            conv(channels, channels, 3, padding=1, groups=channels), nn.GELU(), conv(channels, channels, 1)
        )
        self.reset_parameters()

    def reset_parameters(self) -> None:
        nn.init.ones_(self.learned)

    def forward(self, size: Sequence[int]) -> Tensor:
        if self.axis is None:
            return self.refine(resize(self.learned, size, align_corners=True))
        line = F.interpolate(self.learned, (size[self.axis],), mode="linear", align_corners=True)
        return along(self.refine(line), 2 + self.axis, 2 + len(size))


@mechanism(
    "hadamard",
    family="other",
    type="learned map",
    title="Grouped multi-axis Hadamard product attention",
    paper="Ruan, Xie, Gao, Liu, Fu: EGE-UNet, an Efficient Group Enhanced UNet for Skin Lesion Segmentation, MICCAI",
    year=2023,
    address="https://arxiv.org/abs/2307.08473",
    cost="O(C^2 n)",
    choices={"side": (4, 8)},
    effective={"side": lambda channels, settings: channels >= settings["dims"] + 2 and settings["side"]},
)
class HadamardAttention(Mechanism):
    """Multiplies parts of the channels with learned maps, which know places and not images, and convolves the last.

    Args:
        channels: channels of the result.
        dims: 2 or 3; in 3D, which the authors do not define, there are a full map, three lines and the last part.
        in_channels: channels of the input; left out, as many as of the result. The last part takes what is left over by
            equal parts; with fewer channels than parts it takes all.
        side: of the learned maps, or one for each axis.
    """

    def __init__(
        self, channels: int, *, dims: int, in_channels: int | None = None, side: int | Sequence[int] = 8
    ) -> None:
        super().__init__()
        conv, inputs = CONV[dims], in_channels or channels
        sides = sides_of("hadamard side", side, dims)
        share = inputs // (dims + 2)
        last = inputs - share * (dims + 1)
        self.shares = [share] * (dims + 1 if share else 0) + [last]
        lines = [LearnedMap(share, dims=dims, sides=(sides[axis],), axis=axis) for axis in range(dims if share else 0)]
        self.maps = nn.ModuleList([LearnedMap(share, dims=dims, sides=sides), *lines] if share else [])
        self.last = nn.Sequential(conv(last, last, 1), nn.GELU(), conv(last, last, 3, padding=1, groups=last))
        self.norm1, self.norm2 = ChannelNorm(inputs, EPS), ChannelNorm(inputs, EPS)
        self.join = nn.Sequential(
            conv(inputs, inputs, 3, padding=1, groups=inputs), nn.GELU(), conv(inputs, channels, 1)
        )

    def forward(self, x: Tensor) -> Tensor:
        """``(batch, in_channels, *spatial)`` to ``(batch, channels, *spatial)``."""
        *parts, last = self.norm1(x).split(self.shares, dim=1)
        weighed = [part * learned(x.shape[2:]) for part, learned in zip(parts, self.maps, strict=True)]
        return self.join(self.norm2(torch.cat([*weighed, self.last(last)], dim=1)))
