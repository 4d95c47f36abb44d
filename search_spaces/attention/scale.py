"""Attention over decoder scales. Gu et al.: CA-Net, TMI 2021, https://arxiv.org/abs/2009.10549

All decoder levels at one size, a gate for each level and one for each position of each level, then a convolution
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from search_spaces.attention.mechanism import Mechanism, check_option, mechanism
from search_spaces.layers import CONV, NORM, SPATIAL_AXES, linear, resize
from search_spaces.pricing.parts import Part


class ScaleGate(Part):
    """Weighs ``scales`` groups of ``width`` channels each, and mixes them.

    The level's gate is the mean over its channels of what a perceptron makes of the maxima and means; the positions'
    gates come after an activation, so that they are at least a half, as in the authors' code.

    Args:
        scales: number of levels.
        width: channels of a level.
        channels: of the result.
        dims: 2 or 3.
        hidden: width of the perceptron.
        norm: key of ``NORM``.
    """

    def __init__(self, scales: int, width: int, channels: int, *, dims: int, hidden: int, norm: str) -> None:
        super().__init__()
        conv, joint = CONV[dims], scales * width
        self.scales, self.width, self.axes = scales, width, SPATIAL_AXES[dims]
        self.perceptron = nn.Sequential(linear(joint, hidden), nn.ReLU(), linear(hidden, joint))
        self.spread = nn.Sequential(conv(joint, width, 3, padding=1, bias=False), NORM[norm](width), nn.ReLU())
        self.score = nn.Sequential(conv(width, scales, 1, bias=False), nn.ReLU())
        self.join = nn.Sequential(conv(joint, channels, 3, padding=1, bias=False), NORM[norm](channels), nn.ReLU())

    def forward(self, x: Tensor) -> Tensor:
        """``(batch, scales * width, *spatial)`` to ``(batch, channels, *spatial)``."""
        pooled = self.perceptron(x.mean(self.axes)) + self.perceptron(x.amax(self.axes))
        levels = torch.sigmoid(pooled.unflatten(1, (self.scales, self.width)).mean(2))
        gated = self._weighed(x, levels.reshape(*levels.shape, *[1] * len(self.axes)))
        placed = self._weighed(gated, torch.sigmoid(self.score(self.spread(gated))))
        return self.join(F.relu(placed + gated + x))

    def _weighed(self, x: Tensor, weights: Tensor) -> Tensor:
        """``x`` with each level's channels times that level's weight; ``weights``: ``(batch, scales, ...)``."""
        return (x.unflatten(1, (self.scales, self.width)) * weights.unsqueeze(2)).flatten(1, 2)


@mechanism(
    "scale",
    family="multi-scale",
    type="scale",
    title="Attention over decoder scales",
    paper="Gu, Wang, Song, Huang, Aertsen, Deprest, Ourselin, Vercauteren, Zhang: CA-Net, TMI",
    year=2021,
    address="https://arxiv.org/abs/2009.10549",
    cost="O(L^2 n 3^dims), L levels",
    inputs="pyramid",
    choices={"width": (2, 4)},
)
class ScaleAttention(Mechanism):
    """Brings all decoder levels to the finest size and weighs them, level by level and position by position.

    Args:
        channels: channels of the finest level, and of the result.
        dims: 2 or 3.
        pyramid_channels: channels of all levels, finest first.
        width: channels that each level is reduced to.
        norm: key of ``NORM``.
    """

    def __init__(
        self, channels: int, *, dims: int, pyramid_channels: Sequence[int], width: int = 4, norm: str = "batch"
    ) -> None:
        check_option("scale norm", norm, NORM)
        super().__init__()
        self.reduce = nn.ModuleList(CONV[dims](inputs, width, 1) for inputs in pyramid_channels)
        self.gate = ScaleGate(len(pyramid_channels), width, channels, dims=dims, hidden=width, norm=norm)

    def forward(self, features: Sequence[Tensor]) -> Tensor:
        """``(batch, channels of the level, *spatial)``, finest first, to ``(batch, channels, *finest)``."""
        size = features[0].shape[2:]
        levels = [resize(reduce(x), size) for reduce, x in zip(self.reduce, features, strict=True)]
        return self.gate(torch.cat(levels, dim=1))
