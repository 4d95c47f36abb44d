"""Bottleneck Attention Module. Park, Woo, Lee, Kweon: BAM, BMVC 2018, https://arxiv.org/abs/1807.06514

y = x * (1 + sigmoid(M_c + M_s)),  M_c = W2 relu(BN(W1 mean_s x)),  M_s = two dilated convolutions between 1x1s
"""

from __future__ import annotations

import torch
from torch import Tensor, nn

from search_spaces.attention.mechanism import Mechanism, check_option, mechanism, squeezed
from search_spaces.layers import CONV, NORM, SPATIAL_AXES

COMBINE = ("sum", "product")


@mechanism(
    "bam",
    family="conventional",
    type="dual",
    title="Bottleneck Attention Module",
    paper="Park, Woo, Lee, Kweon: BAM, Bottleneck Attention Module, BMVC",
    year=2018,
    address="https://arxiv.org/abs/1807.06514",
    cost="O(n (C^2 / r + k^dims C^2 / r^2))",
    choices={"reduction": (4, 8, 16), "dilation": (1, 2, 4)},
    effective={"reduction": squeezed},
)
class BottleneckAttention(Mechanism):
    """A channel map and a spatial map side by side, joined before one sigmoid, on top of the identity.

    The paper adds the two maps, the authors' code multiplies them; both normalise where the code does, before each
    activation (the paper: once, at the end of a branch). The code's pooling window is square, this one is the map.

    Args:
        channels: channels of the feature map.
        dims: 2 or 3; in 3D the dilated kernels are cubes.
        reduction: squeeze ratio r of both branches.
        dilation: of the spatial branch's 3x3 convolutions.
        min_width: lower bound of the squeezed width.
        convolutions: number of dilated convolutions.
        layers: number of layers of the channel branch's perceptron but the last.
        spatial_width: width of the spatial branch, in place of ``reduction``.
        combine: ``sum`` (the paper) or ``product`` (the code).
        norm: key of ``NORM``, the normalisation inside both branches.
    """

    def __init__(
        self,
        channels: int,
        *,
        dims: int,
        reduction: int = 4,
        dilation: int = 4,
        min_width: int = 4,
        convolutions: int = 2,
        layers: int = 1,
        spatial_width: int | None = None,
        combine: str = "sum",
        norm: str = "batch",
    ) -> None:
        super().__init__()
        check_option("bam combine", combine, COMBINE)
        check_option("bam norm", norm, NORM)
        conv, width = CONV[dims], max(channels // reduction, min_width)
        self.axes = SPATIAL_AXES[dims]
        self.combine = combine
        perceptron: list[nn.Module] = []
        for index in range(layers):
            perceptron += [conv(width if index else channels, width, 1), NORM[norm](width), nn.ReLU(inplace=True)]
        self.channel = nn.Sequential(*perceptron, conv(width, channels, 1))
        width = spatial_width or width
        maps: list[nn.Module] = [conv(channels, width, 1), NORM[norm](width), nn.ReLU(inplace=True)]
        for _ in range(convolutions):
            maps += [conv(width, width, 3, padding=dilation, dilation=dilation), NORM[norm](width)]
            maps += [nn.ReLU(inplace=True)]
        self.spatial = nn.Sequential(*maps, conv(width, 1, 1))

    def forward(self, x: Tensor) -> Tensor:
        """``x`` and the result: ``(batch, channels, *spatial)``."""
        channel, spatial = self.channel(x.mean(self.axes, keepdim=True)), self.spatial(x)
        joined = channel + spatial if self.combine == "sum" else channel * spatial
        return x * (1 + torch.sigmoid(joined))
