"""Strip pooling. Hou, Zhang, Cheng, Feng: Strip Pooling, CVPR 2020, https://arxiv.org/abs/2003.13328

gate: y = x * sigmoid(W relu(sum_a BN(conv_3(mean over all axes but a))));  mixed: y = relu(x + BN(W [P; S])), P of
square pools and S of strips, both on a fourth of the channels
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from search_spaces.attention.mechanism import Mechanism, check_option, mechanism
from search_spaces.attention.pooling import mean_to
from search_spaces.attention.strips import along, strips
from search_spaces.layers import CONV, NORM, resize
from search_spaces.pricing.parts import Part

FORMS = ("gate", "mixed")


class StripContext(Part):
    """The sum, over all axes, of a short convolution along the axis over the means of the others, before a ReLU."""

    def __init__(self, channels: int, *, dims: int, norm: str) -> None:
        super().__init__()
        self.convolutions = nn.ModuleList(
            nn.Sequential(nn.Conv1d(channels, channels, 3, padding=1, bias=False), NORM[norm](channels))
            for _ in range(dims)
        )

    def forward(self, x: Tensor) -> Tensor:
        """``(batch, channels, *spatial)``, as ``x``."""
        pairs = zip(self.convolutions, strips(x), strict=True)
        parts = [along(convolve(strip), axis, x.dim()) for axis, (convolve, strip) in enumerate(pairs, start=2)]
        return sum(parts[1:], parts[0])


class StripGate(Part):
    """Weights for each position and channel by its strips."""

    def __init__(self, channels: int, *, dims: int, norm: str) -> None:
        super().__init__()
        self.context = StripContext(channels, dims=dims, norm=norm)
        self.project = CONV[dims](channels, channels, 1)

    def forward(self, x: Tensor) -> Tensor:
        return x * torch.sigmoid(self.project(F.relu(self.context(x))))


class MixedPooling(Part):
    """Square pools and strips side by side, added to the input.

    Args:
        channels: of the map.
        dims: 2 or 3.
        width: of each side.
        pools: sides of the square pools; one longer than the map repeats positions.
        norm: key of ``NORM``.
    """

    def __init__(self, channels: int, *, dims: int, width: int, pools: Sequence[int], norm: str) -> None:
        super().__init__()
        conv = CONV[dims]
        self.pools = tuple(pools)

        def convolution(kernel: int, inputs: int = width, outputs: int = width) -> nn.Sequential:
            return nn.Sequential(conv(inputs, outputs, kernel, padding=kernel // 2, bias=False), NORM[norm](outputs))

        self.reduce = nn.ModuleList(nn.Sequential(convolution(1, channels), nn.ReLU()) for _ in range(2))
        self.spread = nn.ModuleList(convolution(3) for _ in (None, *self.pools))
        self.context = StripContext(width, dims=dims, norm=norm)
        self.mix = nn.ModuleList(nn.Sequential(nn.ReLU(), convolution(3), nn.ReLU()) for _ in range(2))
        self.join = convolution(1, 2 * width, channels)

    def forward(self, x: Tensor) -> Tensor:
        first, second = (reduce(x) for reduce in self.reduce)
        whole, *pooled = self.spread
        square = whole(first)
        for side, convolve in zip(self.pools, pooled, strict=True):
            small = convolve(mean_to(first, (side,) * (x.dim() - 2)))
            square = square + resize(small, x.shape[2:], align_corners=True)
        sides = zip(self.mix, (square, self.context(second)), strict=True)
        return F.relu(x + self.join(torch.cat([mix(side) for mix, side in sides], dim=1)))


@mechanism(
    "strip",
    family="multi-scale",
    type="spatial",
    title="Strip pooling",
    paper="Hou, Zhang, Cheng, Feng: Strip Pooling, Rethinking Spatial Pooling for Scene Parsing, CVPR",
    year=2020,
    address="https://arxiv.org/abs/2003.13328",
    cost="O(C^2 n)",
    choices={"form": FORMS, "pool": (4, 8)},
    effective={"pool": lambda channels, settings: settings["form"] == "mixed" and settings["pool"]},
)
class StripPooling(Mechanism):
    """Long, narrow surroundings: means over all axes but one, spread over the map again.

    Args:
        channels: channels of the feature map.
        dims: 2 or 3; in 3D there are three strips, each the mean over two axes.
        form: ``gate``, the authors' module of a stage, or ``mixed``, their module of mixed pooling.
        pool: side of the larger square pool of ``mixed``; the smaller has half of that, at least 1. The authors' are 20
            and 12.
        pools: sides of all square pools, in place of ``pool``.
        reduction: ratio of ``channels`` to the width of ``mixed``.
        min_width: lower bound of that width.
        norm: key of ``NORM``.
    """

    def __init__(
        self,
        channels: int,
        *,
        dims: int,
        form: str = "gate",
        pool: int = 8,
        pools: Sequence[int] | None = None,
        reduction: int = 4,
        min_width: int = 4,
        norm: str = "batch",
    ) -> None:
        check_option("strip form", form, FORMS)
        check_option("strip norm", norm, NORM)
        super().__init__()
        self.layer: Part
        if form == "gate":
            self.layer = StripGate(channels, dims=dims, norm=norm)
        else:
            width, sides = max(channels // reduction, min_width), tuple(pools or (pool, max(pool // 2, 1)))
            self.layer = MixedPooling(channels, dims=dims, width=width, pools=sides, norm=norm)

    def forward(self, x: Tensor) -> Tensor:
        """``x`` and the result: ``(batch, channels, *spatial)``."""
        return self.layer(x)
